#!/usr/bin/python3
"""Writes regress.psql: fixed tokens and keys as psql variables, for tests whose expected output may not change.

Everything in it is a function of keys/ and of this file, but for ES256, whose signatures are random: one that is in
regress.psql already and still verifies is kept, so that running this twice changes nothing.

PyJWT refuses to make many of the bad tokens. Those are put together by hand, from the bytes it made for the good ones.
"""
import base64
import functools
import hashlib
import hmac
import json
import pathlib
import re
import uuid

import jwt
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from mint import KID, hmac_secret, mint, read_key, sample_claims

OUT = pathlib.Path(__file__).resolve().parent / "regress.psql"
ISSUED = 1717100000       # 2024-05-30
FAR_FUTURE = 4102444800   # 2100-01-01
YEAR_2099 = 4070908800
YEAR_2020 = 1577836800


def sample_tenant(n):
    """The id of the n-th tenant of test/sample."""
    return str(uuid.UUID(hashlib.md5(f"tenant-{n}".encode()).hexdigest()))


ACME = sample_tenant(1)
GLOBEX = sample_tenant(2)


# Pieces of a token.

def to_base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def to_json(value):
    return json.dumps(value, separators=(",", ":")).encode()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hs256(signing_input, key):
    return to_base64url(hmac.new(key, signing_input.encode(), hashlib.sha256).digest())


def by_hand(header, payload, key=None):
    """An HS256 token of any two byte strings."""
    signing_input = to_base64url(header) + "." + to_base64url(payload)
    return signing_input + "." + hs256(signing_input, key or hmac_secret())


def acme_claims(without=(), **changes):
    claims = sample_claims(ACME, sub="user_a", iat=ISSUED, exp=FAR_FUTURE)
    claims.update(changes)
    return {name: value for name, value in claims.items() if name not in without}


def globex_claims():
    claims = sample_claims(GLOBEX, sub="user_b", iat=ISSUED, exp=FAR_FUTURE)
    claims["user_attributes"]["region"] = "AMER"
    return claims


def acme_hs(without=(), **changes):
    return mint(acme_claims(without, **changes), "HS256", "hs")


def with_header(payload, key=None, **header):
    """An HS256 token whose header says anything."""
    return by_hand(to_json({"typ": "JWT", **header}), payload, key)


def unsigned(payload, **header):
    return f"{to_base64url(to_json({'typ': 'JWT', **header}))}.{to_base64url(payload)}."


