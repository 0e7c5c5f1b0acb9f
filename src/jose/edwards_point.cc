#include "jose/edwards_point.h"

#include <cstring>

#include "jose/openssl_ptr.h"

namespace tg::jose {
namespace {

// RFC 8032 section 5: a*x^2 + y^2 = 1 + d*x^2*y^2 modulo p, encoded as y, little-endian, and the
// sign of x.
struct Curve {
    std::size_t size;   // bytes of an encoded point
    int a;              // -1 or 1
    int cofactor_bits;  // doublings after which a point of small order has vanished
    const char* p;      // hexadecimal
    const char* d;
};

constexpr Curve ed25519 = {32, -1, 3,
                           "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
                           "52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3"};
constexpr Curve ed448 = {57, 1, 2,
                         "fffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
                         "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
                         // -39081 modulo p
                         "fffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
                         "ffffffffffffffffffffffffffffffffffffffffffffffffffff6756"};

// Arithmetic modulo p that remembers whether anything failed. Keys are public, so time does not
// matter.
class Field {
  public:
    explicit Field(const Curve& curve) : context_(BN_CTX_new()), p_(number(curve.p)) {}

    BignumPtr number(const char* hexadecimal) {
        BIGNUM* out = nullptr;
        good_ = BN_hex2bn(&out, hexadecimal) != 0 && good_;
        return BignumPtr(out);
    }
    BignumPtr one() { return number("1"); }

    BignumPtr mul(const BignumPtr& a, const BignumPtr& b) { return apply(BN_mod_mul, a, b); }
    BignumPtr add(const BignumPtr& a, const BignumPtr& b) { return apply(BN_mod_add, a, b); }
    BignumPtr sub(const BignumPtr& a, const BignumPtr& b) { return apply(BN_mod_sub, a, b); }

    // a / b; false if b is zero.
    bool divide(const BignumPtr& a, const BignumPtr& b, BignumPtr& out) {
        if (!good_ || BN_is_zero(b.get())) return false;
        const BignumPtr inverse(BN_mod_inverse(nullptr, b.get(), p_.get(), context_.get()));
        good_ = static_cast<bool>(inverse) && good_;
        if (!good_) return false;
        out = mul(a, inverse);
        return good_;
    }

    bool is_square(const BignumPtr& a) {
        if (!good_) return false;
        const int symbol = BN_kronecker(a.get(), p_.get(), context_.get());
        good_ = symbol > -2 && good_;
        return good_ && symbol >= 0;
    }

    bool is_canonical(const BignumPtr& a) const { return good_ && BN_cmp(a.get(), p_.get()) < 0; }
    bool is_good() const { return good_ && context_ && p_; }

  private:
    using Operation = int (*)(BIGNUM*, const BIGNUM*, const BIGNUM*, const BIGNUM*, BN_CTX*);

    BignumPtr apply(Operation operation, const BignumPtr& a, const BignumPtr& b) {
        BignumPtr out(BN_new());
        good_ = good_ && a && b && out &&
                operation(out.get(), a.get(), b.get(), p_.get(), context_.get()) == 1;
        return out;
    }

    bool good_ = true;
    BignumContextPtr context_;
    BignumPtr p_;
};

// Doubling, knowing only x^2 and y^2: y' = (y^2 - a*x^2) / (2 - a*x^2 - y^2), as a point on the
// curve has a*x^2 + y^2 = 1 + d*x^2*y^2. The sign of x never matters here.
bool square_of_x(Field& field, const Curve& curve, const BignumPtr& d, const BignumPtr& y,
                 BignumPtr& out) {
    const BignumPtr yy = field.mul(y, y);
    const BignumPtr one = field.one();
    const BignumPtr dyy = field.mul(d, yy);
    // x^2 = (1 - y^2) / (a - d*y^2)
    const BignumPtr zero = field.sub(one, one);
    const BignumPtr a = curve.a == 1 ? field.one() : field.sub(zero, one);
    return field.divide(field.sub(one, yy), field.sub(a, dyy), out);
}

bool double_y(Field& field, const Curve& curve, const BignumPtr& d, BignumPtr& y) {
    BignumPtr xx;
    if (!square_of_x(field, curve, d, y, xx)) return false;
    const BignumPtr yy = field.mul(y, y);
    const BignumPtr one = field.one();
    const BignumPtr axx = curve.a == 1 ? field.mul(xx, one) : field.sub(field.sub(one, one), xx);
    const BignumPtr two = field.add(one, one);
    return field.divide(field.sub(yy, axx), field.sub(field.sub(two, axx), yy), y);
}

}  // namespace

KeyVerdict judge_edwards_point(Octets encoded, KeyType type) {
    const ErrorMark mark;
    if (type != KeyType::ed25519 && type != KeyType::ed448) return KeyVerdict::wrong_type;
    const Curve& curve = type == KeyType::ed25519 ? ed25519 : ed448;
    if (encoded.size() != curve.size) return KeyVerdict::unreadable;

    std::array<std::uint8_t, 57> bytes;
    std::memcpy(bytes.data(), encoded.data(), curve.size);
    bytes[curve.size - 1] &= 0x7f;  // the sign of x
    Field field(curve);
    BignumPtr y(BN_lebin2bn(bytes.data(), static_cast<int>(curve.size), nullptr));
    const BignumPtr d = field.number(curve.d);
    if (!y || !field.is_good()) return KeyVerdict::internal;
    // RFC 8032 section 5.1.3: y must be below p, or one point would have two encodings.
    if (!field.is_canonical(y)) return KeyVerdict::off_curve;
    BignumPtr xx;
    if (!square_of_x(field, curve, d, y, xx) || !field.is_square(xx))
        return field.is_good() ? KeyVerdict::off_curve : KeyVerdict::internal;

    // A point of order 1, 2, 4 or 8 is the neutral point (0, 1) after as many doublings as the
    // cofactor has bits, and no other point is.
    for (int i = 0; i < curve.cofactor_bits; i++)
        if (!double_y(field, curve, d, y)) return KeyVerdict::internal;
    if (!field.is_good()) return KeyVerdict::internal;
    return BN_is_one(y.get()) ? KeyVerdict::too_weak : KeyVerdict::ok;
}

}  // namespace tg::jose
