-- Bounds of what is read: the size of a token, times that are not plain integers, and how many keys a token without
-- a name is tried against. The tokens are signed by pgcrypto, so that the payload can be written as it is wanted.
BEGIN;
SET client_min_messages = warning;
SELECT no_plan();
CREATE EXTENSION pgcrypto;

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
CREATE FUNCTION to_base64url(bytes bytea) RETURNS text LANGUAGE sql AS $$
  SELECT translate(encode(bytes, 'base64'), E'+/=\n', '-_')
$$;
CREATE FUNCTION signed(payload text, header text DEFAULT '{"alg":"HS256","kid":"hs"}', secret text DEFAULT repeat('s', 32))
RETURNS text LANGUAGE sql AS $$
  SELECT input || '.' || to_base64url(hmac(convert_to(input, 'UTF8'), convert_to(secret, 'UTF8'), 'sha256'))
    FROM (SELECT to_base64url(convert_to(header, 'UTF8')) || '.' || to_base64url(convert_to(payload, 'UTF8'))) AS token (input)
$$;
SELECT tenant_guard.add_secret('hs', 'HS256', convert_to(repeat('s', 32), 'UTF8'));

-- Times (RFC 7519 section 2: a number of seconds, which may have a fraction).
SELECT is(sign_in(signed(format('{"tenant_id":"acme","exp":%s}', exp))), verdict, 'exp: ' || why)
  FROM (VALUES ('an integer', '4102444800', 'acme'), ('a fraction', '4102444800.5', 'acme'),
               ('1e10', '1e10', 'acme'), ('41024448E+2', '41024448E+2', 'acme'), ('2^53', '9007199254740992', 'acme'),
               ('zero', '0', '28T09'), ('a fraction of the past', '1577836800.5', '28T09'), ('1e0', '1e0', '28T09'),
               ('negative', '-1', '28T13'), ('negative zero', '-0', '28T13'), ('2^53 + 1', '9007199254740993', '28T13'),
               ('2^64 + 4102444800', '18446744077811996416', '28T13'), ('1e300', '1e300', '28T13'),
               ('1e9999', '1e9999', '28T13'), ('a string', '"4102444800"', '28T13'), ('a string of an exponent', '"1e10"', '28T13'),
               ('null', 'null', '28T13'), ('true', 'true', '28T13'), ('an array', '[4102444800]', '28T13'),
               ('a leading zero', '04102444800', '28T13'), ('hexadecimal', '0xFFFFFFFF', '28T13'),
               ('NaN', 'NaN', '28T13'), ('Infinity', 'Infinity', '28T13')) AS times (why, exp, verdict);
SELECT is(sign_in(signed('{"tenant_id":"acme"}')), '28T13', 'exp: absent');

-- Size.
CREATE FUNCTION of_size(size int) RETURNS text LANGUAGE sql AS $$
  SELECT signed(format('{"tenant_id":"acme","exp":4102444800,"pad":"%s"}', repeat('x', (size - length(signed('{"tenant_id":"acme","exp":4102444800,"pad":""}'))) * 3 / 4)))
$$;
SELECT of_size(16380) AS fits, of_size(16400) AS is_larger, of_size(1500) AS small, of_size(60000) AS huge \gset
SELECT ok(length(:'fits') BETWEEN 16370 AND 16384 AND length(:'is_larger') > 16384, 'the control: tokens of about 16 kB');
SELECT is(sign_in(:'fits'), 'acme', 'size: 16 kB are read');
SELECT is(sign_in(:'is_larger'), '28T02', 'size: and no more');
SET LOCAL tenant_guard.max_token_size = '64kB';
SELECT is(sign_in(:'is_larger'), 'acme', 'size: unless the setting says so');
SELECT is(sign_in(:'huge'), 'acme', 'size: up to 64 kB');
SET LOCAL tenant_guard.max_token_size = '1kB';
SELECT is(sign_in(:'small'), '28T02', 'size: less');
SELECT is(sign_in(:'huge'), '28T02', 'size: also of a token that was remembered');
SELECT is(sign_in(signed('{"tenant_id":"acme","exp":4102444800}')), 'acme', 'size: a small one is good');
SELECT throws_ok($$ SET LOCAL tenant_guard.max_token_size = '65537' $$, '22023', NULL, 'size: never more than 64 kB');
SELECT throws_ok($$ SET LOCAL tenant_guard.max_token_size = 0 $$, '22023', NULL, 'size: nor nothing');
CREATE ROLE limits_app;
SET LOCAL ROLE limits_app;
SELECT throws_ok($$ SET LOCAL tenant_guard.max_token_size = '64kB' $$, '42501', NULL, 'size: not for an application to say');
RESET ROLE;
RESET tenant_guard.max_token_size;

