-- Tokens that end before they expire: by their id, their subject, their tenant, their key. Beside each refusal
-- stands a token that is still good, and entries leave when they are no longer needed.
BEGIN;
\set ECHO none
\ir ../tokens/regress.psql
SET client_min_messages = warning;
SELECT no_plan();
CREATE EXTENSION pgcrypto;
SELECT tenant_guard.add_jwks(:'jwks');
SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea);

-- The tenant of a token, or the SQLSTATE; undone at once.
CREATE FUNCTION sign_in(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  tenant text;
BEGIN
  tenant := tenant_guard.authenticate(token);
  RAISE EXCEPTION USING ERRCODE = 'UA000', MESSAGE = tenant;
EXCEPTION
  WHEN SQLSTATE 'UA000' THEN RETURN SQLERRM;
  WHEN OTHERS THEN RETURN SQLSTATE;
END $$;

-- Tokens with an id of their own, by pgcrypto: those of regress.psql have none. Claims that are NULL are left out.
CREATE FUNCTION to_base64url(bytes bytea) RETURNS text LANGUAGE sql AS $$
  SELECT translate(encode(bytes, 'base64'), E'+/=\n', '-_')
$$;
SELECT set_config('test.secret', :'hs_secret_hex', true);
CREATE FUNCTION signed(jti text, sub text, tenant text, issued timestamptz DEFAULT now() - interval '1 minute')
RETURNS text LANGUAGE sql AS $$
  SELECT input || '.' || to_base64url(hmac(convert_to(input, 'UTF8'), current_setting('test.secret')::bytea, 'sha256'))
    FROM (SELECT to_base64url(convert_to('{"alg":"HS256","kid":"hs"}', 'UTF8')) || '.' || to_base64url(convert_to(
            jsonb_strip_nulls(jsonb_build_object('jti', jti, 'sub', sub, 'tenant_id', tenant,
              'iat', extract(epoch FROM issued)::bigint, 'exp', 4102444800))::text, 'UTF8'))) AS token (input)
$$;
SELECT signed('j1', 'ada', 'acme') AS ada, signed('j2', 'alan', 'acme') AS alan, signed('j3', 'grace', 'globex') AS grace,
       signed(NULL, 'ada', 'acme') AS without_jti, signed('j4', NULL, 'acme') AS without_sub,
       signed('j5', 'ada', 'acme', NULL) AS without_iat,
       signed('j6', 'ada', 'acme', now() - interval '1 hour') AS of_an_hour_ago,
       signed('ada', 'j1', 'globex') AS crossed, signed('acme', 'acme', 'acme') AS named_alike \gset
SELECT is(array[sign_in(:'ada'), sign_in(:'alan'), sign_in(:'grace'), sign_in(:'without_jti'), sign_in(:'without_sub'),
                sign_in(:'without_iat'), sign_in(:'crossed'), sign_in(:'named_alike')],
          '{acme,acme,globex,acme,acme,acme,globex,acme}', 'all are good, and remembered');
SELECT is(sign_in(:'ada'), 'acme', 'also the second time');

-- By its id.
SAVEPOINT s;
SELECT tenant_guard.revoke_token('j1', now() + interval '1 hour');
SELECT is(sign_in(:'ada'), '28T17', 'token: refused at the very next call, although it was remembered');
SELECT is(sign_in(:'ada'), '28T17', 'token: and after it');
SELECT is((SELECT reason FROM tenant_guard.verify(:'ada')), 'revoked', 'token: verify() says why');
SELECT is(sign_in(:'without_jti'), 'acme', 'token: another token of the subject is good');
SELECT is(sign_in(:'alan'), 'acme', 'token: another id is good');
SELECT is(sign_in(:'crossed'), 'globex', 'token: a subject that is called like the id is good');
SELECT is(sign_in(signed('J1', 'ada', 'acme')), 'acme', 'token: ids differ by case');
SELECT is(sign_in(signed('j1', 'mallory', 'globex')), '28T17', 'token: an id names one token, whatever else it says');
ROLLBACK TO s;
SELECT is(sign_in(:'ada'), 'acme', 'token: rolled back, nothing has happened');

SAVEPOINT s;
SELECT tenant_guard.revoke_token('j1', now() + interval '1 hour');
SELECT tenant_guard.revoke_token('j1', now() - interval '1 hour');
SELECT is(sign_in(:'ada'), '28T17', 'token: revoking again with an earlier end does not take it back');
ROLLBACK TO s;

-- Entries leave.
SAVEPOINT s;
SELECT tenant_guard.revoke_token('j1', clock_timestamp() + interval '0.2 seconds');
SELECT is(sign_in(:'ada'), '28T17', 'an entry counts until its time');
SELECT pg_sleep(0.25);
SELECT is(sign_in(:'ada'), 'acme', 'and no longer: the caller said the token would have expired by then');
ROLLBACK TO s;
INSERT INTO tenant_guard.revocations (kind, value, until)
  SELECT 'token', 'old-' || n, now() - n * interval '1 second' FROM generate_series(0, 99) n;
INSERT INTO tenant_guard.revocations (kind, value, until) VALUES ('token', 'young', now() + interval '1 second');
SELECT tenant_guard.revoke_token('j2', now() + interval '1 hour');
SELECT set_eq($$ SELECT value FROM tenant_guard.revocations $$, ARRAY['young', 'j2'],
  'what has expired leaves with the next revocation, what has not stays');
SELECT is(sign_in(:'alan'), '28T17', 'and the new entry is there');
SELECT is(sign_in(:'ada'), 'acme', 'which blocks nobody else');
DELETE FROM tenant_guard.revocations;
SELECT is(sign_in(:'alan'), 'acme', 'an administrator with the table takes it back');

-- By its subject.
SAVEPOINT s;
SELECT tenant_guard.revoke_subject('ada');
SELECT is(sign_in(:'ada'), '28T17', 'subject: a token issued before is refused');
SELECT is(sign_in(:'without_jti'), '28T17', 'subject: every one of them');
SELECT is(sign_in(:'without_iat'), '28T17', 'subject: one that hides when it was issued is refused');
SELECT is(sign_in(signed('j9', 'ada', 'globex')), '28T17', 'subject: in every tenant');
SELECT is(sign_in(:'alan'), 'acme', 'subject: another one is good');
SELECT is(sign_in(:'without_sub'), 'acme', 'subject: a token without one is good');
SELECT is(sign_in(:'crossed'), 'globex', 'subject: an id that is called like the subject is good');
ROLLBACK TO s;
SELECT tenant_guard.revoke_subject('ada', now() - interval '30 minutes');
SELECT is(sign_in(:'of_an_hour_ago'), '28T17', 'subject: issued before the time');
SELECT is(sign_in(:'ada'), 'acme', 'subject: a token issued after it is good: who signs in again gets on');
SELECT tenant_guard.revoke_subject('ada', now() - interval '2 hours');
SELECT is(sign_in(:'of_an_hour_ago'), '28T17', 'subject: revoking again with an earlier time does not take it back');
SELECT tenant_guard.revoke_subject('ada');
SELECT is(sign_in(:'ada'), '28T17', 'subject: and with a later time it reaches further');
DELETE FROM tenant_guard.revocations;

-- By its tenant.
SAVEPOINT s;
SELECT tenant_guard.revoke_tenant('acme');
SELECT is(array[sign_in(:'ada'), sign_in(:'alan'), sign_in(:'without_iat'), sign_in(:'without_sub')],
          '{28T17,28T17,28T17,28T17}', 'tenant: everybody of it is refused');
SELECT is(sign_in(:'grace'), 'globex', 'tenant: another one is good');
SELECT is(sign_in(signed('acme', 'acme', 'globex')), 'globex', 'tenant: an id and a subject that are called like it are good');
ROLLBACK TO s;
SELECT tenant_guard.revoke_tenant('acme', now() - interval '30 minutes');
SELECT is(sign_in(:'of_an_hour_ago'), '28T17', 'tenant: issued before the time');
SELECT is(sign_in(:'ada'), 'acme', 'tenant: issued after it');
SELECT tenant_guard.revoke_tenant('42', now());
SELECT is(sign_in(:'t_big'), '28T17', 'tenant: one that is a number in the token');
SELECT is(sign_in(:'t_big_b'), '43', 'tenant: another number is good');
DELETE FROM tenant_guard.revocations;

-- By its key.
SELECT is(array[sign_in(:'a_hs'), sign_in(:'a_rs'), sign_in(:'a_es'), sign_in(:'a_ed')],
          array_fill(:'acme'::text, ARRAY[4]), 'key: all four are good, and remembered');
SELECT tenant_guard.retire_key('rs');
SELECT is(sign_in(:'a_rs'), '28T07', 'key: retired, refused at the very next call');
SELECT is(array[sign_in(:'a_hs'), sign_in(:'a_es'), sign_in(:'a_ed')], array_fill(:'acme'::text, ARRAY[3]),
          'key: the others are good');
SELECT tenant_guard.add_jwk(:'rs_jwk');
SELECT is(sign_in(:'a_rs'), :'acme', 'key: added again, good again');
SELECT tenant_guard.retire_key('hs');
SELECT is(array[sign_in(:'a_hs'), sign_in(:'ada'), sign_in(:'no_kid')], '{28T07,28T07,28T05}',
          'key: also for tokens that do not name it, for which no key is left');
SELECT is(sign_in(:'a_rs'), :'acme', 'key: the others are good');
SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea);