def in_der(signature):
    """An ES256 signature as OpenSSL writes it and RFC 7518 does not."""
    raw = from_base64url(signature)
    return to_base64url(encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")))


def other_letter(letter):
    """The neighbour in base64url's alphabet: only the lowest bit differs."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(letter) ^ 1]


@functools.lru_cache(maxsize=None)
def mint_es256(payload):
    """The ES256 token of this payload that regress.psql has under a good signature, or a new one."""
    fresh = mint(json.loads(payload), "ES256", "es")
    signing_input = fresh.rpartition(".")[0]
    written = OUT.read_text() if OUT.exists() else ""
    for earlier in re.findall(f"'({re.escape(signing_input)}[.][A-Za-z0-9_-]+)'", written):
        try:
            jwt.decode(earlier, read_key("es.pub.pem"), algorithms=["ES256"])
            return earlier
        except jwt.InvalidSignatureError:
            continue
    return fresh


def mint_fixed(claims, alg):
    return mint_es256(to_json(claims)) if alg == "ES256" else mint(claims, alg, KID[alg])


TYPED_ATTRIBUTES = {
    "region": "EU", "regions": ["EU", "AMER", None], "store": 7, "stores": [7, "9"], "rate": 1.5, "vip": True,
    "flags": [True, False], "team": ACME, "nothing": None, "none": [], "half": 7.5, "huge": 9223372036854775808,
    "nested": [["EU"]], "object": {"EU": "EU"}, "words": "seven", "padded": "EU "}


# What the variables hold. Each is (name, value, what it is).

def keys():
    yield "hs_secret_hex", "\\x" + hmac_secret().hex(), "for add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)"
    oct_jwk = {"kty": "oct", "kid": "hs", "alg": "HS256", "k": to_base64url(hmac_secret())}
    yield "hs_jwk", to_json(oct_jwk).decode(), "the same secret, for add_jwk(:'hs_jwk')"
    for kid, alg in (("rs", "RS256"), ("es", "ES256"), ("ed", "EdDSA")):
        yield f"{kid}_pem", read_key(f"{kid}.pub.pem"), f"for add_pem('{kid}', '{alg}', :'{kid}_pem')"
        yield f"{kid}_jwk", to_json(json.loads(read_key(f"{kid}.jwk.json"))).decode(), f"for add_jwk(:'{kid}_jwk')"
    yield "jwks", to_json(json.loads(read_key("jwks.json"))).decode(), "rs, es and ed, for add_jwks(:'jwks')"


def tenants():
    yield "acme", ACME, "tenant 1 of the sample"
    yield "globex", GLOBEX, "tenant 2 of the sample"


def good_tokens():
    for letter, name, claims in (("a", "Acme", acme_claims()), ("b", "Globex", globex_claims())):
        for alg, kid in KID.items():
            yield f"{letter}_{kid}", mint_fixed(claims, alg), f"{name}, {alg}"
    admin = {"role": "admin", "region": "APAC"}
    yield "a_admin", acme_hs(sub="admin_a", user_attributes=admin), "Acme, another subject and other attributes"
    yield "a_typed", acme_hs(user_attributes=TYPED_ATTRIBUTES), "Acme, attributes of every type"
    yield "a_bare", acme_hs(without=["user_attributes"]), "Acme, no user attributes"
    yield "t_text", acme_hs(tenant_id="acme"), "tenant 'acme', as in support_tickets"
    yield "t_text_b", acme_hs(tenant_id="globex"), "tenant 'globex', as in support_tickets"
    yield "t_big", acme_hs(tenant_id=42), "tenant 42, an integer, as in usage_daily"
    yield "t_big_b", acme_hs(tenant_id=43), "tenant 43, an integer, as in usage_daily"
    yield "no_kid", mint(acme_claims(), "HS256", None), "the key is found by its algorithm"
    yield "a_untrusted", acme_hs(tenant_guard_profile="untrusted"), "Acme, asks for the untrusted profile"
    yield "a_application", acme_hs(tenant_guard_profile="application"), "Acme, asks for nothing more"
    yield "no_sub", acme_hs(without=["sub"]), "nothing requires a subject"


def bad_tokens():
    good = acme_hs()
    header, payload, signature = good.split(".")
    head, body = from_base64url(header), from_base64url(payload)
    globex_payload = to_base64url(to_json(globex_claims()))
    second_tenant = b'"%s"}' % GLOBEX.encode()
    another_secret = b"not the secret, but as long as one has to be"
    public_key = read_key("rs.pub.pem").encode()
    es_input, _, es_signature = mint_fixed(acme_claims(), "ES256").rpartition(".")

    # Time.
    yield "expired", acme_hs(exp=YEAR_2020, iat=YEAR_2020 - 3600), "exp was in 2020"
    yield "not_yet_valid", acme_hs(nbf=YEAR_2099), "nbf is in 2099"
    yield "issued_later", acme_hs(iat=YEAR_2099), "iat is in 2099"
    yield "no_exp", acme_hs(without=["exp"]), "never ends"
    yield "exp_text", by_hand(head, to_json(acme_claims(exp=str(FAR_FUTURE)))), "exp is a string"

    # The tenant claim.
    yield "no_tenant", acme_hs(without=["tenant_id"]), "no tenant claim"
    yield "empty_tenant", acme_hs(tenant_id=""), "the tenant is an empty string"
    yield "null_tenant", acme_hs(tenant_id=None), "the tenant is null"
    yield "tenant_array", acme_hs(tenant_id=[ACME, GLOBEX]), "two tenants"
    yield "tenant_object", acme_hs(tenant_id={"id": ACME}), "the tenant is an object"
    yield "tenant_float", acme_hs(tenant_id=42.0), "the tenant is 42.0"
    yield "tenant_bool", acme_hs(tenant_id=True), "the tenant is true"
    yield "tenant_nul", acme_hs(tenant_id="acme\0globex"), "a C string would end at acme"

    # The profile claim.
    yield "profile_unknown", acme_hs(tenant_guard_profile="unrestricted"), "a profile that nobody knows"
    yield "profile_case", acme_hs(tenant_guard_profile="Untrusted"), "another spelling of one"
    yield "profile_array", acme_hs(tenant_guard_profile=["untrusted"]), "a profile in an array"
    yield "profile_null", acme_hs(tenant_guard_profile=None), "a profile that is null"

    # Signature and key.
    yield "tampered", f"{header}.{globex_payload}.{signature}", "Globex's payload under Acme's signature"
    yield "tampered_signature", f"{header}.{payload}.{other_letter(signature[0])}{signature[1:]}", "one bit of it"
    yield "wrong_secret", by_hand(head, body, another_secret), "another secret's signature"
    yield "unknown_kid", mint(acme_claims(), "HS256", "nobody"), "the right secret under a name that is not there"
    yield "other_kid", mint(acme_claims(), "HS256", "ed"), "an HMAC under the name of a public key"

    # Algorithm.
    yield "alg_none", unsigned(body, alg="none"), "no signature"
    yield "alg_none_kid", unsigned(body, alg="none", kid="hs"), "no signature, and a key's name"
    yield "alg_none_case", unsigned(body, alg="nOnE"), "for a deny-list that knows one spelling"
    yield "confusion", with_header(body, public_key, alg="HS256", kid="rs"), "HS256 keyed with the RSA public key's PEM"
    yield "confusion_no_kid", with_header(body, public_key, alg="HS256"), "the same, and no key named"
    yield "es_zero", f"{es_input}.{to_base64url(bytes(64))}", "r = s = 0, good for anything in CVE-2022-21449"
    yield "es_der", f"{es_input}.{in_der(es_signature)}", "a good signature in DER, a second spelling"

    # JSON. A gateway and the database must not read two tenants from one token.
    yield "duplicate_tenant", by_hand(head, body[:-1] + b',"tenant_id":' + second_tenant), "two tenant claims"
    yield "duplicate_escaped", by_hand(head, body[:-1] + b',"tenant\\u005fid":' + second_tenant), "one of them escaped"
    yield "duplicate_alg", by_hand(b'{"alg":"none","kid":"hs","alg":"HS256"}', body), "two algorithms"
    yield "invalid_utf8", by_hand(head, body.replace(b"user_a", b"user_\xff")), "a byte that is not UTF-8"
    yield "crit", with_header(body, alg="HS256", kid="hs", crit=["exp"]), "a critical extension that nobody knows"
    yield "b64_false", with_header(body, alg="HS256", kid="hs", b64=False), "an unencoded payload (RFC 7797)"
    yield "own_jwk", with_header(body, alg="HS256", kid="hs", jwk={"kty": "oct", "k": "AAAA"}), "brings its own key"

    # Spelling.
    yield "empty", "", "nothing"
    yield "two_parts", f"{header}.{payload}", "the signature is missing"
    yield "extra_dot", f"{good}.", "a fourth part, empty"
    yield "padding", f"{good}=", "base64 with padding"
    yield "loose_bits", good[:-1] + other_letter(good[-1]), "bits left over that are not zero: a second spelling"
    yield "trailing_bytes", f"{good}AAAA", "three more bytes of signature"
    yield "trailing_space", f"{good} ", "a space at the end"
    yield "trailing_newline", f"{good}\n", "a newline at the end"
    yield "leading_space", f" {good}", "a space in front"


def quoted(text):
    """As psql's \\set reads it, which knows C's escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def section(title, rows):
    yield f"\n-- {title}\n"
    for name, value, what in rows:
        yield f"-- {name}: {what}."
        yield f"\\set {name} {quoted(value)}"


def lines():
    good = list(good_tokens())
    bad = list(bad_tokens())
    yield "-- Made by regress.py; do not edit. PUBLIC TEST KEYS: whoever reads this can sign."
    yield "-- All tokens end in 2100 unless said otherwise; A is Acme's viewer in EU, B is Globex's viewer in AMER."
    yield from section("Tenants.", tenants())
    yield from section("Keys.", keys())
    yield from section("Tokens to accept, with all four keys known.", good)
    yield from section("Tokens to refuse.", bad)
    yield from section("All of them again, as JSON objects of name and token, for json_each_text().", [
        ("accepted", to_json({name: token for name, token, _ in good}).decode(), "the tokens to accept"),
        ("refused", to_json({name: token for name, token, _ in bad}).decode(), "the tokens to refuse"),
    ])


if __name__ == "__main__":
    OUT.write_text("\n".join(lines()) + "\n")
