-- The key ring: who may change it, what it refuses, what nobody can read.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never

CREATE ROLE regress_tg_app;
CREATE ROLE regress_tg_admin;

-- No key, no tenant.
BEGIN;
SELECT tenant_guard.authenticate(:'a_hs');
ROLLBACK;

SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea);
SELECT tenant_guard.add_pem('rs', 'RS256', :'rs_pem');
SELECT tenant_guard.add_jwk(:'es_jwk');
SELECT tenant_guard.add_jwk(:'ed_jwk');
SELECT kid, issuer, alg, status, added IS NOT NULL AS added, retired FROM tenant_guard.keys ORDER BY kid;

-- The same again changes nothing; the same name for another key is refused.
SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea);
SELECT tenant_guard.add_jwk(:'hs_jwk');
SELECT tenant_guard.add_pem('es', 'ES256', :'es_pem');
SELECT tenant_guard.add_secret('hs', 'HS256', decode(repeat('ab', 64), 'hex'));
SELECT tenant_guard.add_secret('hs', 'HS512', :'hs_secret_hex'::bytea);
SELECT tenant_guard.add_secret('rs', 'HS256', :'hs_secret_hex'::bytea);
SELECT count(*) FROM tenant_guard.keys;

-- Keys that would be no protection.
CREATE FUNCTION offer(why text, call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE 'SELECT ' || call;
  RETURN 'ACCEPTED';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT why, offer(why, call) FROM (VALUES
  ('one byte', $$tenant_guard.add_secret('k', 'HS256', '\x00')$$),
  ('empty', $$tenant_guard.add_secret('k', 'HS256', '')$$),
  ('31 bytes for HS256', $$tenant_guard.add_secret('k', 'HS256', decode(repeat('ab', 31), 'hex'))$$),
  ('47 bytes for HS384', $$tenant_guard.add_secret('k', 'HS384', decode(repeat('ab', 47), 'hex'))$$),
  ('63 bytes for HS512', $$tenant_guard.add_secret('k', 'HS512', decode(repeat('ab', 63), 'hex'))$$),
  ('a secret for RS256', $$tenant_guard.add_secret('k', 'RS256', decode(repeat('ab', 64), 'hex'))$$),
  ('alg none', $$tenant_guard.add_secret('k', 'none', decode(repeat('ab', 64), 'hex'))$$),
  ('alg in lower case', $$tenant_guard.add_secret('k', 'hs256', decode(repeat('ab', 64), 'hex'))$$),
  ('no kid', $$tenant_guard.add_secret('', 'HS256', decode(repeat('ab', 64), 'hex'))$$),
  ('a public key as a secret', format($$tenant_guard.add_secret('k', 'HS256', convert_to(%L, 'UTF8'))$$, :'rs_pem')),
  ('a PEM for HS256', format($$tenant_guard.add_pem('k', 'HS256', %L)$$, :'rs_pem')),
  ('an RSA key for ES256', format($$tenant_guard.add_pem('k', 'ES256', %L)$$, :'rs_pem')),
  ('a P-256 key for ES384', format($$tenant_guard.add_pem('k', 'ES384', %L)$$, :'es_pem')),
  ('a P-256 key for EdDSA', format($$tenant_guard.add_pem('k', 'EdDSA', %L)$$, :'es_pem')),
  ('no PEM', $$tenant_guard.add_pem('k', 'RS256', 'ssh-rsa AAAA')$$),
  ('empty PEM', $$tenant_guard.add_pem('k', 'RS256', '')$$),
  ('NULL kid', format($$tenant_guard.add_pem(NULL, 'RS256', %L)$$, :'rs_pem')),
  ('NULL alg', format($$tenant_guard.add_pem('k', NULL, %L)$$, :'rs_pem')),
  ('NULL PEM', $$tenant_guard.add_pem('k', 'RS256', NULL)$$),
  ('NULL secret', $$tenant_guard.add_secret('k', 'HS256', NULL)$$),
  ('NULL JWK', $$tenant_guard.add_jwk(NULL)$$),
  ('empty JWK', $$tenant_guard.add_jwk('{}')$$),
  ('a JWK that is a list', $$tenant_guard.add_jwk('[]')$$),
  ('a JWK for encryption', format($$tenant_guard.add_jwk(%L)$$, :'rs_jwk'::jsonb || '{"use": "enc", "kid": "k"}')),
  ('an RSA JWK for HS256', format($$tenant_guard.add_jwk(%L)$$, :'rs_jwk'::jsonb || '{"alg": "HS256", "kid": "k"}')),
  ('a point that is not on the curve', format($$tenant_guard.add_jwk(%L)$$,
      :'es_jwk'::jsonb || jsonb_build_object('kid', 'k', 'y', :'es_jwk'::jsonb ->> 'x'))),
  ('an RSA exponent of 1', format($$tenant_guard.add_jwk(%L)$$, :'rs_jwk'::jsonb || '{"e": "AQ", "kid": "k"}')),
  ('a private JWK', format($$tenant_guard.add_jwk(%L)$$, :'es_jwk'::jsonb
      || '{"d": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE", "kid": "k"}')),
  ('a short JWK secret', $$tenant_guard.add_jwk('{"kty": "oct", "kid": "k", "alg": "HS256", "k": "AAAA"}')$$),
  ('an unknown issuer', format($$tenant_guard.add_secret('k', 'HS256', %L, 'https://nobody.example')$$, :'hs_secret_hex'))
  ) AS offers (why, call);
SELECT count(*) FROM tenant_guard.keys;

-- An error about a key never repeats it.
DO $$
BEGIN
  PERFORM tenant_guard.add_secret('weak', 'HS256', convert_to('hunter2', 'UTF8'));
EXCEPTION WHEN OTHERS THEN
  DECLARE
    message text; detail text; hint text;
  BEGIN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RAISE NOTICE 'names the secret: %', concat(message, detail, hint) ~* 'hunter2|68756e74657232';
  END;
END $$;

-- Retired: refused at the next authenticate, with a transaction open or not. Another key still works.
BEGIN;
SELECT tenant_guard.authenticate(:'a_rs') = :'acme' AS rs_works;
COMMIT;
SELECT tenant_guard.retire_key('rs');
BEGIN;
SELECT tenant_guard.authenticate(:'a_rs');
ROLLBACK;
BEGIN;
SELECT tenant_guard.authenticate(:'a_es') = :'acme' AS es_works;
COMMIT;
-- A retired key does not come back through a token without a kid.
SELECT tenant_guard.retire_key('hs');
BEGIN;
SELECT tenant_guard.authenticate(:'no_kid');
ROLLBACK;
SELECT kid, status, retired IS NOT NULL AS retired FROM tenant_guard.keys ORDER BY kid;
SELECT tenant_guard.retire_key('hs');
SELECT tenant_guard.retire_key('nobody');
SELECT tenant_guard.retire_key('es', 'https://other.example');
SELECT tenant_guard.retire_key(NULL);
-- Rolled back, a retirement did not happen.
BEGIN;
SELECT tenant_guard.retire_key('ed');
SAVEPOINT retired;
SELECT tenant_guard.authenticate(:'a_ed');
ROLLBACK;
BEGIN;
SELECT tenant_guard.authenticate(:'a_ed') = :'acme' AS ed_works;
ROLLBACK;
-- Added again, it is active again.
SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea);
SELECT tenant_guard.add_jwk(:'rs_jwk');
BEGIN;
SELECT tenant_guard.authenticate(:'no_kid') = :'acme' AS hs_works;
ROLLBACK;
BEGIN;
SELECT tenant_guard.authenticate(:'a_rs') = :'acme' AS rs_works;
ROLLBACK;