-- Subjects and tenants leave when no token can be as old as their entry: every key is of an issuer with a max_age.
SAVEPOINT s;
SELECT tenant_guard.add_issuer('https://short.example', max_age => '30 minutes', leeway => '1 minute');
UPDATE tenant_guard.signing_keys SET issuer = 'https://short.example';
CREATE FUNCTION issued_ago(ago interval) RETURNS void LANGUAGE sql AS $$
  DELETE FROM tenant_guard.revocations;
  INSERT INTO tenant_guard.revocations (kind, value, issued_before)
  VALUES ('subject', 'ada', now() - ago), ('tenant', 'acme', now() - ago);
$$;
SELECT issued_ago('30 minutes 59 seconds');
SELECT is(tenant_guard.purge_revocations(), 0::bigint, 'an entry stays while a token can be as old as it');
SELECT issued_ago('31 minutes');
SELECT tenant_guard.add_issuer('https://short.example', max_age => '1 hour');
SELECT is(tenant_guard.purge_revocations(), 0::bigint, 'by the rules as they are now');
SELECT tenant_guard.add_issuer('https://short.example', max_age => '30 minutes', leeway => '1 minute');
SAVEPOINT unbound;
SELECT tenant_guard.add_secret('unbound', 'HS256', convert_to(repeat('u', 32), 'UTF8'));
SELECT is(tenant_guard.purge_revocations(), 0::bigint, 'a key without an issuer has tokens of any age');
SELECT tenant_guard.retire_key('unbound');
SELECT is(tenant_guard.purge_revocations(), 0::bigint, 'a retired one too, since it can come back');
ROLLBACK TO unbound;
SELECT is(tenant_guard.purge_revocations(), 2::bigint, 'then it leaves');
SELECT issued_ago('31 minutes');
SELECT tenant_guard.revoke_subject('grace');
SELECT set_eq($$ SELECT value FROM tenant_guard.revocations $$, ARRAY['grace'], 'also by the next revocation');
ROLLBACK TO s;
SELECT tenant_guard.revoke_subject('ada', '2000-01-01');
SELECT tenant_guard.revoke_token('j1', now() - interval '1 second');
SELECT is(tenant_guard.purge_revocations(), 1::bigint, 'without a max_age an old entry of a subject stays');
SELECT set_eq($$ SELECT value FROM tenant_guard.revocations $$, ARRAY['ada'], 'which one that is');
DELETE FROM tenant_guard.signing_keys;
SELECT is(tenant_guard.purge_revocations(), 0::bigint, 'also without any key');
ROLLBACK TO s;

