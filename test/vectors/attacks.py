#!/usr/bin/python3
"""Writes attacks.json: one vector for each attack on a verifier of signatures that we know of, made by ourselves.

The keys and the signatures come from Python's cryptography (../differential/keys.py), never from the verifier that is
tested. The classes are those of the literature: confused algorithms, ambiguous base64url and JSON, changed and
degenerate signatures, weak and misplaced keys, headers that ask for more. A vector says what must come out and why:
"authentic", or "refused" and "key refused" with the reason word, or the beginning of the sentence, that is expected.
ECDSA and PSS signatures are random: running this again writes other ones, and the meaning stays.
"""
import json
import pathlib
import sys

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "differential"))
from keys import CURVES, ORDERS, decode, derived, encode, make_keys, number  # noqa: E402

KNOWN, UNKNOWN = make_keys()
PAYLOAD = b'{"sub":"user_8c2f","tenant_id":"acct_4d1a","exp":4102444800}'
UNREADABLE = "The key cannot be read"
UNSUPPORTED = "The key is of a type, curve or algorithm"
TOO_WEAK = "The key is too weak"
OFF_CURVE = "The key is not a point"
BAD_EXPONENT = "The public exponent"
WRONG_TYPE = "The key is not of the type"
WRONG_USE = "The key says that it is not for verifying"
PRIVATE = "The key contains its private part"

vectors = []


def vector(group, why, expect, reason, keys, jws):
    """`keys` are names of known keys, or JWKs."""
    vectors.append({"id": f"{group} {len(vectors) + 1}", "why": why, "expect": expect, "reason": reason,
                    "keys": [key if isinstance(key, dict) else KNOWN[key].jwk for key in keys], "jws": jws})


def compact(*parts):
    return ".".join(part if isinstance(part, str) else encode(part).decode() for part in parts)


def header(name, **more):
    return json.dumps({"alg": KNOWN[name].alg, "kid": name, **more}, separators=(",", ":")).encode()


def sign(name, head=None, payload=PAYLOAD, **how):
    """A token; `head` is its header as bytes or as the text of its first part."""
    text = compact(head if head is not None else header(name), payload)
    return f"{text}.{encode(KNOWN[name].sign(text.encode(), **how)).decode()}"


def with_signature(token, signature):
    return compact(*token.split(".")[:2], signature)


def signature_of(token):
    return decode(token.split(".")[2].encode())


def good_ones():
    for name in KNOWN:
        vector("control", f"{name}: as it should be", "authentic", "ok", [name], sign(name))
        vector("control", f"{name}: without a kid", "authentic", "ok", [name], sign(name, json.dumps({"alg": KNOWN[name].alg}).encode()))
        vector("control", f"{name}: among others", "authentic", "ok",
               [other for other in reversed(KNOWN) if (other[:2] == "HS") == (name[:2] == "HS")], sign(name))
        vector("control", f"{name}: by a key that nobody knows", "refused", "signature_mismatch", [name],
               with_signature(sign(name), UNKNOWN[name].sign(sign(name).rpartition(".")[0].encode())))


