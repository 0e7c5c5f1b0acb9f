#!/usr/bin/python3
"""Mints one token with PyJWT, a library that is not ours, and the public test keys of keys/.

A verifier that is tested with tokens of its own making agrees with itself, right or wrong.

  mint.py --alg HS256 --tenant e000342e-22c2-b525-5299-b35c4d538065
  mint.py --alg RS256 --tenant acme --sub user_7 --ttl 60 --attr role=admin --claim 'tags=["a","b"]'
"""
import argparse
import json
import pathlib
import sys
import time

import jwt

KEYS = pathlib.Path(__file__).resolve().parent / "keys"
KID = {"HS256": "hs", "RS256": "rs", "ES256": "es", "EdDSA": "ed"}


def read_key(name):
    return (KEYS / name).read_text()


def hmac_secret():
    """The bytes of hs.txt without the newline that ends the line."""
    return read_key("hs.txt").rstrip("\n").encode()


def signing_key(alg):
    return hmac_secret() if alg == "HS256" else read_key(KID[alg] + ".pem")


def sample_claims(tenant, *, sub, iat, exp):
    """The payload that embedded-dashboard back ends send."""
    return {
        "sub": sub,
        "tenant_id": tenant,
        "user_attributes": {"role": "viewer", "region": "EU"},
        "iat": iat,
        "exp": exp,
    }


def mint(claims, alg, kid):
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(claims, signing_key(alg), algorithm=alg, headers=headers)


def named(text):
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"expected name=value, got {text!r}")
    return name, value


def named_json(text):
    name, value = named(text)
    try:
        return name, json.loads(value)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"{name}: {error}") from None


def read_arguments(argv):
    parser = argparse.ArgumentParser(description="Prints one compact token, signed with a public test key.")
    parser.add_argument("--alg", choices=KID, default="HS256")
    tenant = parser.add_mutually_exclusive_group(required=True)
    tenant.add_argument("--tenant", help="the tenant claim, as a string")
    tenant.add_argument("--tenant-int", type=int, metavar="N", help="the tenant claim, as an integer")
    parser.add_argument("--sub", default="user_8c2f")
    kid = parser.add_mutually_exclusive_group()
    kid.add_argument("--kid", help="default: hs, rs, es or ed")
    kid.add_argument("--no-kid", action="store_true")
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--ttl", type=int, default=3600, metavar="SECONDS",
                     help="from now; may be negative (default: 3600)")
    end.add_argument("--exp", type=int, metavar="EPOCH")
    parser.add_argument("--nbf", type=int, metavar="EPOCH")
    parser.add_argument("--iat", type=int, metavar="EPOCH", help="default: now")
    parser.add_argument("--iss")
    parser.add_argument("--aud", action="append", default=[], help="twice or more: an array")
    parser.add_argument("--attr", action="append", default=[], type=named, metavar="NAME=VALUE",
                        help="sets a user attribute (role=viewer and region=EU are there)")
    parser.add_argument("--claim", action="append", default=[], type=named_json, metavar="NAME=JSON",
                        help="sets a member of the payload, last")
    parser.add_argument("--without", action="append", default=[], metavar="NAME",
                        help="removes a member of the payload")
    return parser.parse_args(argv)


def claims_from(arguments, now):
    claims = sample_claims(
        arguments.tenant if arguments.tenant_int is None else arguments.tenant_int,
        sub=arguments.sub,
        iat=now if arguments.iat is None else arguments.iat,
        exp=now + arguments.ttl if arguments.exp is None else arguments.exp,
    )
    claims["user_attributes"].update(arguments.attr)
    if arguments.nbf is not None:
        claims["nbf"] = arguments.nbf
    if arguments.iss is not None:
        claims["iss"] = arguments.iss
    if arguments.aud:
        claims["aud"] = arguments.aud[0] if len(arguments.aud) == 1 else arguments.aud
    claims.update(arguments.claim)
    for name in arguments.without:
        claims.pop(name, None)
    return claims


def main():
    arguments = read_arguments(sys.argv[1:])
    kid = None if arguments.no_kid else arguments.kid or KID[arguments.alg]
    print(mint(claims_from(arguments, int(time.time())), arguments.alg, kid))


if __name__ == "__main__":
    main()
