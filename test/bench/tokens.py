#!/usr/bin/env python3
"""Prints the tokens that the client uses, a line each: algorithm, space, token. Made with PyJWT. More of each algorithm
than a backend remembers, so that going round them meets none that is remembered."""
import sys
import time

import jwt

count, tenant, keys = int(sys.argv[1]), sys.argv[2], sys.argv[3]
now = int(time.time())


def read(name):
    with open(f"{keys}/{name}", encoding="ascii") as file:
        return file.read().rstrip("\n")


for algorithm, kid, key in (
    ("HS256", "hs", read("hs.txt")),
    ("RS256", "rs", read("rs.pem")),
    ("ES256", "es", read("es.pem")),
    ("EdDSA", "ed", read("ed.pem")),
):
    for number in range(count):
        claims = {
            "sub": "user_8c2f", "tenant_id": tenant, "user_attributes": {"role": "viewer", "region": "EU"},
            "iat": now, "exp": now + 86400, "jti": str(number), "scope": "a" * 240,
        }
        print(algorithm, jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid}))