def confused_algorithms():
    """The header must not choose: RFC 8725 section 2.1."""
    forms = {"PEM": lambda key: key.public_pem(), "PEM without its last newline": lambda key: key.public_pem().rstrip(b"\n"),
             "DER": lambda key: key.public_der(), "JWK": lambda key: json.dumps(key.jwk).encode(),
             "modulus or x": lambda key: decode((key.jwk.get("n") or key.jwk["x"]).encode())}
    for name in ("RS256", "PS256", "ES256", "EdDSA-Ed25519"):
        for form, bytes_of in forms.items():
            for hs in ("HS256", "HS512"):
                text = compact(json.dumps({"alg": hs, "kid": name}).encode(), PAYLOAD)
                mac = KNOWN[hs].__class__(hs, bytes_of(KNOWN[name]), {}).sign(text.encode())
                vector("confusion", f"{hs} keyed with the {form} of a public {name} key", "refused", "algorithm_rejected",
                       [name], f"{text}.{encode(mac).decode()}")
    for name in KNOWN:
        for other in sorted({key.alg for key in KNOWN.values()} - {KNOWN[name].alg}):
            vector("confusion", f"signed as {name}, {other} in the header", "refused", "algorithm_rejected", [name],
                   sign(name, header(name, alg=other)))
        for alg in ("none", "None", "NONE", "nOnE", "", "ES256K", "HS1", "RS1", "Ed25519", "Ed448", f"{KNOWN[name].alg} ", KNOWN[name].alg.lower()):
            reason = "header_rejected" if alg == "" else "algorithm_rejected"
            vector("confusion", f'{name} under the algorithm "{alg}"', "refused", reason, [name], sign(name, header(name, alg=alg)))
        for alg in (None, 256, [KNOWN[name].alg], {"name": KNOWN[name].alg}):
            vector("confusion", f"{name} under an algorithm that is no string: {alg}", "refused", "header_rejected", [name],
                   sign(name, header(name, alg=alg)))
        vector("confusion", f"{name} without an algorithm", "refused", "header_rejected", [name],
               sign(name, json.dumps({"kid": name}).encode()))
        for alg in ("none", KNOWN[name].alg):
            vector("confusion", f"no signature, {alg} in the header", "refused", "algorithm_rejected" if alg == "none" else "malformed", [name],
                   compact(header(name, alg=alg), PAYLOAD, b""))
    for name, hash_from in (("RS256", "RS512"), ("PS256", "PS384"), ("ES256", "ES384"), ("ES384", "ES256")):
        vector("confusion", f"{name} over the digest of {hash_from}", "refused", "signature_mismatch", [name],
               sign(name, hash_=KNOWN[hash_from].hash))
    vector("confusion", "a PKCS #1 signature as PS256", "refused", "signature_mismatch", ["PS256"], sign("PS256", scheme="RS"))
    vector("confusion", "a PSS signature as RS256", "refused", "signature_mismatch", ["RS256"], sign("RS256", scheme="PS"))
    for salt in (0, 20, 31, 33, 222):
        vector("confusion", f"PS256 with {salt} bytes of salt", "refused", "signature_mismatch", ["PS256"], sign("PS256", salt=salt))


def ambiguous_base64url():
    """One token has one spelling: RFC 7515 section 2, RFC 4648 section 3.5."""
    names = ("header", "payload", "signature")
    for name in ("HS256", "ES256"):
        parts = sign(name, padded(header(name)), padded(PAYLOAD)).split(".")
        for at, what in enumerate(names):
            part = parts[at]
            spellings = {
                "with padding": part + "=" * (-len(part) % 4), "with one =": part + "=", "with a ? within": part[:8] + "?" + part[8:],
                "with a blank": part[:8] + " " + part[8:], "with a newline": part[:8] + "\n" + part[8:],
                "with a newline behind": part + "\n", "with a NUL": part[:8] + "\0" + part[8:], "with a + ": part[:8] + "+" + part[9:],
                "with a /": part[:8] + "/" + part[9:], "with %2D": part[:8] + "%2D" + part[9:], "with a letter too many": part + "A" * (1 + (len(part) % 4 == 3)),
                "not ASCII": part[:8] + "é" + part[9:], "with left-over bits": part[:-1] + neighbour(part[-1]), "empty": ""}
            for how, text in spellings.items():
                changed = ".".join([*parts[:at], text, *parts[at + 1:]])
                vector("base64url", f"{name}, {what} {how}", "refused", None, [name], changed)
        good = ".".join(parts)
        for how, text in {"a dot in front": "." + good, "a dot behind": good + ".", "a fourth part": good + ".AAAA",
                          "two parts": ".".join(parts[:2]), "one part": parts[0], "Bearer": "Bearer " + good, "quotes": f'"{good}"',
                          "a byte order mark": "\ufeff" + good, "a blank in front": " " + good,
                          "the JSON serialization": json.dumps({"protected": parts[0], "payload": parts[1], "signature": parts[2]}),
                          "the general JSON serialization": json.dumps({"payload": parts[1], "signatures": [{"protected": parts[0], "signature": parts[2]}]}),
                          "a detached payload": f"{parts[0]}..{parts[2]}"}.items():
            vector("base64url", f"{name}, {how}", "refused", None, [name], text)
        vector("base64url", f"{name}: the control", "authentic", "ok", [name], good)


