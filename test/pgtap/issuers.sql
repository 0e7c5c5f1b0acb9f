-- Each recipe of docs/issuers.md, with a token of that provider's shape, and beside it what must be refused. All issuers
-- are configured at once, and several sign with the same key material, so that nothing but the binding of key,
-- issuer and audience tells them apart.
BEGIN;
\set ECHO none
\ir issuer_tokens.psql
SET client_min_messages = warning;
SELECT no_plan();

-- What a token gives: the tenant and, with it, what an expression reads of the context; or the SQLSTATE. Undone at once.
CREATE FUNCTION sign_in(token text, expression text DEFAULT '''''') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  found text;
BEGIN
  PERFORM tenant_guard.authenticate(token);
  EXECUTE format('SELECT concat_ws('' '', tenant_guard.tenant_id(), nullif((%s)::text, ''''))', expression) INTO found;
  RAISE EXCEPTION USING ERRCODE = 'UA000', MESSAGE = found;
EXCEPTION
  WHEN SQLSTATE 'UA000' THEN RETURN SQLERRM;
  WHEN OTHERS THEN RETURN SQLSTATE;
END $$;

SELECT is(sign_in(:'t_auth0'), '28T06', 'before any recipe, nobody is known');

-- Auth0.
SELECT tenant_guard.add_issuer('https://example.eu.auth0.com/', audience => ARRAY['https://api.example.com'],
  tenant_claim => 'https://example.com/tenant', attributes_claim => 'https://example.com/attributes', leeway => '10 seconds');
SELECT is(tenant_guard.add_jwks(:'auth0_jwks', 'https://example.eu.auth0.com/'), 1, 'Auth0: a set with certificates');

-- Clerk.
SELECT tenant_guard.add_issuer('https://clerk.example.com', tenant_claim => 'o.id', attributes_claim => 'o', leeway => '5 seconds');
SELECT is(tenant_guard.add_jwks(:'clerk_jwks', 'https://clerk.example.com'), 1, 'Clerk: a set');

-- Supabase.
SELECT tenant_guard.add_issuer('https://abcdefghijklmnopqrst.supabase.co/auth/v1', audience => ARRAY['authenticated'],
  tenant_claim => 'app_metadata.org.id', attributes_claim => 'app_metadata');
SELECT is(tenant_guard.add_jwk(:'supabase_jwk', 'https://abcdefghijklmnopqrst.supabase.co/auth/v1'), 'supabase-1', 'Supabase: a key');

-- Firebase.
SELECT tenant_guard.add_issuer('https://securetoken.google.com/example-project', audience => ARRAY['example-project'],
  tenant_claim => 'firebase.tenant');
SELECT lives_ok(format($$ SELECT tenant_guard.add_pem('firebase-1', 'RS256', %L, 'https://securetoken.google.com/example-project') $$,
  :'firebase_pem'), 'Firebase: a certificate');

-- Amazon Cognito.
SELECT tenant_guard.add_issuer('https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI',
  audience => ARRAY['1example23456789'], tenant_claim => 'custom:tenant_id');
SELECT is(tenant_guard.add_jwks(:'cognito_jwks', 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI'), 2,
  'Cognito: a set of two');

-- Keycloak.
SELECT tenant_guard.add_issuer('https://sso.example.com/realms/main', audience => ARRAY['dashboard'],
  tenant_claim => 'tenant.id', attributes_claim => 'tenant.attributes');
SET LOCAL client_min_messages = error;
SELECT is(tenant_guard.add_jwks(:'keycloak_jwks', 'https://sso.example.com/realms/main'), 1,
  'Keycloak: the key for encryption is left out, with a warning');
SET LOCAL client_min_messages = warning;

-- A back end of one's own, without an issuer.
SELECT lives_ok(format($$ SELECT tenant_guard.add_secret('home', 'HS256', %L) $$, :'home_secret'), 'home-made: a secret');

-- The recipe's token, and what is read of it.
SELECT is(sign_in(:'t_auth0', $$ tenant_guard.attribute('region') || ' ' || tenant_guard.claim('org_id') $$),
  'acct_4d1a EU org_9ybsU1dN2dKfDkBi', 'Auth0: claims whose names are URLs');
SELECT is(sign_in(:'t_clerk', $$ tenant_guard.attribute('rol') || ' ' || tenant_guard.subject() $$),
  'org_2abcDEF admin user_2b3c4d', 'Clerk: the active organization');
SELECT is(sign_in(:'t_supabase', $$ tenant_guard.attribute('region') $$), 'acct_4d1a EU', 'Supabase: a path into app_metadata');
SELECT is(sign_in(:'t_firebase', $$ tenant_guard.claim('firebase', 'sign_in_provider') $$),
  'acme-x7k2p password', 'Firebase: the tenant of Identity Platform');
SELECT is(sign_in(:'t_cognito', $$ tenant_guard.claim('cognito:username') $$), 'acct_4d1a ada', 'Cognito: a custom attribute');
SELECT is(sign_in(:'t_keycloak', $$ tenant_guard.attribute('role') || ' ' || tenant_guard.tenant_id_bigint() $$),
  '4711 viewer 4711', 'Keycloak: a nested claim, an integer');
SELECT is(sign_in(:'t_home', $$ tenant_guard.attribute('role') || ' ' || tenant_guard.subject() $$),
  'acct_4d1a viewer user_8c2f', 'home-made: the payload as it stands');
SELECT is(sign_in(:'t_home_without_kid'), 'acct_4d1a', 'home-made: without a kid');
SELECT is(sign_in(:'t_clerk_without_kid'), 'org_2abcDEF', 'a token that names no key is checked with those of its issuer');

-- No table: a statement that authenticates cannot read relations.
SELECT is(sign_in(token), sqlstate, why) FROM (VALUES
  (:'t_auth0_other_aud', '28T15', 'Auth0: a token for another API'),
  (:'t_auth0_no_aud', '28T15', 'Auth0: no audience where one is configured'),
  (:'t_auth0_iss_without_slash', '28T14', 'Auth0: the issuer differs by a slash'),
  (:'t_auth0_no_iss', '28T14', 'Auth0: no issuer'),
  (:'t_auth0_no_tenant', '28T16', 'Auth0: org_id is no substitute for the configured claim'),
  (:'t_auth0_with_clerk_key', '28T14', 'the key of another issuer: Clerk''s speaks for Auth0'),
  (:'t_auth0_with_secret', '28T14', 'the key of another issuer: our own secret speaks for Auth0'),
  (:'t_clerk_personal', '28T16', 'Clerk: no organization is active'),
  (:'t_clerk_text_path', '28T16', 'Clerk: the path leads into a string'),
  (:'t_clerk_with_auth0_key', '28T14', 'the key of another issuer: Auth0''s speaks for Clerk'),
  (:'t_supabase_other_aud', '28T15', 'Supabase: another audience'),
  (:'t_supabase_user_claims', '28T16', 'Supabase: user_metadata, which users write themselves, is not looked at'),
  (:'t_supabase_legacy', '28T14', 'Supabase: signed with a secret that is not bound to it'),
  (:'t_supabase_anon_key', '28T16', 'Supabase: the public API key names no tenant'),
  (:'t_firebase_other_project', '28T14', 'Firebase: another project, whose keys are the same'),
  (:'t_firebase_other_aud', '28T15', 'Firebase: another audience'),
  (:'t_firebase_no_tenant', '28T16', 'Firebase: signed in without a tenant'),
  (:'t_cognito_access', '28T15', 'Cognito: an access token has no audience'),
  (:'t_cognito_other_client', '28T15', 'Cognito: another app client'),
  (:'t_cognito_other_pool', '28T14', 'Cognito: another user pool'),
  (:'t_keycloak_other_client', '28T15', 'Keycloak: a token for another client'),
  (:'t_keycloak_other_realm', '28T14', 'Keycloak: another realm'),
  (:'t_keycloak_encryption_key', '28T06', 'Keycloak: the key for encryption verifies nothing'),
  (:'t_home_claims_auth0', '28T14', 'home-made: a token that names a configured issuer'),
  (:'t_home_issuer', '28T06', 'home-made: a key that nobody added')) AS refusals (token, sqlstate, why);

-- A member of exactly the configured name wins over the path.
SELECT is(sign_in(:'t_supabase_dotted'), 'acct_dotted', 'a claim with dots in its name is not torn apart');

-- Supabase, with the legacy secret: bound to the issuer, or the public API key would be as good as a token.
SAVEPOINT legacy;
SELECT tenant_guard.add_secret('legacy', 'HS256', :'home_secret', 'https://abcdefghijklmnopqrst.supabase.co/auth/v1');
SELECT tenant_guard.retire_key('home');
SELECT is(sign_in(:'t_supabase_legacy'), 'acct_4d1a', 'Supabase: the legacy secret, bound to the project');
SELECT is(sign_in(:'t_supabase_anon_key'), '28T14', 'Supabase: the public API key names another issuer');
SELECT is(sign_in(:'t_supabase'), 'acct_4d1a', 'Supabase: the new key works beside it');
ROLLBACK TO legacy;

-- Auth0, with the token profile of RFC 9068: access tokens alone.
SAVEPOINT profile;
SELECT is(array[sign_in(:'t_auth0_rfc9068'), sign_in(:'t_auth0'), sign_in(:'t_auth0_untyped')], '{acct_4d1a,acct_4d1a,acct_4d1a}',
  'typ: JWT, at+jwt and none are taken where the issuer says nothing');
SELECT tenant_guard.require_token_type('https://example.eu.auth0.com/', 'at+jwt');
SELECT is(array[sign_in(:'t_auth0_rfc9068'), sign_in(:'t_auth0'), sign_in(:'t_auth0_untyped')], '{acct_4d1a,28T20,28T20}',
  'typ: at+jwt alone, also for tokens that were remembered');
SELECT is((SELECT reason FROM tenant_guard.verify(:'t_auth0')), 'type_mismatch', 'typ: verify() says why');
SELECT is(sign_in(:'t_clerk'), 'org_2abcDEF', 'typ: another issuer is not touched');
SELECT tenant_guard.add_issuer('https://example.eu.auth0.com/', audience => ARRAY['https://api.example.com'],
  tenant_claim => 'https://example.com/tenant');
SELECT is(sign_in(:'t_auth0'), '28T20', 'typ: add_issuer() leaves it alone');
SELECT tenant_guard.require_token_type('https://example.eu.auth0.com/', 'JWT');
SELECT is(array[sign_in(:'t_auth0_rfc9068'), sign_in(:'t_auth0'), sign_in(:'t_auth0_untyped')], '{28T20,acct_4d1a,28T20}',
  'typ: JWT alone');
SELECT tenant_guard.require_token_type('https://example.eu.auth0.com/', NULL);
SELECT is(sign_in(:'t_auth0_untyped'), 'acct_4d1a', 'typ: taken back');
SELECT throws_ok($$ SELECT tenant_guard.require_token_type('https://example.eu.auth0.com/', 'logout+jwt') $$, '22023', NULL,
  'typ: a type that is no token for us');
SELECT throws_ok($$ SELECT tenant_guard.require_token_type('https://nobody.example', 'JWT') $$, '42704', NULL, 'typ: of an issuer nobody added');
ROLLBACK TO profile;

-- Clerk, with an audience from a JWT template: the plain session token, without one, no longer fits.
SAVEPOINT template;
SELECT tenant_guard.add_issuer('https://clerk.example.com', audience => ARRAY['database'], tenant_claim => 'o.id');
SELECT is(sign_in(:'t_clerk'), '28T15', 'Clerk: no audience where one is configured');
ROLLBACK TO template;

-- Cognito, for access tokens: without an audience, and both kinds fit.
SAVEPOINT access;
SELECT tenant_guard.add_issuer('https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI', tenant_claim => 'custom:tenant_id');
SELECT is(sign_in(:'t_cognito_access'), 'acct_4d1a', 'Cognito: an access token, where no audience is configured');
SELECT is(sign_in(:'t_cognito_other_client'), 'acct_4d1a', 'Cognito: then every app client of the pool is let in');
ROLLBACK TO access;

-- A back end with an issuer: bound key, audience, age.
SELECT tenant_guard.add_issuer('https://app.example.com', audience => ARRAY['dashboards', 'reports'], max_age => '200 years');
SELECT tenant_guard.add_secret('home-2', 'HS256', :'home_secret', 'https://app.example.com');
SELECT is(sign_in(:'t_home_issuer'), 'acct_4d1a', 'home-made: with an issuer of its own, not older than max_age');
SELECT is(sign_in(:'t_home_no_iat'), '28T12', 'home-made: a token that hides its age is too old');
SELECT is(sign_in(:'t_home'), 'acct_4d1a', 'home-made: the unbound key still works for tokens without an issuer');
SELECT tenant_guard.add_issuer('https://app.example.com', audience => ARRAY['dashboards', 'reports'], max_age => '1 hour');
SELECT is(sign_in(:'t_home_issuer'), '28T12', 'home-made: issued in 2024, an hour is allowed: too old');
SELECT tenant_guard.add_issuer('https://app.example.com', audience => ARRAY['reports']);
SELECT is(sign_in(:'t_home_issuer'), '28T15', 'home-made: the audience was narrowed');

-- Leeway needs tokens of this minute: signed here, by pgcrypto.
CREATE EXTENSION pgcrypto;
CREATE FUNCTION to_base64url(bytes bytea) RETURNS text LANGUAGE sql AS $$
  SELECT translate(encode(bytes, 'base64'), E'+/=\n', '-_')
$$;
-- A token of the home-made issuer: issued, valid from and until that many seconds from now.
CREATE FUNCTION signed(secret text, issued integer, ends integer, valid_from integer DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
  SELECT input || '.' || to_base64url(hmac(input, secret, 'sha256'))
    FROM (SELECT extract(epoch FROM clock_timestamp())::bigint AS now) AS clock,
         LATERAL (SELECT to_base64url(convert_to('{"alg":"HS256","kid":"home-2"}', 'UTF8')) || '.' ||
                         to_base64url(convert_to(jsonb_strip_nulls(jsonb_build_object('iss', 'https://app.example.com',
                           'aud', 'dashboards', 'tenant_id', 'acct_4d1a', 'iat', now + issued, 'exp', now + ends,
                           'nbf', now + valid_from))::text, 'UTF8')) AS input) AS token
$$;
CREATE FUNCTION with_leeway(given interval, oldest interval DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
  SELECT tenant_guard.add_issuer('https://app.example.com', audience => ARRAY['dashboards'], leeway => given, max_age => oldest)
$$;
SELECT with_leeway('0');
SELECT is(sign_in(signed(:'home_secret', -60, 600)), 'acct_4d1a', 'leeway: a token of this minute needs none');
SELECT is(sign_in(signed(:'home_secret', -900, -60)), '28T09', 'leeway: expired a minute ago, none is given');
SELECT is(sign_in(signed(:'home_secret', 60, 600)), '28T11', 'leeway: issued by a clock that is a minute fast');
SELECT is(sign_in(signed(:'home_secret', -60, 600, 60)), '28T10', 'leeway: valid in a minute');
SELECT with_leeway('5 minutes');
SELECT is(sign_in(signed(:'home_secret', -900, -60)), 'acct_4d1a', 'leeway: five minutes forgive one past the end');
SELECT is(sign_in(signed(:'home_secret', 60, 600)), 'acct_4d1a', 'leeway: and one in the issuer''s clock');
SELECT is(sign_in(signed(:'home_secret', -60, 600, 60)), 'acct_4d1a', 'leeway: and one before the beginning');
SELECT is(sign_in(signed(:'home_secret', -900, -600)), '28T09', 'leeway: but not ten');
SELECT is(sign_in(signed(:'home_secret', 600, 900)), '28T11', 'leeway: nor ten in the clock');
SELECT is(sign_in(signed(:'home_secret', -60, 900, 600)), '28T10', 'leeway: nor ten before the beginning');
SELECT with_leeway('0', '10 minutes');
SELECT is(sign_in(signed(:'home_secret', -540, 600)), 'acct_4d1a', 'max_age: nine minutes old, ten are allowed');
SELECT is(sign_in(signed(:'home_secret', -660, 600)), '28T12', 'max_age: eleven');
SELECT with_leeway('2 minutes', '10 minutes');
SELECT is(sign_in(signed(:'home_secret', -660, 600)), 'acct_4d1a', 'max_age: leeway counts for it too');

-- Rotation, as a scheduled job does it: the set of today.
SELECT is(tenant_guard.add_jwks(jsonb_set(:'auth0_jwks', '{keys,0,kid}', '"auth0-2"'), 'https://example.eu.auth0.com/'), 1,
  'rotation: the set of tomorrow');
SELECT is(sign_in(:'t_auth0'), '28T07', 'rotation: a key that left the set is retired');
SELECT is(sign_in(:'t_clerk'), 'org_2abcDEF', 'rotation: other issuers are not touched');

SELECT * FROM finish();
ROLLBACK;
