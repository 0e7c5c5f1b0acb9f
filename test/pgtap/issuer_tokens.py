#!/usr/bin/python3
"""Writes issuer_tokens.psql: keys and tokens in the shape of the identity providers in docs/issuers.md.

Minted by PyJWT with the public test keys of ../tokens/keys. Running it again changes nothing: RSA and HMAC signatures
have one value, and an ES256 token that the file has under a good signature is kept.
"""
import base64
import datetime
import json
import pathlib
import re
import sys

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tokens"))
from mint import hmac_secret, read_key  # noqa: E402

OUT = HERE / "issuer_tokens.psql"
ISSUED = 1717100000       # 2024-05-30
FAR_FUTURE = 4102444800   # 2100-01-01
TIMES = {"iat": ISSUED, "exp": FAR_FUTURE}

AUTH0 = "https://example.eu.auth0.com/"
CLERK = "https://clerk.example.com"
SUPABASE = "https://abcdefghijklmnopqrst.supabase.co/auth/v1"
FIREBASE = "https://securetoken.google.com/example-project"
COGNITO = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI"
KEYCLOAK = "https://sso.example.com/realms/main"
HOME = "https://app.example.com"


# What providers put into their payloads, as their documentation shows it.

def auth0():
    return {"https://example.com/tenant": "acct_4d1a", "https://example.com/attributes": {"role": "viewer", "region": "EU"},
            "iss": AUTH0, "sub": "auth0|65f1c0ffee", "aud": ["https://api.example.com", AUTH0 + "userinfo"], **TIMES,
            "scope": "openid profile read:invoices", "azp": "mY4pPcLiEnTiD", "org_id": "org_9ybsU1dN2dKfDkBi"}


def clerk():
    return {"azp": "https://app.example.com", "iss": CLERK, "sub": "user_2b3c4d", "sid": "sess_2b3c4d", "jti": "a1b2c3",
            "fva": [5, -1], "sts": "active", "pla": "o:enterprise", "v": 2, "nbf": ISSUED - 10, **TIMES,
            "o": {"id": "org_2abcDEF", "rol": "admin", "slg": "acme", "per": "read,manage"}}


def supabase():
    return {"iss": SUPABASE, "sub": "8ccaa7af-909f-44e7-84cb-67cdccb56be6", "aud": "authenticated", **TIMES,
            "email": "ada@example.com", "phone": "", "role": "authenticated", "aal": "aal1",
            "amr": [{"method": "password", "timestamp": ISSUED}], "session_id": "59e0a1b7-6d3f-4a34-9e0c-aba2a4e3a3fe",
            "app_metadata": {"provider": "email", "providers": ["email"], "org": {"id": "acct_4d1a"}, "region": "EU"},
            "user_metadata": {"org": {"id": "acct_9c77"}}, "is_anonymous": False}


def firebase():
    return {"name": "Ada", "iss": FIREBASE, "aud": "example-project", "auth_time": ISSUED, "user_id": "8ZkUoQ2lJ3", **TIMES,
            "sub": "8ZkUoQ2lJ3", "email": "ada@example.com", "email_verified": True,
            "firebase": {"identities": {"email": ["ada@example.com"]}, "sign_in_provider": "password",
                         "tenant": "acme-x7k2p"}}


def cognito():
    return {"sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "cognito:groups": ["analysts"], "email_verified": True,
            "iss": COGNITO, "cognito:username": "ada", "custom:tenant_id": "acct_4d1a", "aud": "1example23456789",
            "event_id": "64f513be-32db-42b0-b78e-b02127b4f463", "token_use": "id", "auth_time": ISSUED, **TIMES,
            "origin_jti": "b1c2d3", "jti": "c2d3e4", "email": "ada@example.com"}


def cognito_access():
    return {"sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "cognito:groups": ["analysts"], "iss": COGNITO, "version": 2,
            "client_id": "1example23456789", "token_use": "access", "scope": "openid", "auth_time": ISSUED, **TIMES,
            "custom:tenant_id": "acct_4d1a", "jti": "d3e4f5", "username": "ada"}


def keycloak():
    return {"jti": "onrtac:7e1f", "iss": KEYCLOAK, "aud": ["dashboard", "account"], "sub": "f:1b2c:ada", "typ": "Bearer",
            "azp": "frontend", "sid": "3a4b5c", "acr": "1", "realm_access": {"roles": ["offline_access"]}, **TIMES,
            "resource_access": {"account": {"roles": ["view-profile"]}}, "scope": "openid email",
            "tenant": {"id": 4711, "attributes": {"role": "viewer", "region": "EU"}}, "preferred_username": "ada"}