def padded(json_text):
    """As long as leaves bits over in base64url."""
    while len(json_text) % 3 == 0:
        json_text += b" "
    return json_text


def neighbour(letter):
    """The letter of base64url of which only the lowest bit differs: the same bytes, where it is left over."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[alphabet.index(letter) ^ 1]


def changed_signatures():
    for name in KNOWN:
        token = sign(name)
        good = signature_of(token)
        changes = {
            "its first bit": bytes([good[0] ^ 0x80]) + good[1:], "its last bit": good[:-1] + bytes([good[-1] ^ 1]),
            "a bit in the middle": good[:len(good) // 2] + bytes([good[len(good) // 2] ^ 16]) + good[len(good) // 2 + 1:],
            "cut by a byte": good[:-1], "cut at the front": good[1:], "its first half": good[:len(good) // 2], "one byte of it": good[:1],
            "a zero behind": good + b"\0", "a zero in front": b"\0" + good, "twice": good + good, "all zeros": bytes(len(good)),
            "all ones": b"\xff" * len(good), "reversed": good[::-1]}
        for how, signature in changes.items():
            vector("signature", f"{name}: {how}", "refused", "signature_mismatch", [name], with_signature(token, signature))
        vector("signature", f"{name}: of another payload", "refused", "signature_mismatch", [name],
               with_signature(token, signature_of(sign(name, payload=PAYLOAD.replace(b"acct_4d1a", b"acct_9c77")))))
        vector("signature", f"{name}: of the payload alone", "refused", "signature_mismatch", [name],
               with_signature(token, KNOWN[name].sign(token.split(".")[1].encode())))
        vector("signature", f"{name}: without the dot between", "refused", "signature_mismatch", [name],
               with_signature(token, KNOWN[name].sign(token.rpartition(".")[0].replace(".", "").encode())))
    rs = KNOWN["RS256"]
    modulus = int.from_bytes(decode(rs.jwk["n"].encode()), "big")
    token = sign("RS256")
    value = int.from_bytes(signature_of(token), "big")
    for how, number_ in (("plus the modulus", value + modulus), ("the modulus minus it", modulus - value), ("1", 1), ("the modulus", modulus)):
        vector("signature", f"RS256: {how}", "refused", "signature_mismatch", ["RS256"],
               with_signature(token, number_.to_bytes(257 if number_ >> 2048 else 256, "big")))
    for name in CURVES:
        degenerate_ecdsa(name)


def degenerate_ecdsa(name):
    """CVE-2022-21449 and its like."""
    key, order, size, token = KNOWN[name], ORDERS[name], CURVES[name][1], sign(name)
    good = signature_of(token)
    r, s = int.from_bytes(good[:size], "big"), int.from_bytes(good[size:], "big")
    for how, pair in {"r = s = 0": (0, 0), "r = 0": (0, s), "s = 0": (r, 0), "r = s = 1": (1, 1), "r = n": (order, s), "s = n": (r, order),
                      "r = s = n": (order, order), "r = n + 1": (order + 1, s), "s and r": (s, r), "n - r": (order - r, s),
                      "s = n - 1": (r, order - 1)}.items():
        vector("signature", f"{name}: {how}", "refused", "signature_mismatch", [name], with_signature(token, key.raw(*pair)))
    der = key.private.sign(token.rpartition(".")[0].encode(), ec.ECDSA(key.hash))
    vector("signature", f"{name}: in DER", "refused", "signature_mismatch", [name], with_signature(token, der))
    vector("signature", f"{name}: r and s a byte too long", "refused", "signature_mismatch", [name],
           with_signature(token, b"\0" + good[:size] + b"\0" + good[size:]))
    vector("signature", f"{name}: the twin (r, n - s), which is another signature of the same text", "authentic", "ok", [name],
           with_signature(token, key.raw(r, order - s)))


def weak_rsa_keys():
    rs = KNOWN["RS256"]
    token = sign("RS256")
    public = lambda private: number(private.public_key().public_numbers().n)  # noqa: E731
    for bits, reason in ((1024, TOO_WEAK), (2040, TOO_WEAK), (2047, TOO_WEAK)):
        private = rsa.generate_private_key(65537, bits)
        weak = rs.__class__("RS256", private, {**rs.jwk, "n": public(private)})
        text = token.rpartition(".")[0]
        vector("rsa key", f"{bits} bits", "key refused", reason, [weak.jwk], f"{text}.{encode(weak.sign(text.encode())).decode()}")
    for why, e in (("1", "AQ"), ("2", "Ag"), ("3", "Aw"), ("17", "EQ"), ("even", number(65538)), ("0", "AA"), ("2^32 + 1", number(2**32 + 1)),
                   ("2^64 + 1", number(2**64 + 1)), ("as large as the modulus", rs.jwk["n"])):
        reason = UNREADABLE if why == "0" else BAD_EXPONENT
        vector("rsa key", f"exponent {why}", "key refused", reason, [{**rs.jwk, "e": e}], token)
    modulus = int.from_bytes(decode(rs.jwk["n"].encode()), "big")
    for why, n, reason in (("even", modulus + 1, TOO_WEAK), ("divisible by three", modulus - modulus % 3 if (modulus - modulus % 3) % 2 else modulus - modulus % 3 + 3, TOO_WEAK),
                           ("a prime's square", int(derived_prime(1024)) ** 2, TOO_WEAK), ("of the ROCA kind (CVE-2017-15361)", roca_modulus(), TOO_WEAK),
                           ("of 8193 bits", (1 << 8192) + 1, "The key is larger"), ("zero", 0, UNREADABLE), ("one", 1, TOO_WEAK)):
        vector("rsa key", f"modulus {why}", "key refused", reason, [{**rs.jwk, "n": number(n, 1 if n == 0 else None)}], token)
    vector("rsa key", "modulus with a zero in front", "key refused", UNREADABLE,
           [{**rs.jwk, "n": encode(b"\0" + decode(rs.jwk["n"].encode())).decode()}], token)
    vector("rsa key", "exponent with a zero in front", "key refused", UNREADABLE, [{**rs.jwk, "e": "AAEAAQ"}], token)
    for member in ("n", "e"):
        for how, value in (("missing", None), ("a number", 65537), ("empty", ""), ("padded", rs.jwk[member] + "="), ("in hexadecimal", "10001,")):
            key = {name: value_ for name, value_ in {**rs.jwk, member: value}.items() if value_ is not None}
            vector("rsa key", f"{member} {how}", "key refused", UNREADABLE, [key], token)
    vector("rsa key", "the control", "authentic", "ok", ["RS256"], token)


def is_probable_prime(n):
    if any(n % small == 0 for small in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in range(2, 30):
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def derived_prime(bits):
    n = int.from_bytes(derived("prime", bits // 8), "big") | 1 | 3 << bits - 2
    while not is_probable_prime(n):
        n += 2
    return n


def roca_modulus():
    """Two primes as the chips made them: k * M + (65537^a mod M), M the product of the first 126 primes."""
    primes, n = [], 2
    while len(primes) < 126:
        if all(n % p for p in primes):
            primes.append(n)
        n += 1
    product = 1
    for p in primes:
        product *= p
    found = []
    k, a = (3 << 1022) // product, 12345
    while len(found) < 2:
        k, a = k + 1, a + 7
        candidate = k * product + pow(65537, a, product)
        if candidate.bit_length() == 1024 and is_probable_prime(candidate):
            found.append(candidate)
            k += 1 << 40
    return found[0] * found[1]


def weak_curve_keys():
    es, token = KNOWN["ES256"], sign("ES256")
    x, y = (int.from_bytes(decode(es.jwk[name].encode()), "big") for name in "xy")
    field = 2**256 - 2**224 + 2**192 + 2**96 - 1
    points = {"y one more": (x, y + 1), "x and y exchanged": (y, x), "the origin": (0, 0), "x = 0, y = 1": (0, 1), "x the field's prime": (field, y),
              "all ones": (2**256 - 1, 2**256 - 1)}
    for why, (x_, y_) in points.items():
        vector("ec key", why, "key refused", OFF_CURVE, [{**es.jwk, "x": number(x_, 32), "y": number(y_, 32)}], token)
    vector("ec key", "the other point with this x, which is another key", "refused", "signature_mismatch", [{**es.jwk, "y": number(field - y, 32)}], token)
    for why, change, reason in (
            ("x with a zero in front", {"x": encode(b"\0" + x.to_bytes(32, "big")).decode()}, UNREADABLE),
            ("x a byte short", {"x": encode(x.to_bytes(32, "big")[:31]).decode()}, UNREADABLE), ("y empty", {"y": ""}, UNREADABLE),
            ("y missing", {"y": None}, UNREADABLE), ("y as a number", {"y": 7}, UNREADABLE), ("no curve", {"crv": None}, UNREADABLE),
            ("as P-384", {"crv": "P-384", "alg": "ES384"}, UNREADABLE), ("as secp256k1", {"crv": "secp256k1"}, UNSUPPORTED),
            ("as P-224", {"crv": "P-224"}, UNSUPPORTED), ("as Ed25519", {"crv": "Ed25519"}, UNSUPPORTED), ("curve in lower case", {"crv": "p-256"}, UNSUPPORTED),
            ("for ES384", {"alg": "ES384"}, WRONG_TYPE), ("for RS256", {"alg": "RS256"}, WRONG_TYPE), ("for HS256", {"alg": "HS256"}, WRONG_TYPE),
            ("for ES256K", {"alg": "ES256K"}, UNSUPPORTED), ("for none", {"alg": "none"}, UNSUPPORTED)):
        vector("ec key", why, "key refused", reason, [{name: value for name, value in {**es.jwk, **change}.items() if value is not None}], token)
    k1 = ec.generate_private_key(ec.SECP256K1()).public_key().public_numbers()
    vector("ec key", "secp256k1 for ES256K", "key refused", UNSUPPORTED,
           [{"kty": "EC", "crv": "secp256k1", "alg": "ES256K", "kid": "k", "x": number(k1.x, 32), "y": number(k1.y, 32)}], token)
    vector("ec key", "the control", "authentic", "ok", ["ES256"], token)


def weak_edwards_keys():
    ed, token = KNOWN["EdDSA-Ed25519"], sign("EdDSA-Ed25519")
    order_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
    points = (("of order 1", "01" + "00" * 31, TOO_WEAK), ("of order 2", "ec" + "ff" * 30 + "7f", TOO_WEAK), ("of order 4", "00" * 32, TOO_WEAK),
              ("of order 8", order_8, TOO_WEAK), ("one, not canonical", "ee" + "ff" * 30 + "7f", OFF_CURVE), ("not on the curve", "02" + "00" * 31, OFF_CURVE),
              ("all ones", "ff" * 32, OFF_CURVE), ("a byte short", "09" * 31, UNREADABLE), ("a byte too long", "09" * 33, UNREADABLE))
    for why, point, reason in points:
        forged = with_signature(token, bytes.fromhex("01" + "00" * 31) + bytes(32))
        vector("okp key", f"Ed25519, a point {why}", "key refused", reason, [{**ed.jwk, "x": encode(bytes.fromhex(point)).decode()}], forged)
    for why, point in (("1", "01" + "00" * 56), ("2", "fe" + "ff" * 27 + "fe" + "ff" * 27 + "00"), ("4", "00" * 57)):
        vector("okp key", f"Ed448, a point of order {why}", "key refused", TOO_WEAK,
               [{**KNOWN["EdDSA-Ed448"].jwk, "x": encode(bytes.fromhex(point)).decode()}], token)
    exchange = x25519.X25519PrivateKey.from_private_bytes(derived("exchange", 32)).public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    for why, change, reason in (("X25519, which signs nothing", {"crv": "X25519", "x": encode(exchange).decode()}, UNSUPPORTED),
                                ("as Ed448", {"crv": "Ed448"}, UNREADABLE), ("as P-256", {"crv": "P-256"}, UNSUPPORTED),
                                ("as EC", {"kty": "EC"}, UNSUPPORTED), ("for ES256", {"alg": "ES256"}, WRONG_TYPE)):
        vector("okp key", why, "key refused", reason, [{**ed.jwk, **change}], token)
    vector("okp key", "the control", "authentic", "ok", ["EdDSA-Ed25519"], token)


def weak_secrets():
    for name, size in (("HS256", 32), ("HS384", 48), ("HS512", 64)):
        for length, expect in ((0, UNREADABLE), (1, TOO_WEAK), (size - 1, TOO_WEAK), (size, None)):
            secret = derived("short", length)
            key = KNOWN[name].__class__(name, secret, {"kty": "oct", "k": encode(secret).decode()})
            text = compact(header(name), PAYLOAD)
            vector("secret", f"{name} with {length} bytes", "key refused" if expect else "authentic", expect or "ok", [key.jwk],
                   f"{text}.{encode(key.sign(text.encode())).decode()}")
    hs, token = KNOWN["HS256"].jwk, sign("HS256")
    for why, change, reason in (("padded", {"k": hs["k"] + "=="}, UNREADABLE), ("missing", {"k": None}, UNREADABLE), ("a number", {"k": 1}, UNREADABLE),
                                ("for RS256", {"alg": "RS256"}, WRONG_TYPE), ("for none", {"alg": "none"}, UNSUPPORTED),
                                ("without a name, whose thumbprint would be its hash", {"kid": None}, "A secret needs a name"),
                                ("a public key's PEM", {"k": encode(KNOWN["RS256"].public_pem()).decode()}, WRONG_TYPE)):
        vector("secret", why, "key refused", reason, [{name: value for name, value in {**hs, **change}.items() if value is not None}], token)


def misplaced_keys():
    """RFC 7517 sections 4.2 to 4.4, and what a set as a whole must not do."""
    for name in ("RS256", "ES256", "EdDSA-Ed25519", "HS256"):
        token = sign(name)
        for why, change in (("use enc", {"use": "enc"}), ("use SIG", {"use": "SIG"}), ("use a list", {"use": ["sig"]}), ("key_ops sign", {"key_ops": ["sign"]}),
                            ("key_ops encrypt", {"key_ops": ["encrypt", "wrapKey"]}), ("no key_ops", {"key_ops": []}), ("key_ops a string", {"key_ops": "verify"}),
                            ("key_ops Verify", {"key_ops": ["Verify"]}), ("use sig, key_ops encrypt", {"use": "sig", "key_ops": ["encrypt"]})):
            vector("use", f"{name}: {why}", "key refused", WRONG_USE, [{**KNOWN[name].jwk, **change}], token)
        for why, change in (("use sig", {"use": "sig"}), ("key_ops verify", {"key_ops": ["sign", "verify"]}), ("both", {"use": "sig", "key_ops": ["verify"]}),
                            ("members that mean nothing", {"ext": True, "x5t": "AAAA", "nbf": 1})):
            vector("use", f"{name}: {why}", "authentic", "ok", [{**KNOWN[name].jwk, **change}], token)
        for alg in ("RSA-OAEP", "ECDH-ES", "dir", "A256KW"):
            vector("use", f"{name}: for {alg}", "key refused", WRONG_USE, [{**KNOWN[name].jwk, "alg": alg}], token)
        if name != "HS256":
            vector("use", f"{name}: with its private part", "key refused", PRIVATE, [{**KNOWN[name].jwk, "d": encode(bytes(range(32))).decode()}], token)
        for kty in ("oct", "RSA", "EC", "OKP", "AKP", "rsa", ""):
            if kty != KNOWN[name].jwk["kty"]:
                vector("use", f"{name}: as kty {kty or 'empty'}", "key refused", None, [{**KNOWN[name].jwk, "kty": kty}], token)
    rs, ps, token = KNOWN["RS256"].jwk, KNOWN["PS256"].jwk, sign("RS256")
    vector("set", "a kid twice", "key refused", None, [rs, {**ps, "kid": "RS256"}], token)
    vector("set", "a kid twice, one of them for encryption", "key refused", None, [rs, {**ps, "kid": "RS256", "use": "enc"}], token)
    vector("set", "a secret beside public keys", "key refused", None, [rs, KNOWN["HS256"].jwk], token)
    vector("set", "a key for encryption beside the one that signs", "authentic", "ok", [{**ps, "use": "enc"}, rs], token)
    vector("set", "the kid of another key", "refused", "algorithm_rejected", [rs, ps], sign("RS256", header("RS256", kid="PS256")))
    vector("set", "the kid of another key of the same algorithm", "refused", "signature_mismatch",
           [rs, {**rs, "kid": "other", "n": number(rsa.generate_private_key(65537, 2048).public_key().public_numbers().n)}],
           sign("RS256", header("RS256", kid="other")))
    for why, kid in (("nobody's kid", "nobody"), ("an empty kid", ""), ("a path for a kid", "../../../../dev/null"), ("SQL for a kid", "' OR 1=1 --"),
                     ("a URL for a kid", "https://attacker.example/jwks.json"), ("a kid that begins like one", "RS25"), ("a kid with a NUL", "RS256\0"),
                     ("a kid in another case", "rs256")):
        vector("set", why, "refused", None, [rs], sign("RS256", header("RS256", kid=kid)))
    for kid in (None, 7, ["RS256"], {"kid": "RS256"}):
        vector("set", f"a kid that is no string: {kid}", "refused", "header_rejected", [rs], sign("RS256", header("RS256", kid=kid)))


def demanding_headers():
    """Nothing of it is ever honoured: RFC 8725 sections 3.1, 3.10, 3.11."""
    for name in ("HS256", "EdDSA-Ed25519"):
        own = UNKNOWN["ES256"]
        text = compact(json.dumps({"alg": "ES256", "jwk": own.jwk}).encode(), PAYLOAD)
        vector("header", f"{name}: brings its own key and signs with it", "refused", "header_rejected", [name],
               f"{text}.{encode(own.sign(text.encode())).decode()}")
        for why, more in (("jwk", {"jwk": KNOWN[name].jwk}), ("jku", {"jku": "https://attacker.example/jwks.json"}), ("x5u", {"x5u": "https://attacker.example/a.pem"}),
                          ("x5c", {"x5c": ["MIIB"]}), ("crit", {"crit": ["exp"], "exp": 4102444800}), ("empty crit", {"crit": []}), ("b64 false", {"b64": False, "crit": ["b64"]}),
                          ("b64 true", {"b64": True}), ("zip", {"zip": "DEF"}), ("enc", {"enc": "A256GCM"}), ("a nested token", {"cty": "JWT"}),
                          ("a nested token, written otherwise", {"cty": "application/jwt"}), ("a logout token", {"typ": "logout+jwt"}), ("a DPoP proof", {"typ": "dpop+jwt"}),
                          ("typ a number", {"typ": 1}), ("typ null", {"typ": None})):
            vector("header", f"{name}: {why}", "refused", "header_rejected", [name], sign(name, header(name, **more)))
        for why, more in (("typ JWT", {"typ": "JWT"}), ("typ jwt", {"typ": "jwt"}), ("typ at+jwt", {"typ": "application/at+jwt"}), ("names that mean nothing", {"x5t": "AAAA", "iat": 1})):
            vector("header", f"{name}: {why}", "authentic", "ok", [name], sign(name, header(name, **more)))
        alg = KNOWN[name].alg.encode()
        plain = header(name)
        for why, head in (("alg twice", plain[:-1] + b',"alg":"' + alg + b'"}'), ("alg twice, escaped", plain[:-1] + b',"\\u0061lg":"none"}'),
                          ("kid twice", plain[:-1] + b',"kid":"x"}'), ("another name twice", plain[:-1] + b',"a":1,"a":2}'), ("a byte order mark", b"\xef\xbb\xbf" + plain),
                          ("a list", b"[" + plain + b"]"), ("a string", b'"' + alg + b'"'), ("nothing", b"{}"), ("text behind", plain + b" {}"), ("a NUL behind", plain + b"\0"),
                          ("a comma too many", plain[:-1] + b",}"), ("single quotes", plain.replace(b'"', b"'")), ("a comment", plain[:-1] + b"/**/}"),
                          ("not UTF-8", plain[:-1] + b',"a":"\xff"}'), ("an overlong NUL", plain[:-1] + b',"a":"\xc0\x80"}'), ("a lone surrogate", plain[:-1] + b',"a":"\\ud800"}'),
                          ("a NUL in a name", plain[:-1] + b',"a\\u0000":1}'), ("a control character", plain[:-1] + b',"a":"\x01"}'), ("NaN", plain[:-1] + b',"a":NaN}'),
                          ("seventeen lists", plain[:-1] + b',"a":' + b"[" * 17 + b"]" * 17 + b"}"), ("a name too many", plain[:-1] + b"".join(b',"%d":1' % n for n in range(300)) + b"}")):
            vector("header", f"{name}: JSON with {why}", "refused", None, [name], sign(name, head))
        for why, head in (("white space", b" \t\r\n" + plain.replace(b":", b" : ").replace(b",", b" ,\n") + b"\n"), ("an escaped name", plain.replace(b'"alg"', b'"\\u0061l\\u0067"')),
                          ("another order", json.dumps({"kid": name, "alg": KNOWN[name].alg}).encode())):
            vector("header", f"{name}: JSON with {why}", "authentic", "ok", [name], sign(name, head))


for make in (good_ones, confused_algorithms, ambiguous_base64url, changed_signatures, weak_rsa_keys, weak_curve_keys, weak_edwards_keys, weak_secrets,
             misplaced_keys, demanding_headers):
    make()

# The keys by number, since most vectors share them.
keys = []
for each in vectors:
    for key in each["keys"]:
        if key not in keys:
            keys.append(key)
    each["keys"] = [keys.index(key) for key in each["keys"]]
with open(HERE / "attacks.json", "w", encoding="utf-8") as out:
    out.write('{"origin": "written by attacks.py",\n "keys": [\n')
    out.write(",\n".join(json.dumps(key) for key in keys) + '],\n "tests": [\n')
    out.write(",\n".join(json.dumps(each) for each in vectors) + "]}\n")
print(f"{len(vectors)} vectors, {len(keys)} keys")
