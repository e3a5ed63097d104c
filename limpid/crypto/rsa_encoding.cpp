#include "limpid/crypto/rsa_encoding.hpp"

namespace limpid::crypto::rsa {
namespace {

constexpr std::array<Byte, 8> eight_zeros{};

// DER of DigestInfo up to the digest itself (section 9.2, note 1): it differs in two lengths and the hash's number.
std::array<Byte, 19> digest_info(HashAlgorithm hash) {
  const auto size = static_cast<Byte>(digest_size(hash));
  const auto number = static_cast<Byte>(static_cast<int>(hash) + 1);  // sha256 1, sha384 2, sha512 3
  return {0x30,   static_cast<Byte>(17 + size),
          0x30,   0x0d,
          0x06,   0x09,
          0x60,   0x86,
          0x48,   0x01,
          0x65,   0x03,
          0x04,   0x02,
          number, 0x05,
          0x00,   0x04,
          size};
}

// Appendix B.2.1: `data` is xored with the mask.
void apply_mgf1(HashAlgorithm algorithm, Bytes seed, MutableBytes data, CpuFeatures cpu) {
  Hash seeded(algorithm);
  seeded.update(seed, cpu);
  for (std::uint32_t counter = 0; !data.empty(); ++counter) {
    Hash hash = seeded;
    hash.update(std::array<Byte, 4>{static_cast<Byte>(counter >> 24), static_cast<Byte>(counter >> 16),
                                    static_cast<Byte>(counter >> 8), static_cast<Byte>(counter)},
                cpu);
    const Digest mask = hash.finish(cpu);
    const MutableBytes piece = data.first(std::min(mask.size(), data.size()));
    for (std::size_t i = 0; i < piece.size(); ++i) piece[i] ^= mask.bytes()[i];
    data = data.subspan(piece.size());
  }
}

// H of M' = eight zeros, digest, salt.
Digest hash_of_salted(HashAlgorithm algorithm, Bytes digest, Bytes salt, CpuFeatures cpu) {
  Hash hash(algorithm);
  for (const Bytes piece : {Bytes(eight_zeros), digest, salt}) hash.update(piece, cpu);
  return hash.finish(cpu);
}

// EM = maskedDB, H, 0xbc, of emLen bytes for emBits = modulus_bits - 1. What of the first byte is beyond emBits is
// `unused`.
struct PssLayout {
  MutableBytes before, db, h;
  Byte& trailer;
  Byte unused;

  PssLayout(MutableBytes encoded, std::size_t h_size, std::size_t modulus_bits)
      : before(encoded.first(encoded.size() - (modulus_bits + 6) / 8)),
        db(encoded.subspan(before.size(), encoded.size() - before.size() - h_size - 1)),
        h(encoded.last(h_size + 1).first(h_size)),
        trailer(encoded.back()),
        unused(static_cast<Byte>(0xff00 >> (8 * db.size() + 8 * h_size + 8 - (modulus_bits - 1)))) {}
};

}  // namespace

void encode_pkcs1(HashAlgorithm hash, Bytes digest, MutableBytes encoded) {
  const auto prefix = digest_info(hash);
  std::fill(encoded.begin(), encoded.end(), Byte{0xff});
  encoded[0] = 0;
  encoded[1] = 1;
  const MutableBytes end = encoded.last(1 + prefix.size() + digest.size());
  end[0] = 0;
  copy(prefix, end.subspan(1));
  copy(digest, end.last(digest.size()));
}

void encode_pss(HashAlgorithm hash, Bytes digest, Bytes salt, std::size_t modulus_bits, MutableBytes encoded,
                CpuFeatures cpu) {
  const PssLayout layout(encoded, digest.size(), modulus_bits);
  std::fill(encoded.begin(), encoded.end(), Byte{0});
  copy(hash_of_salted(hash, digest, salt, cpu).bytes(), layout.h);
  const MutableBytes end = layout.db.last(1 + salt.size());
  end[0] = 1;
  copy(salt, end.subspan(1));
  apply_mgf1(hash, layout.h, layout.db, cpu);
  layout.db[0] &= static_cast<Byte>(~layout.unused);
  layout.trailer = 0xbc;
}

bool verify_pss(HashAlgorithm hash, Bytes digest, std::size_t modulus_bits, MutableBytes encoded, CpuFeatures cpu) {
  const PssLayout layout(encoded, digest.size(), modulus_bits);
  const auto is_zero = [](Byte byte) { return byte == 0; };
  // Steps 4 and 6: "If the rightmost octet of EM does not have hexadecimal value 0xbc, output "inconsistent" and stop",
  // and likewise if bits beyond emBits are set.
  if (layout.trailer != 0xbc || (layout.db[0] & layout.unused) != 0) return false;
  if (!std::all_of(layout.before.begin(), layout.before.end(), is_zero)) return false;
  apply_mgf1(hash, layout.h, layout.db, cpu);
  layout.db[0] &= static_cast<Byte>(~layout.unused);
  // Step 10: "If the emLen - hLen - sLen - 2 leftmost octets of DB are not zero or if the octet at position emLen -
  // hLen
  // - sLen - 1 ... does not have hexadecimal value 0x01, output "inconsistent" and stop."
  const Bytes salt = Bytes(layout.db).last(digest.size());
  const Bytes padding = Bytes(layout.db).first(layout.db.size() - salt.size());
  if (padding.back() != 1 || !std::all_of(padding.begin(), padding.end() - 1, is_zero)) return false;
  return Bytes(layout.h) == hash_of_salted(hash, digest, salt, cpu).bytes();
}

}  // namespace limpid::crypto::rsa
