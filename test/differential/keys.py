"""One key for each of the fourteen algorithms, the same in every run, and what signs with it."""
import base64
import hashlib
import hmac
import pathlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa, utils

HERE = pathlib.Path(__file__).resolve().parent
HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {"ES256": (ec.SECP256R1(), 32), "ES384": (ec.SECP384R1(), 48), "ES512": (ec.SECP521R1(), 66)}
ORDERS = {  # of the base points (FIPS 186-4 D.1.2)
    "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "ES384": (2**192 - 1 << 192) + 0xC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    "ES512": (2**265 - 6 << 256) + 0x51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
}
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493  # RFC 8032 section 5.1
ED448_ORDER = 2**446 - int("8335dc163bb124b65129c96fde933d8d723a70aadc873d6d54a7bb0d", 16)


def encode(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def decode(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def derived(name, size):
    """Bytes that follow from a name: a key that is nobody's secret."""
    return hashlib.shake_256(b"tenant_guard differential " + name.encode()).digest(size)


def number(value, size=None):
    return encode(value.to_bytes(size or (value.bit_length() + 7) // 8, "big")).decode()


class Key:
    """`other` is a key of the same type that no verifier knows."""

    def __init__(self, name, private, jwk):
        self.name, self.alg, self.private = name, name.partition("-")[0], private
        self.jwk = {**jwk, "kid": name, "alg": self.alg}

    @property
    def scheme(self):
        return self.alg[:2]

    @property
    def hash(self):
        return HASHES[self.alg[2:]]

    def sign(self, text, hash_=None, salt=None, scheme=None):
        """The JOSE signature; a salt, a hash or an RSA padding that the algorithm does not use on demand."""
        scheme, hash_ = scheme or self.scheme, hash_ or (None if self.alg == "EdDSA" else self.hash)
        if scheme == "HS":
            return hmac.new(self.private, text, hash_.name).digest()
        if scheme == "RS":
            return self.private.sign(text, padding.PKCS1v15(), hash_)
        if scheme == "PS":
            salt = hash_.digest_size if salt is None else salt
            return self.private.sign(text, padding.PSS(padding.MGF1(hash_), salt), hash_)
        if scheme == "ES":
            r, s = utils.decode_dss_signature(self.private.sign(text, ec.ECDSA(hash_)))
            return self.raw(r, s)
        return self.private.sign(text)

    def raw(self, r, s):
        size = CURVES[self.alg][1]
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def public_bytes(self, encoding, form):
        return self.private.public_key().public_bytes(encoding, form)

    def public_pem(self):
        return self.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def public_der(self):
        return self.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _edwards(name, curve, private):
    raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return Key(name, private, {"kty": "OKP", "crv": curve, "x": encode(raw).decode()})


def _elliptic(name, label):
    curve, size = CURVES[name]
    private = ec.derive_private_key(int.from_bytes(derived(label, size), "big") % (ORDERS[name] - 1) + 1, curve)
    point = private.public_key().public_numbers()
    crv = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[name]
    return Key(name, private, {"kty": "EC", "crv": crv, "x": number(point.x, size), "y": number(point.y, size)})


def make_keys():
    """The keys that the verifiers know, by name, and keys of the same kinds that they do not."""
    rs = serialization.load_pem_private_key((HERE / "../tokens/keys/rs.pem").read_bytes(), None)
    stranger = rsa.generate_private_key(65537, 2048)
    modulus = rs.public_key().public_numbers().n
    known, unknown = {}, {}
    for bits in ("256", "384", "512"):
        for keys, label in ((known, "known"), (unknown, "unknown")):
            secret = derived(label + bits, 64)
            keys["HS" + bits] = Key("HS" + bits, secret, {"kty": "oct", "k": encode(secret).decode()})
            for scheme in ("RS", "PS"):
                keys[scheme + bits] = Key(scheme + bits, rs if keys is known else stranger,
                                          {"kty": "RSA", "n": number(modulus), "e": "AQAB"})
            keys["ES" + bits] = _elliptic("ES" + bits, label + "ES" + bits)
    for keys, label in ((known, "known"), (unknown, "unknown")):
        keys["EdDSA-Ed25519"] = _edwards("EdDSA-Ed25519", "Ed25519",
                                         ed25519.Ed25519PrivateKey.from_private_bytes(derived(label, 32)))
        keys["EdDSA-Ed448"] = _edwards("EdDSA-Ed448", "Ed448",
                                       ed448.Ed448PrivateKey.from_private_bytes(derived(label, 57)))
    return known, unknown
