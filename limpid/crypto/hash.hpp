// SHA-256, SHA-384 and SHA-512 (FIPS 180-4), whole or piece by piece.
#pragma once

#include <array>

#include "limpid/core/bytes.hpp"
#include "limpid/core/constant_time.hpp"
#include "limpid/core/cpu_features.hpp"

namespace limpid {
struct LoadContext;
}

namespace limpid::crypto {

enum class HashAlgorithm : std::uint8_t { sha256, sha384, sha512 };

constexpr bool is_valid(HashAlgorithm algorithm) { return algorithm <= HashAlgorithm::sha512; }

// Bytes of a digest.
constexpr std::size_t digest_size(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha256:
      return 32;
    case HashAlgorithm::sha384:
      return 48;
    case HashAlgorithm::sha512:
      return 64;
  }
  return 0;
}
// Bytes that the compression function takes at a time.
constexpr std::size_t block_size(HashAlgorithm algorithm) { return algorithm == HashAlgorithm::sha256 ? 64 : 128; }

inline constexpr std::size_t max_digest_size = 64;

// The public result of hashing, with value semantics. What must stay secret goes into a HashSecret instead (hmac.hpp).
class Digest {
 public:
  Digest() = default;  // empty
  static Digest zeros(std::size_t size) {
    Digest digest;
    digest.size_ = static_cast<std::uint8_t>(std::min(size, max_digest_size));
    return digest;
  }

  std::size_t size() const { return size_; }
  Bytes bytes() const { return Bytes(storage_).first(size_); }
  MutableBytes mutable_bytes() { return MutableBytes(storage_).first(size_); }

  // By content, and not in constant time.
  friend bool operator==(const Digest& a, const Digest& b) { return a.bytes() == b.bytes(); }

  static void fields(auto& self, auto&& visit) { visit(self.size_, self.storage_); }
  bool restored(const LoadContext&) const;

 private:
  std::array<Byte, max_digest_size> storage_{};  // zero beyond size_
  std::uint8_t size_ = 0;
};

// A hash in progress: a plain value, so a copy goes on from the same prefix. Wiped when it dies, since HMAC feeds it
// keys. The number of blocks compressed depends on lengths only, and the work on nothing else.
class Hash {
 public:
  Hash() : Hash(HashAlgorithm::sha256) {}
  explicit Hash(HashAlgorithm algorithm);
  Hash(const Hash&) = default;
  Hash& operator=(const Hash&) = default;
  ~Hash();

  HashAlgorithm algorithm() const { return algorithm_; }
  std::size_t digest_size() const { return crypto::digest_size(algorithm_); }

  // Appends to the message, which may reach 2^61 - 1 bytes. Splitting it over several calls changes nothing.
  void update(Bytes message, CpuFeatures cpu);

  // The digest of what was appended so far; the hash itself does not change and may go on.
  Digest finish(CpuFeatures cpu) const;
  // The same into `out`, whose size must be digest_size(): for digests that are secret.
  void finish_into(MutableBytes out, CpuFeatures cpu) const;

  static void fields(auto& self, auto&& visit) { visit(self.algorithm_, self.length_, self.chaining_, self.pending_); }
  bool restored(const LoadContext&) const;

 private:
  void compress(Bytes blocks, CpuFeatures cpu);
  std::size_t pending_size() const { return length_ % block_size(algorithm_); }

  HashAlgorithm algorithm_;
  std::uint64_t length_ = 0;               // bytes of the message so far
  std::array<std::uint64_t, 8> chaining_;  // 32 bits of each for SHA-256
  std::array<Byte, 128> pending_{};        // the block begun; zero beyond pending_size()
};

// The digest of one message.
Digest hash(HashAlgorithm algorithm, Bytes message, CpuFeatures cpu);

}  // namespace limpid::crypto
