// SHA-1 (FIPS 180-4), only where a format of others names things with it (OCSP's CertID) or has it by default (PBKDF2,
// where HMAC is sound for all that is known). It is not among the HashAlgorithms, so that no signature is verified over
// it: collisions cost less than a house.
#pragma once

#include "limpid/crypto/hmac.hpp"

namespace limpid::crypto {

inline constexpr std::size_t sha1_size = 20;

// A hash in progress; wiped when it dies.
class Sha1 {
 public:
  Sha1() = default;
  Sha1(const Sha1&) = default;
  Sha1& operator=(const Sha1&) = default;
  ~Sha1();

  void update(Bytes message);
  void finish_into(std::span<Byte, sha1_size> out) const;

 private:
  void compress(const Byte* block);

  std::array<std::uint32_t, 5> chaining_{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  std::uint64_t length_ = 0;        // bytes of the message so far
  std::array<Byte, 64> pending_{};  // the block begun
};

std::array<Byte, sha1_size> sha1(Bytes message);

// As Hmac.
class HmacSha1 {
 public:
  explicit HmacSha1(Bytes key);
  void update(Bytes message, CpuFeatures) { inner_.update(message); }
  HashSecret finish(CpuFeatures) const;

 private:
  Sha1 inner_;
  Sha1 outer_;
};

}  // namespace limpid::crypto