-- Many entries, and one of them counts.
INSERT INTO tenant_guard.revocations (kind, value, until)
  SELECT 'token', 'bulk-' || n, now() + interval '1 hour' FROM generate_series(1, 20000) n;
SELECT is(sign_in(signed('bulk-777', 'ada', 'acme')), '28T17', 'many: one of twenty thousand');
SELECT is(sign_in(signed('bulk-20001', 'ada', 'acme')), 'acme', 'many: the one after the last is good');
-- The work is the same as with one entry: three look-ups by the index.
CREATE FUNCTION reads_of(token text, OUT rows_scanned bigint, OUT look_ups bigint, OUT rows_found bigint) LANGUAGE plpgsql AS $$
DECLARE
  before record;
  after record;
BEGIN
  SELECT * INTO before FROM pg_stat_xact_all_tables WHERE relid = 'tenant_guard.revocations'::regclass;
  PERFORM sign_in(token);
  SELECT * INTO after FROM pg_stat_xact_all_tables WHERE relid = 'tenant_guard.revocations'::regclass;
  rows_scanned := after.seq_tup_read - before.seq_tup_read;
  look_ups := after.idx_scan - before.idx_scan;
  rows_found := after.idx_tup_fetch - before.idx_tup_fetch;
END $$;
SELECT is(reads_of(signed('bulk-20001', 'ada', 'acme'))::text, '(0,3,0)', 'many: three look-ups for a token that is good');
SELECT is(reads_of(signed('bulk-777', 'ada', 'acme'))::text, '(0,1,1)', 'many: one for a token that is revoked by its id');
DELETE FROM tenant_guard.revocations;

-- What cannot be meant.
SELECT throws_ok($$ SELECT tenant_guard.revoke_token(NULL, now() + interval '1 hour') $$, '22004', NULL, 'no id');
SELECT throws_ok($$ SELECT tenant_guard.revoke_token('', now() + interval '1 hour') $$, '22004', NULL, 'an empty id, which would be every token without one');
SELECT throws_ok($$ SELECT tenant_guard.revoke_token('j1', NULL) $$, '22004', NULL, 'no end: an entry that never leaves');
SELECT throws_ok($$ SELECT tenant_guard.revoke_subject('ada', NULL) $$, '22004', NULL, 'no time');
SELECT throws_ok($$ SELECT tenant_guard.revoke_subject(NULL) $$, '22004', NULL, 'no subject');
SELECT throws_ok($$ SELECT tenant_guard.revoke_tenant('') $$, '22004', NULL, 'no tenant');
SELECT is_empty($$ SELECT * FROM tenant_guard.revocations $$, 'and nothing was written');
SELECT is(sign_in(:'without_jti'), 'acme', 'a token without an id is good');

-- Only administrators revoke.
CREATE ROLE regress_tg_app;
SELECT is_empty($$ SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'tenant_guard'::regnamespace
  AND p.proname LIKE 'revoke%' AND has_function_privilege('regress_tg_app', p.oid, 'EXECUTE') $$, 'nobody else may revoke');
SELECT ok(NOT has_table_privilege('regress_tg_app', 'tenant_guard.revocations', 'SELECT, INSERT, UPDATE, DELETE'),
  'or see or change what is revoked');

SELECT * FROM finish();
ROLLBACK;