-- A key of one issuer verifies no token of another, and its audience must be met.
SELECT tenant_guard.add_issuer('https://issuer.example', ARRAY['database']);
SELECT tenant_guard.retire_key('es');
SELECT tenant_guard.add_jwk(:'es_jwk', 'https://issuer.example');
BEGIN;
SELECT tenant_guard.authenticate(:'a_es');
ROLLBACK;
SELECT kid, issuer, status FROM tenant_guard.keys WHERE kid = 'es' ORDER BY issuer NULLS FIRST;
SELECT tenant_guard.retire_key('es', 'https://issuer.example');
SELECT tenant_guard.add_jwk(:'es_jwk');
\set VERBOSITY sqlstate
SELECT tenant_guard.add_issuer('');
SELECT tenant_guard.add_issuer(NULL);
SELECT tenant_guard.add_issuer('https://issuer.example', leeway => '-1 second');
\set VERBOSITY default

-- The application may do none of it, and reads neither keys nor secrets.
SET SESSION AUTHORIZATION regress_tg_app;
\set VERBOSITY sqlstate
SELECT tenant_guard.add_secret('mine', 'HS256', :'hs_secret_hex'::bytea);
SELECT tenant_guard.add_pem('mine', 'RS256', :'rs_pem');
SELECT tenant_guard.add_jwk(:'rs_jwk');
SELECT tenant_guard.store_key('mine', 'HS256', '\x00', NULL);
SELECT tenant_guard.import_secret('mine', 'HS256', :'hs_secret_hex'::bytea);
SELECT tenant_guard.retire_key('hs');
SELECT tenant_guard.add_issuer('mine');
SELECT * FROM tenant_guard.keys;
SELECT * FROM tenant_guard.signing_keys;
SELECT material FROM tenant_guard.signing_keys;
INSERT INTO tenant_guard.signing_keys VALUES ('mine', '', 'HS256', '\x00');
UPDATE tenant_guard.signing_keys SET retired = NULL;
DELETE FROM tenant_guard.signing_keys;
SELECT * FROM tenant_guard.issuers;
COPY tenant_guard.signing_keys TO STDOUT;
\set VERBOSITY default
RESET SESSION AUTHORIZATION;