def home():
    return {"sub": "user_8c2f", "tenant_id": "acct_4d1a", "user_attributes": {"role": "viewer", "region": "EU"}, **TIMES}


# Signatures.

KEY_OF = {"RS256": "rs.pem", "ES256": "es.pem"}


def mint(claims, alg, kid, without=(), typ="JWT", **changes):
    claims = {name: value for name, value in {**claims, **changes}.items() if name not in without}
    key = hmac_secret() if alg == "HS256" else read_key(KEY_OF[alg])
    headers = {"typ": typ} if kid is None else {"typ": typ, "kid": kid}
    fresh = jwt.encode(claims, key, algorithm=alg, headers=headers)
    return earlier_signature(fresh) or fresh if alg == "ES256" else fresh


def earlier_signature(fresh):
    """The token with this signing input that the file has, if its signature is good."""
    signing_input = re.escape(fresh.rpartition(".")[0])
    for earlier in re.findall(f"'({signing_input}[.][A-Za-z0-9_-]+)'", OUT.read_text() if OUT.exists() else ""):
        try:
            jwt.decode(earlier, read_key("es.pub.pem"), algorithms=["ES256"], options={"verify_aud": False})
            return earlier
        except jwt.InvalidSignatureError:
            continue
    return None


# Keys, as providers publish them.

def jwk(name, kid, **more):
    return {**json.loads(read_key(f"{name}.jwk.json")), "kid": kid, **more}


def certificate():
    """Self-signed with RSA PKCS #1 and fixed dates, so always the same bytes."""
    key = serialization.load_pem_private_key(read_key("rs.pem").encode(), None)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "securetoken.system.gserviceaccount.com")])
    return (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
            .not_valid_before(datetime.datetime(2024, 1, 1)).not_valid_after(datetime.datetime(2100, 1, 1))
            .sign(key, hashes.SHA256()))


def keys():
    pem = certificate().public_bytes(serialization.Encoding.PEM).decode()
    der = base64.b64encode(certificate().public_bytes(serialization.Encoding.DER)).decode()
    yield "auth0_jwks", {"keys": [jwk("rs", "auth0-1", x5c=[der], x5t="b2tlbg")]}, "with the certificate chain that Auth0 adds"
    yield "clerk_jwks", {"keys": [jwk("rs", "ins_2abc")]}, "one RSA key"
    yield "supabase_jwk", jwk("es", "supabase-1", key_ops=["verify"], ext=True), "one ES256 key, as Web Crypto exports it"
    yield "firebase_pem", pem, "a certificate, of which the key is used"
    yield "cognito_jwks", {"keys": [jwk("rs", "cognito-id"), jwk("rs", "cognito-access")]}, "a user pool has two keys"
    encryption = {**jwk("rs", "keycloak-enc", alg="RSA-OAEP"), "use": "enc"}
    yield "keycloak_jwks", {"keys": [jwk("rs", "keycloak-sig"), encryption]}, "a realm has a key for encryption as well"
    yield "home_secret", hmac_secret().decode(), "the back end's secret"


# name, token, what it is.

