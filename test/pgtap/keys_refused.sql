-- Keys that would be no protection are refused when they are added, through every way in, with the reason; and nothing
-- of them stays. The keys are those of test/vectors/attacks.json.
BEGIN;
SET client_min_messages = error;
SELECT no_plan();

CREATE TABLE offers (why text, jwk jsonb, reason text);
INSERT INTO offers VALUES
  ('rsa key: 1024 bits', '{"kty":"RSA","n":"whrBXs35doauUAG03Ki84sg8qtdfnU6aZej2W91FG2Jox4Y2Yp--Zq5DvE5wDSCCn48Jefegnniv2NZvUgu-_aa1nZqm1hYVNqLNToScPjAC1Qa7lx2s_ECfGKoJDyZvAuy4g3s2JGMZMmQpmVdx4uqmLT0G1oShyx_SQTfYSIU","e":"AQAB","kid":"refused","alg":"RS256"}', 'The key is too weak'),
  ('rsa key: 2047 bits', '{"kty":"RSA","n":"aSrch8YRFfkmNSoNP2Qr8tenHt8jHJif9_p2Tx5gbJbCuKGM_Rrgxf1YV0X5tTSZII4qmJUJodhnBJZ5GcyVeheXcY-cEkj_stSVRFiokHKElpu7OBoOELvtbw5PmoDdLMbrX2JE3O1lgLbMIkgULZGcI111wVXqxTzUtcUP2DF0Bdv5AJeeMkM_lvlU6rdGVU8PMQC4Vvu1NChvee7IJRyZXpwkN3XeWEQvHi9nuggmryh_ViaGl8vbrnovepPkwxE6ol_-teQjcI_RyQV3etV3d75M6G8r1bpe0KDHZCD3ZyjLHOyW1Yg0vgsVZRUeOfeyrYno6_-FmjZMBZ8MNQ","e":"AQAB","kid":"refused","alg":"RS256"}', 'The key is too weak'),
  ('rsa key: exponent 3', '{"kty":"RSA","n":"--dSP-iouoUEopkKcnsC5UcTY7jyYsl3-DRQJp8Ej_60qosiXDWFr2U3JtrVfK1mLxpjX8qwNSO5KCEZokM6B0hYX3UUHcmjztOXOi1n_T5A5N7W-9FyqQ0oWKrYDY5nupUR7GbxVfoutD19EJQ5FMeUa9NQWHSYutF6GzhnlFj55ADuVVp_J_WNhM6u7GXUXa9WT5qO-yhQk0VUHtEwO6jp0zijx3XIYd3-NzrYPyGgdy0saC7q-Eelbnm-tRCT9M4QSD1EoB4J6VzBjI37uZJu0yvD1Htd2Elrt2_0TNCSsbgRkW2MQ-Lb3EjhhhM-9zbnyMujZUnmAbqoTHKJ6Q","e":"Aw","kid":"refused","alg":"RS256"}', 'The public exponent'),
  ('rsa key: exponent even', '{"kty":"RSA","n":"--dSP-iouoUEopkKcnsC5UcTY7jyYsl3-DRQJp8Ej_60qosiXDWFr2U3JtrVfK1mLxpjX8qwNSO5KCEZokM6B0hYX3UUHcmjztOXOi1n_T5A5N7W-9FyqQ0oWKrYDY5nupUR7GbxVfoutD19EJQ5FMeUa9NQWHSYutF6GzhnlFj55ADuVVp_J_WNhM6u7GXUXa9WT5qO-yhQk0VUHtEwO6jp0zijx3XIYd3-NzrYPyGgdy0saC7q-Eelbnm-tRCT9M4QSD1EoB4J6VzBjI37uZJu0yvD1Htd2Elrt2_0TNCSsbgRkW2MQ-Lb3EjhhhM-9zbnyMujZUnmAbqoTHKJ6Q","e":"AQAC","kid":"refused","alg":"RS256"}', 'The public exponent'),
  ('rsa key: modulus of the ROCA kind (CVE-2017-15361)', '{"kty":"RSA","n":"kAXaPbePDp3w551PGFRIjBHdBDOFAiGrkLgoxRdRwgPc2MDJMX_fbrYrLcFBmhZ7U6wZsRF4Pk8HjvsPFFXlLupxKT2wY782OF3HXFfyofp5Bv3KQG2pLSOsSfKzoIoGaMF-R0THus5PXOZV2FUBi1oBMs7npihu_0U_axMp_Py9ySkZBuNYjBNxV3hAxout--O16wC8BH8kH1cVd1-pIoESxP7qUzI-tUQSJ6w7DkLHyYtn6DwOvhhwELQzsCaT5PKMADE1ncJ3bbNC-or-fNo9NnlJ56dsSknP7usL80fBr0Aaem8fudMYMDkWq5ga7Kwpz550-h_DFnOjWV0Uvw","e":"AQAB","kid":"refused","alg":"RS256"}', 'The key is too weak'),
  ('ec key: y one more', '{"kty":"EC","crv":"P-256","x":"7LLksxLB0CESd46Yfwobr8bTxpJAlmmm4OP-F4OC-tA","y":"8zJOZX5vPYqo6VCG_-OBP42wvMzEeBn-ILSVr0smX4s","kid":"refused","alg":"ES256"}', 'The key is not a point'),
  ('ec key: the origin', '{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","kid":"refused","alg":"ES256"}', 'The key is not a point'),
  ('ec key: secp256k1 for ES256K', '{"kty":"EC","crv":"secp256k1","alg":"ES256K","kid":"refused","x":"KktmvPgcItlCY9kbeG7SdvGQYyhEtqmQjuAVinlZ8e8","y":"FUURbUONguMWM_V5voE316YmAlKJsCl9jHufHmAgboM"}', 'The key is of a type, curve or algorithm'),
  ('okp key: Ed25519, a point of order 1', '{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","kid":"refused","alg":"EdDSA"}', 'The key is too weak'),
  ('okp key: Ed25519, a point of order 8', '{"kty":"OKP","crv":"Ed25519","x":"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU","kid":"refused","alg":"EdDSA"}', 'The key is too weak'),
  ('okp key: Ed448, a point of order 4', '{"kty":"OKP","crv":"Ed448","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","kid":"refused","alg":"EdDSA"}', 'The key is too weak'),
  ('okp key: X25519, which signs nothing', '{"kty":"OKP","crv":"X25519","x":"FSsSLZK-un9t_3OcXmKib1QfLJ3ftQ90-7MdiA2v0ns","kid":"refused","alg":"EdDSA"}', 'The key is of a type, curve or algorithm'),
  ('secret: HS256 with 31 bytes', '{"kty":"oct","k":"JTG0wRuMXndNR2XrTcbOViarm5TrOflD6sFWwt0zGA","kid":"refused","alg":"HS256"}', 'The key is too weak'),
  ('secret: HS384 with 47 bytes', '{"kty":"oct","k":"JTG0wRuMXndNR2XrTcbOViarm5TrOflD6sFWwt0zGDqlZGKbz4LiYGRGb-rx3N4","kid":"refused","alg":"HS384"}', 'The key is too weak'),
  ('secret: HS512 with 63 bytes', '{"kty":"oct","k":"JTG0wRuMXndNR2XrTcbOViarm5TrOflD6sFWwt0zGDqlZGKbz4LiYGRGb-rx3N5KwQAt4jkNxTvlCqwNNvcT","kid":"refused","alg":"HS512"}', 'The key is too weak'),
  ('use: ES256: use enc', '{"kty":"EC","crv":"P-256","x":"7LLksxLB0CESd46Yfwobr8bTxpJAlmmm4OP-F4OC-tA","y":"8zJOZX5vPYqo6VCG_-OBP42wvMzEeBn-ILSVr0smX4o","kid":"refused","alg":"ES256","use":"enc"}', 'The key says that it is not for verifying'),
  ('use: ES256: key_ops sign', '{"kty":"EC","crv":"P-256","x":"7LLksxLB0CESd46Yfwobr8bTxpJAlmmm4OP-F4OC-tA","y":"8zJOZX5vPYqo6VCG_-OBP42wvMzEeBn-ILSVr0smX4o","kid":"refused","alg":"ES256","key_ops":["sign"]}', 'The key says that it is not for verifying'),
  ('use: ES256: for ECDH-ES', '{"kty":"EC","crv":"P-256","x":"7LLksxLB0CESd46Yfwobr8bTxpJAlmmm4OP-F4OC-tA","y":"8zJOZX5vPYqo6VCG_-OBP42wvMzEeBn-ILSVr0smX4o","kid":"refused","alg":"ECDH-ES"}', 'The key says that it is not for verifying'),
  ('use: HS256: key_ops sign', '{"kty":"oct","k":"I7AHeWVrBgICRFR82-U4eddUhVuzsXv90VJa60CIRJsudr-s_W7C4ETBQ7D5_Il1ke1TUncaa3MnHx-PZh137A","kid":"refused","alg":"HS256","key_ops":["sign"]}', 'The key says that it is not for verifying'),
  ('ec key: for RS256', '{"kty":"EC","crv":"P-256","x":"7LLksxLB0CESd46Yfwobr8bTxpJAlmmm4OP-F4OC-tA","y":"8zJOZX5vPYqo6VCG_-OBP42wvMzEeBn-ILSVr0smX4o","kid":"refused","alg":"RS256"}', 'The key is not of the type'),
  ('use: ES256: with its private part', '{"kty":"EC","crv":"P-256","x":"7LLksxLB0CESd46Yfwobr8bTxpJAlmmm4OP-F4OC-tA","y":"8zJOZX5vPYqo6VCG_-OBP42wvMzEeBn-ILSVr0smX4o","kid":"refused","alg":"ES256","d":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}', 'The key contains its private part');

-- SQLSTATE and DETAIL.
CREATE FUNCTION answer_to(call text, argument jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  detail text;
BEGIN
  EXECUTE call USING argument;
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  RETURN SQLSTATE || ' ' || detail;
END $$;

SELECT alike(answer_to('SELECT tenant_guard.add_jwk($1)', jwk), '22023 ' || reason || '%', why || ' is refused') FROM offers;
SELECT is(answer_to('SELECT tenant_guard.add_jwks($1)', jsonb_build_object('keys', jsonb_build_array(jwk))),
          '22023 The ring is as it was.', why || ' makes no set') FROM offers;
SELECT is_empty('SELECT * FROM tenant_guard.keys', 'and none of them is there');

-- In a set with a good key, the good one is taken and the other left out.
SELECT is(tenant_guard.add_jwks(jsonb_build_object('keys', jsonb_build_array(jwk,
            '{"kty":"OKP","crv":"Ed25519","kid":"good","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'::jsonb))),
          1, why || ' is left out of a set') FROM offers WHERE jwk ->> 'kty' <> 'oct';
SELECT results_eq('SELECT kid, status FROM tenant_guard.keys', $$ VALUES ('good', 'active') $$, 'which has one key then');

SELECT * FROM finish();
ROLLBACK;
