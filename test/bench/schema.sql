-- Four times the same rows, each isolated in another way. :rows of them; one tenant in five rows is ours, and the other
-- rows belong to a thousand tenants.
CREATE EXTENSION tenant_guard;
CREATE EXTENSION pgcrypto;
CREATE ROLE bench_app LOGIN;
SET tenant_guard.auto_protect = off;

-- HS256 verified with what pgcrypto offers, for comparison: what a database without tenant_guard would do.
CREATE FUNCTION from_base64url(encoded text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT decode(rpad(translate(encoded, '-_', '+/'), (length(encoded) + 3) / 4 * 4, '='), 'base64')
$$;
CREATE FUNCTION verify_hs256(jwt text, secret text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT claims FROM
    (SELECT string_to_array(jwt, '.') AS part) AS split,
    LATERAL (SELECT convert_from(from_base64url(part[1]), 'UTF8')::jsonb AS header,
                    convert_from(from_base64url(part[2]), 'UTF8')::jsonb AS claims) AS parsed
  WHERE header->>'alg' = 'HS256'
    AND from_base64url(part[3]) = hmac(convert_to(part[1] || '.' || part[2], 'UTF8'), convert_to(secret, 'UTF8'), 'sha256')
    AND (claims->>'exp')::bigint > extract(epoch FROM now())
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