-- Nor does an administrator, who may add and retire.
GRANT EXECUTE ON FUNCTION tenant_guard.add_secret(text, text, bytea, text), tenant_guard.retire_key(text, text)
  TO regress_tg_admin;
GRANT SELECT ON tenant_guard.keys TO regress_tg_admin;
SET SESSION AUTHORIZATION regress_tg_admin;
SELECT tenant_guard.add_secret('by admin', 'HS256', decode(repeat('ab', 32), 'hex'));
SELECT kid, alg, status FROM tenant_guard.keys WHERE kid = 'by admin';
SELECT tenant_guard.retire_key('by admin');
SELECT status FROM tenant_guard.keys WHERE kid = 'by admin';
\set VERBOSITY sqlstate
SELECT material FROM tenant_guard.signing_keys;
SELECT tenant_guard.add_jwk(:'rs_jwk');
\set VERBOSITY default
-- SECURITY DEFINER functions must not take their operators from the caller's schemas.
CREATE FUNCTION pg_temp.coalesce_spy(text, text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'caller''s operator was called as %', current_user; END $$;
CREATE OPERATOR pg_temp.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.coalesce_spy);
SET search_path = pg_temp, pg_catalog;
SELECT tenant_guard.add_secret('by admin', 'HS256', decode(repeat('ab', 32), 'hex'));
\c -

-- A set is refused as a whole, and the ring stays, where it is ambiguous or gives a secret away.
DELETE FROM tenant_guard.signing_keys;
SELECT tenant_guard.add_jwks(jsonb_build_object('keys', jsonb_build_array(:'es_jwk'::jsonb)));
\set secret '{"kty":"oct","kid":"s","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'
SELECT tenant_guard.add_jwks(jsonb_build_object('keys', jsonb_build_array(:'ed_jwk'::jsonb, :'secret'::jsonb)));
SELECT tenant_guard.add_jwks(jsonb_build_object('keys', jsonb_build_array(:'es_jwk'::jsonb || '{"kid":"twice"}', :'ed_jwk'::jsonb || '{"kid":"twice"}')));
SELECT tenant_guard.add_jwks(jsonb_build_object('keys', jsonb_build_array(:'ed_jwk'::jsonb, :'ed_jwk'::jsonb || '{"use":"enc"}')));
SELECT tenant_guard.add_jwks(jsonb_build_object('keys', jsonb_build_array(:'ed_jwk'::jsonb - 'kid', :'ed_jwk'::jsonb - 'kid')));
-- The thumbprint of a secret would be a hash of it that everybody can see.
SELECT tenant_guard.add_jwk(:'secret'::jsonb - 'kid');
SELECT kid, status FROM tenant_guard.keys ORDER BY kid;
-- Positive controls: secrets with names of their own, and public keys beside what is no key.
SELECT tenant_guard.add_jwks(jsonb_build_object('keys', jsonb_build_array(:'secret'::jsonb, :'secret'::jsonb || '{"kid":"t"}')));
SELECT tenant_guard.add_jwks(jsonb_build_object('keys', jsonb_build_array(:'es_jwk'::jsonb || '{"kid":"n1"}', 7, :'ed_jwk'::jsonb || '{"kid":"n2"}')));
SELECT kid, status FROM tenant_guard.keys ORDER BY kid;

-- The view names no secret by any column.
SELECT string_agg(attname, ', ' ORDER BY attnum) AS columns
  FROM pg_attribute WHERE attrelid = 'tenant_guard.keys'::regclass AND attnum > 0;
-- Keys are not dumped.
SELECT 'tenant_guard.signing_keys'::regclass = ANY (extconfig) AS is_dumped
  FROM pg_extension WHERE extname = 'tenant_guard';

DROP FUNCTION offer(text, text);
DELETE FROM tenant_guard.signing_keys;
DELETE FROM tenant_guard.issuers;
DROP OWNED BY regress_tg_admin;
DROP ROLE regress_tg_app, regress_tg_admin;
