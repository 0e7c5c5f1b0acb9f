-- Four times the same rows, each isolated in another way. :rows of them; one tenant in five rows is ours, and the other
-- rows belong to a thousand tenants.
CREATE EXTENSION tenant_guard;
CREATE EXTENSION pgcrypto;
CREATE ROLE bench_app LOGIN;
SET tenant_guard.auto_protect = off;

-- HS256 verified in SQL with pgcrypto: what a database without tenant_guard would do. Works in the steps that pgjwt's
-- verify() takes - pad and decode each part, read both as json, sign anew and compare the text, take `nbf` and `exp` as numbers or
-- not at all, see whether now is between - each a function of its own.
CREATE FUNCTION decode_part(part text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  WITH plain AS (SELECT translate(part, '-_', '+/') AS base64),
       missing AS (SELECT (4 - length(base64) % 4) % 4 AS count FROM plain)
  SELECT decode(base64 || repeat('=', count), 'base64') FROM plain, missing
$$;
CREATE FUNCTION encode_part(bytes bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT translate(encode(bytes, 'base64'), E'+/=\n', '-_')
$$;
CREATE FUNCTION sign_parts(parts text, secret text, algorithm text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  WITH digest AS (SELECT CASE algorithm WHEN 'HS256' THEN 'sha256' WHEN 'HS384' THEN 'sha384' WHEN 'HS512' THEN 'sha512'
                         ELSE '' END AS name)
  SELECT encode_part(hmac(parts, secret, name)) FROM digest
$$;
CREATE FUNCTION number_or_null(value text) RETURNS double precision LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN value::double precision;
EXCEPTION WHEN OTHERS THEN
  RETURN NULL;
END
$$;
CREATE FUNCTION verify_in_sql(token text, secret text, algorithm text DEFAULT 'HS256')
RETURNS TABLE (header json, payload json, valid boolean) LANGUAGE sql STABLE AS $$
  SELECT read.header, read.payload,
         read.signed AND tstzrange(to_timestamp(number_or_null(read.payload->>'nbf')),
                                   to_timestamp(number_or_null(read.payload->>'exp'))) @> CURRENT_TIMESTAMP
  FROM (SELECT convert_from(decode_part(part[1]), 'utf8')::json AS header,
               convert_from(decode_part(part[2]), 'utf8')::json AS payload,
               part[3] = sign_parts(part[1] || '.' || part[2], secret, algorithm) AS signed
        FROM regexp_split_to_array(token, '\.') AS part) AS read
$$;

CREATE TABLE plain (id bigint PRIMARY KEY, tenant_id uuid NOT NULL, v text NOT NULL);
INSERT INTO plain
  SELECT n, CASE WHEN n % 5 = 0 THEN :'tenant' ELSE md5((n % 1000)::text) END::uuid, 'row ' || n
  FROM generate_series(1, :rows) AS n;
CREATE TABLE items (LIKE plain INCLUDING ALL);
CREATE TABLE handwritten (LIKE plain INCLUDING ALL);
CREATE TABLE from_claims (LIKE plain INCLUDING ALL);
INSERT INTO items SELECT * FROM plain;
INSERT INTO handwritten SELECT * FROM plain;
INSERT INTO from_claims SELECT * FROM plain;
CREATE TABLE shared (LIKE plain INCLUDING ALL);
INSERT INTO shared SELECT * FROM plain LIMIT 1000;

-- What is written by hand most, and what Supabase's documentation starts with.
ALTER TABLE handwritten ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON handwritten USING (tenant_id = current_setting('app.tenant')::uuid);
ALTER TABLE from_claims ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION claims_of_request() RETURNS jsonb LANGUAGE sql STABLE AS
  $$ SELECT coalesce(nullif(current_setting('request.jwt.claim', true), ''),
                     nullif(current_setting('request.jwt.claims', true), ''))::jsonb $$;
CREATE POLICY tenant ON from_claims USING (tenant_id = (claims_of_request()->'app_metadata'->>'tenant_id')::uuid);

SELECT count(*) FROM tenant_guard.protect('items');
-- The index that protect() makes would turn the scan into something else.
SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid = 'items'::regclass AND NOT indisprimary
\gexec
SELECT tenant_guard.declare_shared('shared', 'the same rows for everybody');
GRANT SELECT ON plain, items, handwritten, from_claims, shared TO bench_app;
VACUUM ANALYZE;
