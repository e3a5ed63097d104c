#include "limpid/crypto/ecdsa.hpp"

#include "limpid/core/reader.hpp"
#include "limpid/core/writer.hpp"

namespace limpid::crypto::ecdsa {
namespace {

// bits2int and bits2octets of RFC 6979, section 2.3: the leftmost bits of the digest, reduced. The order's double is
// above every number of its limbs.
template <class Curve>
typename Curve::Number reduced(Bytes digest) {
  constexpr std::size_t size = scalar_size<Curve>;
  std::array<Byte, size> leftmost{};
  const Bytes kept = digest.first(std::min(size, digest.size()));
  copy(kept, MutableBytes(leftmost).last(kept.size()));
  return Curve::modulo_order.reduce_once(from_big_endian<Curve::Number::size>(leftmost));
}

template <class Curve>
Secret<scalar_size<Curve>> encoded(const typename Curve::Number& number) {
  Secret<scalar_size<Curve>> bytes;
  to_big_endian(number, bytes.mutable_bytes());
  return bytes;
}

}  // namespace

NonceBytes::NonceBytes(HashAlgorithm hash, Bytes private_key, Bytes digest, Bytes additional, CpuFeatures cpu)
    : hash_(hash), k_(HashSecret::zeros(digest_size(hash))), v_(HashSecret::zeros(digest_size(hash))), cpu_(cpu) {
  // Steps b to g.
  for (Byte& byte : v_.mutable_bytes()) byte = 1;
  for (const Byte step : {Byte{0}, Byte{1}}) rekey({{&step, 1}, private_key, digest, additional});
}

void NonceBytes::rekey(std::initializer_list<Bytes> pieces) {
  Hmac mac(hash_, k_.bytes(), cpu_);
  mac.update(v_.bytes(), cpu_);
  for (const Bytes piece : pieces) mac.update(piece, cpu_);
  k_ = mac.finish(cpu_);
  advance();
}

void NonceBytes::advance() { v_ = hmac(hash_, k_.bytes(), v_.bytes(), cpu_); }

void NonceBytes::next(MutableBytes candidate) {
  static constexpr Byte step = 0;
  if (drawn_) rekey({{&step, 1}});
  drawn_ = true;
  while (!candidate.empty()) {
    advance();
    const Bytes more = Bytes(v_.bytes()).first(std::min(v_.size(), candidate.size()));
    copy(more, candidate);
    candidate = candidate.subspan(more.size());
  }
}

template <class Curve>
NonceGenerator<Curve>::NonceGenerator(const Number& private_key, HashAlgorithm hash, Bytes digest, Bytes additional,
                                      CpuFeatures cpu)
    : bytes_(hash, encoded<Curve>(private_key).bytes(), encoded<Curve>(reduced<Curve>(digest)).bytes(), additional,
             cpu) {}

template <class Curve>
void NonceGenerator<Curve>::next(Number& nonce) {
  // A candidate that is thrown away says nothing about the next, so its being so may show.
  do {
    Secret<scalar_size<Curve>> candidate;
    bytes_.next(candidate.mutable_bytes());
    nonce = from_big_endian<Number::size>(candidate.bytes());
  } while (!declassify(mask_if_private_key<Curve>(nonce)));
}

template <class Curve>
std::optional<RawSignature<Curve>> sign_with_nonce(const typename Curve::Number& private_key, Bytes digest,
                                                   const typename Curve::Number& nonce, CpuFeatures cpu) {
  using Number = typename Curve::Number;
  constexpr auto& modulo_order = Curve::modulo_order;
  const AffinePointOf<Curve> point = to_affine<Curve>(multiply_base<Curve>(nonce, cpu));
  RawSignature<Curve> signature{};
  signature.r = modulo_order.reduce_once(Curve::modulo_prime.leave(point.x));
  // s = (e + r x) / nonce. Both summands leave Montgomery form or never entered it; the inverse is in it.
  const Number r_times_key = modulo_order.multiply(signature.r, modulo_order.enter(private_key));
  const Number inverse = modulo_order.inverse(modulo_order.enter(nonce));
  signature.s = modulo_order.multiply(modulo_order.add(reduced<Curve>(digest), r_times_key), inverse);
  if (declassify(mask_if_zero(signature.r) | mask_if_zero(signature.s))) return std::nullopt;
  return signature;
}

template <class Curve>
RawSignature<Curve> sign(const typename Curve::Number& private_key, HashAlgorithm hash, Bytes digest, Bytes additional,
                         CpuFeatures cpu) {
  NonceGenerator<Curve> nonces(private_key, hash, digest, additional, cpu);
  for (typename Curve::Number nonce;;) {
    nonces.next(nonce);
    if (const auto signature = sign_with_nonce<Curve>(private_key, digest, nonce, cpu)) return *signature;
  }
}

template <class Curve>
bool verify(const AffinePointOf<Curve>& public_key, Bytes digest, const RawSignature<Curve>& signature,
            CpuFeatures cpu) {
  using Number = typename Curve::Number;
  constexpr auto& modulo_order = Curve::modulo_order;
  const auto& [r, s] = signature;
  if (mask_if_private_key<Curve>(r) == 0 || mask_if_private_key<Curve>(s) == 0) return false;
  const Number inverse = modulo_order.inverse(modulo_order.enter(s));
  const Number u1 = modulo_order.multiply(reduced<Curve>(digest), inverse);
  const Number u2 = modulo_order.multiply(r, inverse);
  const PointOf<Curve> sum = multiply_two<Curve>(u1, public_key, u2, cpu);
  if (mask_if_zero(sum.z) != 0) return false;
  // The affine x is X / Z^2, below p; it is r modulo n if it is r or, where that is below p, r + n.
  const Number z_squared = Curve::square(sum.z);
  const auto is_x = [&](const Number& x) {
    return mask_if_equal(Curve::multiply(Curve::modulo_prime.enter(x), z_squared), sum.x) != 0;
  };
  if (is_x(r)) return true;
  Number r_plus_order;
  return add(r_plus_order, r, Curve::order) == 0 && mask_if_less(r_plus_order, Curve::prime) != 0 && is_x(r_plus_order);
}

namespace {

std::size_t encode_numbers(Bytes r, Bytes s, MutableBytes out) {
  Writer writer(out);
  writer.u8(0x30);
  writer.vector8([&] {
    for (Bytes bytes : {r, s}) {
      // X.690, section 8.3.2: as few bytes as hold it; a leading zero where the sign bit would be set.
      while (bytes.size() > 1 && bytes[0] == 0) bytes = bytes.subspan(1);
      writer.u8(0x02);
      writer.vector8([&] {
        if (bytes[0] >= 0x80) writer.u8(0);
        writer.bytes(bytes);
      });
    }
  });
  return writer.size();
}

// Into r and s, which hold zeros and are of one length.
bool decode_numbers(Bytes encoded, MutableBytes r, MutableBytes s) {
  Reader outer(encoded);
  if (outer.u8() != 0x30) return false;
  Reader inner(outer.vector8());
  if (!outer.finished()) return false;
  for (const MutableBytes number : {r, s}) {
    if (inner.u8() != 0x02) return false;
    Bytes bytes = inner.vector8();
    // Neither empty, nor negative, nor longer than need be.
    if (bytes.empty() || bytes[0] >= 0x80 || (bytes.size() > 1 && bytes[0] == 0 && bytes[1] < 0x80)) return false;
    if (bytes[0] == 0) bytes = bytes.subspan(1);
    if (bytes.size() > number.size()) return false;
    copy(bytes, number.last(bytes.size()));
  }
  return inner.finished();
}

}  // namespace

template <class Curve>
std::size_t encode(const RawSignature<Curve>& signature, std::span<Byte, max_encoded_size<Curve>> out) {
  std::array<Byte, scalar_size<Curve>> r, s;
  to_big_endian(signature.r, std::span(r));
  to_big_endian(signature.s, std::span(s));
  return encode_numbers(r, s, out);
}

template <class Curve>
std::optional<RawSignature<Curve>> decode(Bytes encoded) {
  // Lengths above 127 have another form (X.690, section 8.1.3.5), but two numbers of 49 bytes do not get there; and
  // what is read as such a length here does not end where they do.
  static_assert(max_encoded_size<Curve> < 128 + 2);
  std::array<Byte, scalar_size<Curve>> r{}, s{};
  if (!decode_numbers(encoded, r, s)) return std::nullopt;
  return RawSignature<Curve>{from_big_endian<Curve::Number::size>(r), from_big_endian<Curve::Number::size>(s)};
}

template class NonceGenerator<P256>;
template std::optional<RawSignature<P256>> sign_with_nonce<P256>(const Limbs<4>&, Bytes, const Limbs<4>&, CpuFeatures);
template RawSignature<P256> sign<P256>(const Limbs<4>&, HashAlgorithm, Bytes, Bytes, CpuFeatures);
template bool verify<P256>(const AffinePoint<4>&, Bytes, const RawSignature<P256>&, CpuFeatures);
template std::size_t encode<P256>(const RawSignature<P256>&, std::span<Byte, max_encoded_size<P256>>);
template std::optional<RawSignature<P256>> decode<P256>(Bytes);
template class NonceGenerator<P384>;
template std::optional<RawSignature<P384>> sign_with_nonce<P384>(const Limbs<6>&, Bytes, const Limbs<6>&, CpuFeatures);
template RawSignature<P384> sign<P384>(const Limbs<6>&, HashAlgorithm, Bytes, Bytes, CpuFeatures);
template bool verify<P384>(const AffinePoint<6>&, Bytes, const RawSignature<P384>&, CpuFeatures);
template std::size_t encode<P384>(const RawSignature<P384>&, std::span<Byte, max_encoded_size<P384>>);
template std::optional<RawSignature<P384>> decode<P384>(Bytes);

}  // namespace limpid::crypto::ecdsa