def tokens():
    yield "auth0", mint(auth0(), "RS256", "auth0-1"), "an access token for the API, of an Organization"
    yield "auth0_other_aud", mint(auth0(), "RS256", "auth0-1", aud="https://other.example.com"), "for another API"
    yield "auth0_no_aud", mint(auth0(), "RS256", "auth0-1", without=["aud"]), "for nobody in particular"
    yield "auth0_iss_without_slash", mint(auth0(), "RS256", "auth0-1", iss=AUTH0.rstrip("/")), "iss differs by a slash"
    yield "auth0_no_iss", mint(auth0(), "RS256", "auth0-1", without=["iss"]), "no issuer"
    yield "auth0_no_tenant", mint(auth0(), "RS256", "auth0-1", without=["https://example.com/tenant"]), "the Action did not run"
    yield "auth0_rfc9068", mint(auth0(), "RS256", "auth0-1", typ="at+jwt"), "in the profile of RFC 9068"
    yield "auth0_untyped", mint(auth0(), "RS256", "auth0-1", typ=None), "does not say of which type it is"
    yield "auth0_with_clerk_key", mint(auth0(), "RS256", "ins_2abc"), "Clerk's key speaks for Auth0"
    yield "auth0_with_secret", mint(auth0(), "HS256", "home"), "the home-made secret speaks for Auth0"

    yield "clerk", mint(clerk(), "RS256", "ins_2abc"), "a session token, version 2"
    yield "clerk_personal", mint(clerk(), "RS256", "ins_2abc", without=["o"]), "no organization is active"
    yield "clerk_with_auth0_key", mint(clerk(), "RS256", "auth0-1"), "Auth0's key speaks for Clerk"
    yield "clerk_without_kid", mint(clerk(), "RS256", None), "names no key: found by the issuer"
    yield "clerk_text_path", mint(clerk(), "RS256", "ins_2abc", o="org_2abcDEF"), "o is no object"

    yield "supabase", mint(supabase(), "ES256", "supabase-1"), "an access token"
    yield "supabase_other_aud", mint(supabase(), "ES256", "supabase-1", aud="anon"), "for another audience"
    yield "supabase_user_claims", mint(supabase(), "ES256", "supabase-1", app_metadata={"provider": "email"}), "the user says which tenant"
    yield "supabase_dotted", mint(supabase(), "ES256", "supabase-1", **{"app_metadata.org.id": "acct_dotted"}), "a claim with exactly that name as well"
    yield "supabase_legacy", mint(supabase(), "HS256", None), "signed with the project's legacy secret"
    yield "supabase_anon_key", mint({"iss": "supabase", "ref": "abcdefghijklmnopqrst", "role": "anon", **TIMES}, "HS256", None), "the project's public API key, a JWT too"

    yield "firebase", mint(firebase(), "RS256", "firebase-1"), "an ID token"
    yield "firebase_other_project", mint(firebase(), "RS256", "firebase-1", aud="other-project", iss="https://securetoken.google.com/other-project"), "Google signs all projects with the same keys"
    yield "firebase_other_aud", mint(firebase(), "RS256", "firebase-1", aud="other-project"), "for another project"
    yield "firebase_no_tenant", mint(firebase(), "RS256", "firebase-1", firebase={"sign_in_provider": "password"}), "signed in without a tenant"

    yield "cognito", mint(cognito(), "RS256", "cognito-id"), "an ID token"
    yield "cognito_access", mint(cognito_access(), "RS256", "cognito-access"), "an access token has client_id and no aud"
    yield "cognito_other_client", mint(cognito(), "RS256", "cognito-id", aud="9other"), "of another app client"
    yield "cognito_other_pool", mint(cognito(), "RS256", "cognito-id", iss=COGNITO[:-1] + "J"), "of another user pool"

    yield "keycloak", mint(keycloak(), "RS256", "keycloak-sig"), "an access token; the tenant is a number"
    yield "keycloak_other_client", mint(keycloak(), "RS256", "keycloak-sig", aud="account"), "for Keycloak's own account console"
    yield "keycloak_other_realm", mint(keycloak(), "RS256", "keycloak-sig", iss="https://sso.example.com/realms/test"), "of another realm"
    yield "keycloak_encryption_key", mint(keycloak(), "RS256", "keycloak-enc"), "names the key for encryption"

    yield "home", mint(home(), "HS256", "home"), "what embedded-dashboard back ends send"
    yield "home_without_kid", mint(home(), "HS256", None), "and most of them name no key"
    yield "home_issuer", mint(home(), "HS256", "home-2", iss=HOME, aud="dashboards"), "with an issuer of its own"
    yield "home_no_iat", mint(home(), "HS256", "home-2", without=["iat"], iss=HOME, aud="dashboards"), "does not say when it was issued"
    yield "home_claims_auth0", mint(home(), "HS256", "home", iss=AUTH0), "names an issuer that is configured"


def quoted(text):
    """As psql's \\set reads it, which knows C's escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def lines():
    yield "-- Made by issuer_tokens.py; do not edit. PUBLIC TEST KEYS: whoever reads this can sign."
    yield "-- All tokens were issued in May 2024 and end in 2100."
    for name, value, what in keys():
        yield f"-- {name}: {what}."
        yield f"\\set {name} {quoted(value if isinstance(value, str) else json.dumps(value, separators=(',', ':')))}"
    for name, token, what in tokens():
        yield f"-- {name}: {what}."
        yield f"\\set t_{name} {quoted(token)}"


if __name__ == "__main__":
    OUT.write_text("\n".join(lines()) + "\n")
