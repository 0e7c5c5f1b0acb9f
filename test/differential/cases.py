"""What tokens are made of, and every way in which one is spoilt.

Each case has a label, what the verifier must say ("ok", "refused", or None: whatever it says, no other library may
refuse what it accepts), and a function from (random, key, keys) to the bytes of one token. A case may be None for a
key that it makes no sense for.
"""
import hmac
import json

from keys import CURVES, ED25519_ORDER, ED448_ORDER, HASHES, ORDERS, decode, encode

NOW = 1717100600
CASES = []


class Case:
    def __init__(self, label, expected, make):
        self.label, self.expected, self.make = label, expected, make


def case(label, expected, times=1):
    """`times` is how often a case comes up in a round: those that choose a place at random need more tries."""
    def register(make):
        CASES.extend([Case(label, expected, make)] * times)
        return make
    return register


# ----- Texts. Objects are lists of (name, value), both as JSON text, so that any spelling can be made.

def object_text(members, comma=",", colon=":"):
    return "{" + comma.join(f"{name}{colon}{value}" for name, value in members) + "}"


def header_members(key):
    return [('"alg"', f'"{key.alg}"'), ('"typ"', '"JWT"'), ('"kid"', f'"{key.name}"')]


def claim_members(random):
    tenant = random.choice(['"acct_4d1a"', '"e000342e-22c2-b525-5299-b35c4d538065"', '"M\u00fcller \U0001f600"', "42",
                            '"a b"', "-7", '"42"'])
    return [('"sub"', '"user_8c2f"'), ('"tenant_id"', tenant),
            ('"user_attributes"', '{"role":"viewer","region":"EU"}'),
            ('"iat"', str(NOW - random.randrange(1, 9000))), ('"exp"', str(NOW + random.randrange(1, 90000)))]