-- Keys. A token that names none is tried against those of its algorithm, at most eight.
SELECT tenant_guard.retire_key('hs');
SELECT signed('{"tenant_id":"acme","exp":4102444800}', '{"alg":"HS256"}', repeat('k', 32)) AS nameless,
       signed('{"tenant_id":"acme","exp":4102444800}', '{"alg":"HS256","kid":"last"}', repeat('k', 32)) AS named,
       signed('{"tenant_id":"acme","exp":4102444800}', '{"alg":"HS256","kid":"nobody"}', repeat('k', 32)) AS foreign_name \gset
SELECT count(tenant_guard.add_secret('other-' || n, 'HS384', convert_to(repeat(n::text, 48), 'UTF8'))::text) FROM generate_series(1, 9) n;
SELECT count(tenant_guard.add_secret('k' || n, 'HS256', convert_to(repeat(n::text, 32), 'UTF8'))::text) FROM generate_series(1, 7) n;
SELECT is(sign_in(:'nameless'), '28T08', 'keys: none of seven made it');
SELECT tenant_guard.add_secret('last', 'HS256', convert_to(repeat('k', 32), 'UTF8'));
SELECT is(sign_in(:'nameless'), 'acme', 'keys: the eighth is tried, and those of another algorithm do not count');
SELECT is((SELECT kid FROM tenant_guard.verify(:'nameless')), 'last', 'keys: verify() says which it was');
-- With more than eight, which of them are tried is nobody's promise (test/unit/token_test.cc counts the attempts).
SELECT count(tenant_guard.add_secret('more-' || n, 'HS256', convert_to(repeat(n::text, 16), 'UTF8'))::text) FROM generate_series(10, 30) n;
SELECT is(sign_in(:'named'), 'acme', 'keys: a token that names it finds it');
SELECT is(sign_in(:'foreign_name'), '28T06', 'keys: one that names a key nobody has is told so, and tried against none');
SELECT is(sign_in(signed('{"tenant_id":"acme","exp":4102444800}', '{"alg":"ES256K","kid":"last"}')), '28T05', 'ES256K is no algorithm');
SELECT is(sign_in(signed('{"tenant_id":"acme","exp":4102444800}', '{"alg":"none","kid":"last"}')), '28T05', 'nor is none');
SELECT throws_ok(format('SELECT tenant_guard.add_jwk(%L)',
    '{"kty":"EC","crv":"secp256k1","kid":"k1","x":"MRpPIEolNE3RLbhPVhnGz5hPSGl-BXC8PLeZXaFNhYc","y":"JSyEbgnnJbOcPVXCJ0Nm5WZqoCqPkuAJgfTqYcBUr6k"}'),
    '22023', 'key refused', 'nor is secp256k1 a curve');

-- As many keys as a session loads, retired ones among them, and no more: the ring stays as it is.
INSERT INTO tenant_guard.signing_keys (kid, algorithm, material, retired)
  SELECT 'retired-' || n, 'HS256', decode(repeat('ab', 32), 'hex'), now()
    FROM generate_series(1, 1023 - (SELECT count(*) FROM tenant_guard.signing_keys)) n;
SELECT lives_ok($$ SELECT tenant_guard.add_secret('key 1024', 'HS256', decode(repeat('ac', 32), 'hex')) $$, 'keys: 1024 can be added');
SELECT throws_ok($$ SELECT tenant_guard.add_secret('key 1025', 'HS256', decode(repeat('ad', 32), 'hex')) $$, '54000', NULL, 'keys: one more is refused');
SELECT lives_ok($$ SELECT tenant_guard.add_secret('key 1024', 'HS256', decode(repeat('ac', 32), 'hex')) $$, 'keys: one that is there is not');
SELECT is(sign_in(:'named'), 'acme', 'keys: and tokens are accepted as before');

SELECT * FROM finish();
ROLLBACK;
