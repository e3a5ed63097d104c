#include "limpid/crypto/ecdsa.hpp"

#include "limpid/core/reader.hpp"
#include "limpid/core/writer.hpp"
#include "limpid/crypto/hmac.hpp"

namespace limpid::crypto::ecdsa {
namespace {

using p256::modulo_order;

// bits2int and bits2octets of RFC 6979, section 2.3: the digest is as long as the order, whose double is above 2^256.
Number reduced(std::span<const Byte, 32> digest) { return modulo_order.reduce_once(from_big_endian<4>(digest)); }

}  // namespace

NonceGenerator::NonceGenerator(const Number& private_key, std::span<const Byte, 32> digest, Bytes additional,
                               CpuFeatures cpu)
    : cpu_(cpu) {
  // Steps b to g. K is all zero as it stands.
  for (Byte& byte : v_.mutable_bytes()) byte = 1;
  Secret<32> encoded_key;
  to_big_endian(private_key, encoded_key.mutable_bytes());
  std::array<Byte, 32> encoded_digest;
  to_big_endian(reduced(digest), std::span(encoded_digest));
  for (const Byte step : {Byte{0}, Byte{1}}) {
    rekey({{&step, 1}, encoded_key.bytes(), encoded_digest, additional});
  }
}

void NonceGenerator::rekey(std::initializer_list<Bytes> pieces) {
  Hmac mac(HashAlgorithm::sha256, k_.bytes(), cpu_);
  mac.update(v_.bytes(), cpu_);
  for (const Bytes piece : pieces) mac.update(piece, cpu_);
  copy(mac.finish(cpu_).bytes(), k_.mutable_bytes());
  advance();
}

void NonceGenerator::advance() {
  copy(hmac(HashAlgorithm::sha256, k_.bytes(), v_.bytes(), cpu_).bytes(), v_.mutable_bytes());
}

void NonceGenerator::next(Number& nonce) {
  // Step h. A candidate that is thrown away says nothing about the next, so its being so may show.
  do {
    static constexpr Byte step = 0;
    if (drawn_) rekey({{&step, 1}});
    drawn_ = true;
    advance();
    nonce = from_big_endian<4>(v_.bytes());
  } while (!declassify(p256::mask_if_private_key(nonce)));
}

std::optional<RawSignature> sign_with_nonce(const Number& private_key, std::span<const Byte, 32> digest,
                                            const Number& nonce) {
  const p256::AffinePoint point = p256::to_affine(p256::multiply_base(nonce));
  RawSignature signature{};
  signature.r = modulo_order.reduce_once(p256::leave_field(point.x));
  // s = (e + r x) / nonce. Both summands leave Montgomery form or never entered it; the inverse is in it.
  const Number r_times_key = modulo_order.multiply(signature.r, modulo_order.enter(private_key));
  const Number inverse = modulo_order.inverse(modulo_order.enter(nonce));
  signature.s = modulo_order.multiply(modulo_order.add(reduced(digest), r_times_key), inverse);
  if (declassify(mask_if_zero(signature.r) | mask_if_zero(signature.s))) return std::nullopt;
  return signature;
}

RawSignature sign(const Number& private_key, std::span<const Byte, 32> digest, Bytes additional, CpuFeatures cpu) {
  NonceGenerator nonces(private_key, digest, additional, cpu);
  for (Number nonce;;) {
    nonces.next(nonce);
    if (const auto signature = sign_with_nonce(private_key, digest, nonce)) return *signature;
  }
}

bool verify(const p256::AffinePoint& public_key, std::span<const Byte, 32> digest, const RawSignature& signature) {
  const auto& [r, s] = signature;
  if (p256::mask_if_private_key(r) == 0 || p256::mask_if_private_key(s) == 0) return false;
  const Number inverse = modulo_order.inverse(modulo_order.enter(s));
  const Number u1 = modulo_order.multiply(reduced(digest), inverse);
  const Number u2 = modulo_order.multiply(r, inverse);
  const p256::Point sum = p256::multiply_two(u1, public_key, u2);
  if (mask_if_zero(sum.z) != 0) return false;
  // The affine x is X / Z^2, below p; it is r modulo n if it is r or, where that is below p, r + n.
  const p256::Field z_squared = p256::square(sum.z);
  const auto is_x = [&](const Number& x) {
    return mask_if_equal(p256::multiply(p256::enter_field(x), z_squared), sum.x) != 0;
  };
  if (is_x(r)) return true;
  Number r_plus_order;
  return add(r_plus_order, r, p256::order) == 0 && mask_if_less(r_plus_order, p256::prime) != 0 && is_x(r_plus_order);
}

std::size_t encode(const RawSignature& signature, std::span<Byte, max_encoded_size> out) {
  Writer writer(out);
  writer.u8(0x30);
  writer.vector8([&] {
    for (const Number& number : {signature.r, signature.s}) {
      // X.690, section 8.3.2: as few bytes as hold it; a leading zero where the sign bit would be set.
      std::array<Byte, 33> bytes{};
      to_big_endian(number, std::span(bytes).subspan<1, 32>());
      std::size_t skipped = 0;
      while (skipped < 32 && bytes[skipped] == 0 && bytes[skipped + 1] < 0x80) ++skipped;
      writer.u8(0x02);
      writer.vector8([&] { writer.bytes(Bytes(bytes).subspan(skipped)); });
    }
  });
  return writer.size();
}

std::optional<RawSignature> decode(Bytes encoded) {
  // Lengths above 127 have another form (X.690, section 8.1.3.5), but two numbers of 33 bytes do not get there; and
  // what is read as such a length here does not end where they do.
  Reader outer(encoded);
  if (outer.u8() != 0x30) return std::nullopt;
  Reader inner(outer.vector8());
  if (!outer.finished()) return std::nullopt;
  RawSignature signature{};
  for (Number* number : {&signature.r, &signature.s}) {
    if (inner.u8() != 0x02) return std::nullopt;
    Bytes bytes = inner.vector8();
    // Neither empty, nor negative, nor longer than need be.
    if (bytes.empty() || bytes[0] >= 0x80 || (bytes.size() > 1 && bytes[0] == 0 && bytes[1] < 0x80))
      return std::nullopt;
    if (bytes[0] == 0) bytes = bytes.subspan(1);
    if (bytes.size() > 32) return std::nullopt;
    std::array<Byte, 32> padded{};
    copy(bytes, MutableBytes(padded).last(bytes.size()));
    *number = from_big_endian<4>(padded);
  }
  if (!inner.finished()) return std::nullopt;
  return signature;
}

}  // namespace limpid::crypto::ecdsa