def to_octets(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def signed_text(key, header, payload):
    return encode(to_octets(header)) + b"." + encode(to_octets(payload))


def finish(key, text, **how):
    return text + b"." + encode(key.sign(text, **how))


def token_of(key, header, payload, **how):
    return finish(key, signed_text(key, header, payload), **how)


def good_token(random, key):
    return token_of(key, object_text(header_members(key)), object_text(claim_members(random)))


def changed(members, name, value):
    return [(n, value if n == f'"{name}"' else v) for n, v in members]


def without(members, name):
    return [(n, v) for n, v in members if n != f'"{name}"']


# ----- Good ones: the verifier and all others must take them.

@case("good", "ok", times=4)
def good(random, key, keys):
    members = claim_members(random)
    random.shuffle(members)
    return token_of(key, object_text(header_members(key)), object_text(members))


def header_case(label, expected, change, times=1):
    @case("header: " + label, expected, times)
    def make(random, key, keys):
        header = change(header_members(key), key)
        header = header if isinstance(header, (str, bytes)) else object_text(header)
        return token_of(key, header, object_text(claim_members(random)))


def claims_case(label, expected, change, times=1):
    @case("claims: " + label, expected, times)
    def make(random, key, keys):
        claims = change(claim_members(random))
        claims = claims if isinstance(claims, (str, bytes)) else object_text(claims)
        return token_of(key, object_text(header_members(key)), claims)


header_case("white space", "ok", lambda h, k: " \t\r\n" + object_text(h, " ,\n", "\t: ") + "\r\n ")
header_case("escaped names", "ok", lambda h, k: object_text([(n.replace("l", "\\u006c"), v) for n, v in h]))
header_case("escaped value", "ok",
            lambda h, k: changed(h, "alg", '"' + "".join(f"\\u{ord(c):04x}" for c in k.alg) + '"'))
header_case("in another order", "ok", lambda h, k: h[::-1])
header_case("no kid", "ok", lambda h, k: without(h, "kid"))
header_case("no typ", "ok", lambda h, k: without(h, "typ"))
for typ in ("jwt", "application/jwt", "at+jwt", "application/at+JWT"):
    header_case(f"typ {typ}", "ok", lambda h, k, typ=typ: changed(h, "typ", f'"{typ}"'))
header_case("members that mean nothing", "ok",
            lambda h, k: h + [('"x5t"', '"AAAA"'), ('"x"', "[1,{}]"), ('"cty"', '"text/plain"'), ('""', "null")])
claims_case("white space", "ok", lambda c: "\n" + object_text(c, "\r\n, ", " :\t") + "  ")
claims_case("escaped names", "ok", lambda c: object_text([(n.replace("t", "\\u0074"), v) for n, v in c]))
claims_case("nested and long", "ok",
            lambda c: c + [('"x"', '[[[{"a":[true,false,null,-0.5e-3]}]]]'),
                           ('"y"', '"' + "\\n\\u00e9\u20ac" * 50 + '"')])
claims_case("an aud that nobody asked for", None, lambda c: c + [('"aud"', '["a","b"]')])
claims_case("an iss that nobody asked for", "ok", lambda c: c + [('"iss"', '"https://a.example"')])
claims_case("jti", "ok", lambda c: c + [('"jti"', '"1"')])

# ----- Times.

for label, value, expected in [
        ("a second ahead", NOW + 1, "ok"), ("half a second ahead", NOW + 0.5, None), ("now", NOW, "refused"),
        ("a second ago", NOW - 1, "refused"), ("zero", 0, "refused"), ("negative", -1, "refused"),
        ("a fraction", NOW + 60.25, "ok"), ("1e10", "1e10", "ok"), ("1.8E+9", "1.8E+9", "ok"),
        ("1e400", "1e400", "refused"),
        ("2^53", 2**53, None), ("2^53 + 1", 2**53 + 1, "refused"), ("2^63", 2**63, "refused"),
        ("2^64 + now", 2**64 + NOW + 60, "refused"),
        ("minus zero", "-0", "refused"), ("300 digits", "1" + "0" * 299, "refused"),
        ("a string", f'"{NOW + 60}"', "refused"),
        ("an empty string", '""', "refused"), ("null", "null", "refused"), ("true", "true", "refused"),
        ("an array", f"[{NOW + 60}]", "refused"), ("an object", "{}", "refused"),
        ("a leading zero", f"0{NOW + 60}", "refused"),
        ("a plus", f"+{NOW + 60}", "refused"), ("hexadecimal", "0x7fffffff", "refused"), ("NaN", "NaN", "refused"),
        ("Infinity", "Infinity", "refused"), ("an open fraction", f"{NOW + 60}.", "refused"),
        ("an open exponent", "1e", "refused"),
        ("underscores", "9_000_000_000", "refused")]:
    claims_case(f"exp {label}", expected, lambda c, value=value: changed(c, "exp", value))
claims_case("no exp", "refused", lambda c: without(c, "exp"))
claims_case("exp in capitals", "refused", lambda c: without(c, "exp") + [('"EXP"', NOW + 60)])
for label, value, expected in [
        ("now", NOW, "ok"), ("a second ahead", NOW + 1, "refused"), ("half a second ahead", NOW + 0.5, "refused"),
        ("past", NOW - 60, "ok"), ("a string", f'"{NOW - 60}"', "refused"), ("null", "null", "refused"),
        ("negative", -5, "refused"), ("2^53 + 1", 2**53 + 1, "refused"), ("a fraction of the past", NOW - 0.5, "ok")]:
    claims_case(f"nbf {label}", expected, lambda c, value=value: c + [('"nbf"', value)])
    claims_case(f"iat {label}", expected, lambda c, value=value: changed(c, "iat", value))
claims_case("no iat", "ok", lambda c: without(c, "iat"))

# ----- The tenant. Other libraries do not know it: they say what they read.

for label, value, expected in [
        ("empty", '""', "refused"), ("null", "null", "refused"), ("true", "true", "refused"),
        ("1.0", "1.0", "refused"),
        ("1e2", "1e2", "refused"), ("minus zero", "-0", "refused"), ("an array", '["acct_4d1a"]', "refused"),
        ("an object", "{}", "refused"),
        ("2^53 + 1", 2**53 + 1, None), ("2^63 - 1", 2**63 - 1, None), ("2^63", 2**63, "refused"),
        ("256 bytes", '"' + "t" * 256 + '"', "refused"), ("255 bytes", '"' + "t" * 255 + '"', "ok"),
        ("an escaped NUL", '"a\\u0000b"', None), ("a raw NUL", '"a\0b"', "refused"),
        ("a raw line break", '"a\nb"', "refused"),
        ("a lone surrogate", '"\\ud800"', "refused"),
        ("surrogates in the wrong order", '"\\ude00\\ud83d"', "refused"),
        ("a surrogate pair", '"\\ud83d\\ude00"', "ok"), ("a raw surrogate", '"\ud800"', "refused"),
        ("a wrong escape", '"\\x41"', "refused"), ("single quotes", "'a'", "refused"),
        ("all escapes", '"\\"\\\\\\/\\b\\f\\n\\r\\t"', "ok")]:
    claims_case(f"tenant {label}", expected, lambda c, value=value: changed(c, "tenant_id", value))
claims_case("no tenant", "refused", lambda c: without(c, "tenant_id"))
claims_case("tenant of another case", "refused", lambda c: without(c, "tenant_id") + [('"Tenant_Id"', '"acct_4d1a"')])

# ----- Ambiguous or broken JSON, well signed.

for label, spoil in {
        "duplicate tenant": lambda c: c + [('"tenant_id"', '"globex"')],
        "duplicate tenant, first": lambda c: [('"tenant_id"', '"globex"')] + c,
        "duplicate tenant, escaped": lambda c: c + [('"\\u0074enant_id"', '"globex"')],
        "duplicate exp": lambda c: c + [('"exp"', NOW + 60)],
        "duplicate of no importance": lambda c: c + [('"x"', 1), ('"x"', 1)],
        "duplicate deep inside": lambda c: c + [('"x"', '[{"y":1,"y":2}]')],
        "an array": lambda c: "[" + object_text(c) + "]",
        "a string": lambda c: '"acct_4d1a"',
        "a number": lambda c: "42",
        "nothing": lambda c: "",
        "null": lambda c: "null",
        "white space alone": lambda c: " \n",
        "two objects": lambda c: object_text(c) + object_text(c),
        "text behind": lambda c: object_text(c) + "x",
        "a NUL behind": lambda c: object_text(c) + "\0",
        "a BOM": lambda c: "\ufeff" + object_text(c),
        "UTF-16": lambda c: object_text(c).encode("utf-16-le", "surrogatepass"),
        "a trailing comma": lambda c: object_text(c)[:-1] + ",}",
        "a missing brace": lambda c: object_text(c)[:-1],
        "a comment": lambda c: "/**/" + object_text(c),
        "a line comment": lambda c: "//\n" + object_text(c),
        "bare names": lambda c: object_text([(n.strip('"'), v) for n, v in c]),
        "form feed as white space": lambda c: "\f" + object_text(c),
        "no-break space": lambda c: "\u00a0" + object_text(c),
        "a byte that is no UTF-8": lambda c: object_text(c).encode()[:-1] + b',"x":"\xff"}',
        "an overlong slash": lambda c: object_text(c).encode()[:-1] + b',"x":"\xc0\xaf"}',
        "True": lambda c: c + [('"x"', "True")],
        "NaN": lambda c: c + [('"x"', "NaN")],
        "minus Infinity": lambda c: c + [('"x"', "-Infinity")],
        "a thousand levels": lambda c: c + [('"x"', "[" * 1000 + "]" * 1000)],
        "257 members": lambda c: c + [(f'"{i}"', i) for i in range(257)],
        "a number of 400 digits": lambda c: c + [('"x"', "1" * 400)]}.items():
    claims_case(label, "refused", spoil)
for label, value in {"sub a number": ("sub", 7), "sub null": ("sub", "null")}.items():
    claims_case(label, "refused", lambda c, value=value: changed(c, *value))
for name, value in (("iss", 7), ("iss", "null"), ("jti", 7), ("jti", "null"), ("aud", 7), ("aud", "[7]"),
                    ("aud", "null"), ("aud", "{}")):
    claims_case(f"{name} {value}", "refused", lambda c, name=name, value=value: c + [(f'"{name}"', value)])

# ----- Headers, well signed.

for name, value in (("crit", "[]"), ("crit", '["exp"]'), ("crit", '["b64"]'), ("b64", "false"), ("b64", "true"),
                    ("zip", '"DEF"'),
                    ("enc", '"A256GCM"'), ("jku", '"https://a.example"'), ("x5u", '"https://a.example"'),
                    ("x5c", '["MIIC"]'),
                    ("jwk", '{"kty":"oct","k":"AAAA"}'), ("cty", '"JWT"'), ("cty", '"application/jwt"')):
    header_case(f"{name} {value}", "refused", lambda h, k, name=name, value=value: h + [(f'"{name}"', value)])
for value in ('"JOSE"', '"dpop+jwt"', '"logout+jwt"', '""', "7", "null", '"JWT "'):
    header_case(f"typ {value}", "refused", lambda h, k, value=value: changed(h, "typ", value))
for value in ("7", "null", '""', '["a"]', '"nobody"', '"HS256\\u0000"'):
    header_case(f"kid {value}", "refused", lambda h, k, value=value: changed(h, "kid", value))
for value in ('"none"', '"None"', '"NONE"', '"nOnE"', '""', '"ES256K"', '"HS1"', '"dir"', '"RSA-OAEP"', '"*"', "7", "null", "[]"):
    header_case(f"alg {value}", "refused", lambda h, k, value=value: changed(h, "alg", value))
header_case("alg as an array", "refused", lambda h, k: changed(h, "alg", f'["{k.alg}"]'))
header_case("alg in lower case", "refused", lambda h, k: changed(h, "alg", f'"{k.alg.lower()}"'))
header_case("alg with a space", "refused", lambda h, k: changed(h, "alg", f'"{k.alg} "'))
header_case("alg with a NUL", "refused", lambda h, k: changed(h, "alg", f'"{k.alg}\\u0000"'))
header_case("no alg", "refused", lambda h, k: without(h, "alg"))
for label, spoil in {
        "duplicate alg": lambda h, k: h + [('"alg"', f'"{k.alg}"')],
        "duplicate alg, none first": lambda h, k: [('"alg"', '"none"')] + h,
        "duplicate alg, none last": lambda h, k: h + [('"\\u0061lg"', '"none"')],
        "duplicate kid": lambda h, k: [('"kid"', '"nobody"')] + h,
        "duplicate of no importance": lambda h, k: h + [('"x"', 1), ('"x"', 2)],
        "an array": lambda h, k: "[" + object_text(h) + "]",
        "nothing": lambda h, k: "",
        "text behind": lambda h, k: object_text(h) + "}",
        "a NUL behind": lambda h, k: object_text(h) + "\0",
        "a BOM": lambda h, k: "\ufeff" + object_text(h),
        "a trailing comma": lambda h, k: object_text(h)[:-1] + ",}",
        "a comment": lambda h, k: object_text(h) + "//",
        "single quotes": lambda h, k: object_text(h).replace('"', "'"),
        "bare names": lambda h, k: object_text([(n.strip('"'), v) for n, v in h]),
        "a byte that is no UTF-8": lambda h, k: object_text(h).encode()[:-1] + b',"x":"\xff"}',
        "a raw surrogate": lambda h, k: object_text(h)[:-1] + ',"x":"\ud800"}',
        "NaN": lambda h, k: h + [('"x"', "NaN")],
        "a thousand levels": lambda h, k: h + [('"x"', "[" * 1000 + "]" * 1000)]}.items():
    header_case(label, "refused", spoil)


# ----- Algorithms swapped.

@case("swap: the header names another algorithm", "refused", times=4)
def header_names_another(random, key, keys):
    other = random.choice([k for k in keys.values() if k.alg != key.alg])
    header = changed(header_members(key), "alg", f'"{other.alg}"')
    return token_of(key, object_text(header), object_text(claim_members(random)))


@case("swap: signed by another known key", "refused", times=4)
def signed_by_another(random, key, keys):
    other = random.choice([k for k in keys.values() if k.name != key.name])
    return finish(other, signed_text(key, object_text(header_members(key)), object_text(claim_members(random))))


@case("swap: none without a signature", "refused")
def none_without_signature(random, key, keys):
    header = changed(header_members(key), "alg", random.choice(['"none"', '"None"', '"NONE"', '""']))
    return signed_text(key, object_text(header), object_text(claim_members(random))) + b"."


@case("swap: HMAC with what is public", "refused", times=4)
def hmac_with_public(random, key, keys):
    if key.scheme == "HS":
        return None
    hash_ = random.choice(list(HASHES.values()))
    alg = "HS" + str(hash_.digest_size * 8)
    header = changed(header_members(key), "alg", f'"{alg}"')
    if random.random() < 0.3:
        header = changed(header, "kid", f'"{alg}"')
    secret = random.choice([key.public_pem(), key.public_pem().strip(), key.public_der(), json.dumps(key.jwk).encode(),
                            key.jwk.get("n", key.jwk.get("x")).encode(), b"", key.name.encode()])
    text = signed_text(key, object_text(header), object_text(claim_members(random)))
    return text + b"." + encode(hmac.new(secret, text, hash_.name).digest())


@case("swap: signed by a stranger's key", "refused", times=2)
def stranger(random, key, keys):
    return finish(keys.unknown[key.name],
                  signed_text(key, object_text(header_members(key)), object_text(claim_members(random))))


# ----- Signatures of another shape.

def signature_case(label, expected, change, times=1):
    @case("signature: " + label, expected, times)
    def make(random, key, keys):
        text = signed_text(key, object_text(header_members(key)), object_text(claim_members(random)))
        signature = change(random, key, text, key.sign(text))
        return None if signature is None else text + b"." + encode(signature)


def flipped(random, octets):
    place = random.randrange(len(octets) * 8)
    return octets[:place // 8] + bytes([octets[place // 8] ^ 1 << place % 8]) + octets[place // 8 + 1:]


def split_pair(signature):
    half = len(signature) // 2
    return int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")


def der_pair(key, signature):
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    return encode_dss_signature(*split_pair(signature))


def ecdsa_case(label, expected, change):
    signature_case(label, expected, lambda random, key, text, signature:
                   change(random, key, signature) if key.scheme == "ES" else None)


def fitting_pair(key, r, s):
    size = CURVES[key.alg][1] * 8
    return key.raw(r, s) if r < 1 << size and s < 1 << size else None


def edwards_plus_order(random, key, text, signature):
    """S + L: the same point, another spelling (RFC 8032 section 5.1.7 forbids it)."""
    if key.alg != "EdDSA":
        return None
    half, order = (32, ED25519_ORDER) if len(signature) == 64 else (57, ED448_ORDER)
    return signature[:half] + (int.from_bytes(signature[half:], "little") + order).to_bytes(half, "little")


def rsa_plus_modulus(random, key, text, signature):
    if key.scheme not in ("RS", "PS"):
        return None
    value = int.from_bytes(signature, "big") + key.private.public_key().public_numbers().n
    return value.to_bytes(256, "big") if value < 1 << 2048 else None


def of_scheme(wanted, **how):
    return lambda random, key, text, signature: key.sign(text, **how) if key.scheme == wanted else None


def with_another_hash(random, key, text, signature):
    if key.alg == "EdDSA":
        return None
    return key.sign(text, hash_=random.choice([h for h in HASHES.values() if h is not key.hash]))


signature_case("one bit flipped", "refused", lambda random, key, text, s: flipped(random, s), times=16)
signature_case("cut short", "refused", lambda random, key, text, s: s[:random.randrange(len(s))], times=2)
signature_case("a byte more", "refused", lambda random, key, text, s: s + bytes([random.randrange(256)]))
signature_case("a zero before", "refused", lambda random, key, text, s: b"\0" + s)
signature_case("twice", "refused", lambda random, key, text, s: s + s)
signature_case("zeros", "refused", lambda random, key, text, s: bytes(len(s)))
signature_case("ones", "refused", lambda random, key, text, s: b"\xff" * len(s))
signature_case("random", "refused", lambda random, key, text, s: random.randbytes(len(s)))
signature_case("backwards", "refused", lambda random, key, text, s: s[::-1])
signature_case("with another hash", "refused", with_another_hash, times=2)
signature_case("of the payload alone", "refused", lambda random, key, text, s: key.sign(text.partition(b".")[2]))
signature_case("of the text with a dot behind", "refused", lambda random, key, text, s: key.sign(text + b"."))
signature_case("of another token", "refused", lambda random, key, text, s: key.sign(signed_text(
    key, object_text(header_members(key)), object_text(claim_members(random) + [('"x"', random.random())]))))
ecdsa_case("ECDSA in DER", "refused", lambda random, key, s: der_pair(key, s))
ecdsa_case("ECDSA r zero", "refused", lambda random, key, s: key.raw(0, split_pair(s)[1]))
ecdsa_case("ECDSA s zero", "refused", lambda random, key, s: key.raw(split_pair(s)[0], 0))
ecdsa_case("ECDSA s is n", "refused", lambda random, key, s: key.raw(split_pair(s)[0], ORDERS[key.alg]))
ecdsa_case("ECDSA r + n", "refused", lambda random, key, s:
           fitting_pair(key, split_pair(s)[0] + ORDERS[key.alg], split_pair(s)[1]))
ecdsa_case("ECDSA s + n", "refused", lambda random, key, s:
           fitting_pair(key, split_pair(s)[0], split_pair(s)[1] + ORDERS[key.alg]))
ecdsa_case("ECDSA n - s", "ok", lambda random, key, s: key.raw(split_pair(s)[0], ORDERS[key.alg] - split_pair(s)[1]))
ecdsa_case("ECDSA swapped", "refused", lambda random, key, s: key.raw(*split_pair(s)[::-1]))
signature_case("EdDSA S + L", "refused", edwards_plus_order)
signature_case("RSA s + n", "refused", rsa_plus_modulus)
signature_case("PKCS #1 where PSS is due", "refused", of_scheme("PS", scheme="RS"))
signature_case("PSS where PKCS #1 is due", "refused", of_scheme("RS", scheme="PS"))
signature_case("PSS without salt", "refused", of_scheme("PS", salt=0))
signature_case("PSS with a salt of 20", "refused", of_scheme("PS", salt=20))
signature_case("PSS with the longest salt", "refused", lambda random, key, text, s:
               key.sign(text, salt=254 - key.hash.digest_size) if key.scheme == "PS" else None)


# ----- The text of a good token, changed afterwards. None of them may be accepted.

def text_case(label, change, times=1, expected="refused"):
    @case("text: " + label, expected, times)
    def make(random, key, keys):
        token = good_token(random, key)
        out = change(random, token)
        return None if out is None or out == token else out


ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def inserted(token, place, octets):
    return token[:place] + octets + token[place:]


def any_place(random, token):
    return random.randrange(len(token) + 1)


def replace_one(random, token):
    place = random.randrange(len(token))
    return token[:place] + bytes([random.choice(ALPHABET)]) + token[place + 1:]


def delete_one(random, token):
    place = random.randrange(len(token))
    return token[:place] + token[place + 1:]


def swap_neighbours(random, token):
    place = random.randrange(len(token) - 1)
    return token[:place] + token[place + 1:place + 2] + token[place:place + 1] + token[place + 2:]


def other_case(random, token):
    place = random.randrange(len(token))
    return token[:place] + token[place:place + 1].swapcase() + token[place + 1:]


def change_part(random, token, change):
    parts = token.split(b".")
    at = random.randrange(3)
    changed_part = change(parts[at])
    if changed_part is None:
        return None
    return b".".join(parts[:at] + [changed_part] + parts[at + 1:])


def padded(part):
    return part + b"=" * (-len(part) % 4) if len(part) % 4 else None


def left_over_bits(random, part):
    """The bits that the last character has and the bytes have not."""
    spare = {2: 4, 3: 2}.get(len(part) % 4)
    if not spare:
        return None
    value = ALPHABET.index(part[-1:]) ^ random.randrange(1, 1 << spare)
    return part[:-1] + ALPHABET[value:value + 1]


def plain_alphabet(random, part):
    if b"-" in part or b"_" in part:
        return part.replace(b"-", b"+").replace(b"_", b"/")
    return None


SPACES = [b" ", b"\n", b"\t", b"\r", b"\r\n", b"\0", b"\x0b", b"\xc2\xa0", b"%20", b"?", b"#", b"=",
          b"\xff", b"\xef\xbb\xbf"]
text_case("one bit flipped", flipped, times=24)
text_case("a character replaced", replace_one, times=6)
text_case("a character lost", delete_one, times=4)
text_case("a character more", lambda random, t:
          inserted(t, any_place(random, t), bytes([random.choice(ALPHABET)])), times=4)
text_case("neighbours swapped", swap_neighbours, times=3)
text_case("other case", other_case, times=3)
text_case("cut short", lambda random, t: t[:random.randrange(len(t))], times=2)
text_case("cut at the front", lambda random, t: t[random.randrange(1, len(t)):])
text_case("stray characters", lambda random, t: inserted(t, any_place(random, t), random.choice(SPACES)), times=6)
text_case("white space behind", lambda random, t: t + random.choice([b" ", b"\n", b"\r\n", b"\t", b"\0"]))
text_case("white space before", lambda random, t: random.choice([b" ", b"\n", b"\r\n", b"\t", b"\0"]) + t)
text_case("padding", lambda random, t: change_part(random, t, padded), times=2)
text_case("wrong padding", lambda random, t:
          change_part(random, t, lambda p: p + random.choice([b"=", b"==", b"===", b"===="])), times=2)
text_case("left-over bits", lambda random, t: change_part(random, t, lambda p: left_over_bits(random, p)), times=4)
text_case("the other alphabet", lambda random, t: change_part(random, t, lambda p: plain_alphabet(random, p)), times=2)
text_case("no signature", lambda random, t: t.rpartition(b".")[0] + b".")
text_case("two parts", lambda random, t: t.rpartition(b".")[0])
text_case("four parts", lambda random, t: t + b"." + random.choice([b"", b"AAAA", t.split(b".")[2]]))
text_case("five parts", lambda random, t: t + b".AAAA.AAAA")
text_case("no payload", lambda random, t: t.split(b".")[0] + b".." + t.split(b".")[2])
text_case("no header", lambda random, t: t[t.index(b"."):])
text_case("a dot before", lambda random, t: b"." + t)
text_case("twice", lambda random, t: t + t)
text_case("Bearer", lambda random, t: b"Bearer " + t)
text_case("quoted", lambda random, t: b'"' + t + b'"')
text_case("dots as %2E", lambda random, t: t.replace(b".", b"%2E"))
text_case("JSON serialization", lambda random, t: json.dumps(
    dict(zip(("protected", "payload", "signature"), t.decode().split(".")))).encode())


@case("text: claims of one token, signature of another", "refused", times=2)
def spliced(random, key, keys):
    one, two = good_token(random, key).split(b"."), good_token(random, key).split(b".")
    if one[1] == two[1]:
        return None
    return b".".join([one[0], two[1], one[2]])


@case("text: claims edited", "refused", times=2)
def claims_edited(random, key, keys):
    header, payload, signature = good_token(random, key).split(b".")
    claims = json.loads(decode(payload))
    claims[random.choice(list(claims))] = random.choice(["globex", NOW + 10**6, 7])
    return b".".join([header, encode(json.dumps(claims).encode()), signature])


# ----- Anything: bytes of the JSON changed at random and then signed. Nobody knows what comes out.

def spoil_json(random, text):
    octets = bytearray(text.encode())
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        place = random.randrange(len(octets))
        octets[place:place + random.choice([0, 1, 1, 1])] = random.choice(
            [b"", bytes([random.randrange(256)]), b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\",
             b"\\u0000", b" ", b"0", b"1e9",
             b"-", b".", b"null", b"\\u0061", b"\xe2\x82\xac"])
    return bytes(octets)


@case("random: header bytes", None, times=10)
def random_header(random, key, keys):
    return token_of(key, spoil_json(random, object_text(header_members(key))), object_text(claim_members(random)))


@case("random: claim bytes", None, times=16)
def random_claims(random, key, keys):
    return token_of(key, object_text(header_members(key)), spoil_json(random, object_text(claim_members(random))))


@case("random: two changes of a good token", None, times=8)
def two_changes(random, key, keys):
    token = good_token(random, key)
    for _ in range(2):
        token = random.choice([replace_one, delete_one, swap_neighbours, other_case, flipped])(random, token)
    return token
