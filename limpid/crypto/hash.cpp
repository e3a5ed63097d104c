#include "limpid/crypto/hash.hpp"

#include <bit>

#include "limpid/crypto/portable/sha2.hpp"
#include "limpid/crypto/sha256_constants.hpp"
#include "limpid/crypto/x86/sha256.hpp"

namespace limpid::crypto {
namespace {

// FIPS 180-4, section 5.3: the initial hash values.
constexpr std::array<std::uint64_t, 8> initial_value(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::sha256:
      return sha256_initial_value;
    case HashAlgorithm::sha384:
      return {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
              0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4};
    case HashAlgorithm::sha512:
      return {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
              0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
  }
  return {};
}

constexpr std::uint64_t max_length = (std::uint64_t{1} << 61) - 1;  // its bits still fit 64 bits

bool all_zero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](Byte byte) { return byte == 0; });
}

// Each word big-endian. `out` takes whole ones.
template <class Word>
void store_words(const std::array<std::uint64_t, 8>& words, MutableBytes out) {
  for (std::size_t i = 0; i < out.size() / sizeof(Word); ++i) {
    const Word word = static_cast<Word>(words[i]);
    const Word big_endian = std::endian::native == std::endian::little ? std::byteswap(word) : word;
    std::memcpy(&out[i * sizeof word], &big_endian, sizeof word);
  }
}

}  // namespace

bool Digest::restored(const LoadContext&) const {
  return size_ <= max_digest_size && all_zero(Bytes(storage_).subspan(size_));
}

Hash::Hash(HashAlgorithm algorithm) : algorithm_(algorithm), chaining_(initial_value(algorithm)) {}

Hash::~Hash() {
  wipe(pending_);
  wipe({reinterpret_cast<Byte*>(chaining_.data()), sizeof chaining_});
}

void Hash::compress(Bytes blocks, CpuFeatures cpu) {
  if (algorithm_ != HashAlgorithm::sha256) return portable::sha512_compress(chaining_, blocks);
  return cpu.sha ? x86::sha256_compress(chaining_, blocks) : portable::sha256_compress(chaining_, blocks);
}

void Hash::update(Bytes message, CpuFeatures cpu) {
  const std::size_t block = block_size(algorithm_);
  const std::size_t begun = pending_size();
  length_ += message.size();
  if (begun != 0) {
    const Bytes head = message.first(std::min(message.size(), block - begun));
    copy(head, MutableBytes(pending_).subspan(begun));
    message = message.subspan(head.size());
    if (begun + head.size() < block) return;
    compress(Bytes(pending_).first(block), cpu);
    wipe(pending_);
  }
  const Bytes whole = message.first(message.size() / block * block);
  if (!whole.empty()) compress(whole, cpu);
  copy(message.subspan(whole.size()), pending_);
}

void Hash::finish_into(MutableBytes out, CpuFeatures cpu) const {
  // FIPS 180-4, section 5.1: the bit 1, zeros, and the length in bits, in 64 bits (SHA-256) or 128, to a whole block.
  Hash last = *this;
  const std::size_t block = block_size(algorithm_);
  const std::size_t length_field = block / 8;
  const std::size_t begun = pending_size();
  last.pending_[begun] = 0x80;
  if (begun + 1 + length_field > block) {
    last.compress(Bytes(last.pending_).first(block), cpu);
    wipe(last.pending_);
  }
  std::uint64_t bits = length_ * 8;
  for (std::size_t i = 0; i < 8; ++i, bits >>= 8) last.pending_[block - 1 - i] = static_cast<Byte>(bits);
  last.compress(Bytes(last.pending_).first(block), cpu);

  const MutableBytes digest = out.first(digest_size());
  algorithm_ == HashAlgorithm::sha256 ? store_words<std::uint32_t>(last.chaining_, digest)
                                      : store_words<std::uint64_t>(last.chaining_, digest);
}

Digest Hash::finish(CpuFeatures cpu) const {
  Digest digest = Digest::zeros(digest_size());
  finish_into(digest.mutable_bytes(), cpu);
  return digest;
}

bool Hash::restored(const LoadContext&) const {
  const bool words_fit =
      algorithm_ != HashAlgorithm::sha256 ||
      std::all_of(chaining_.begin(), chaining_.end(), [](std::uint64_t word) { return word >> 32 == 0; });
  return length_ <= max_length && words_fit && all_zero(Bytes(pending_).subspan(pending_size()));
}

Digest hash(HashAlgorithm algorithm, Bytes message, CpuFeatures cpu) {
  Hash hash(algorithm);
  hash.update(message, cpu);
  return hash.finish(cpu);
}

}  // namespace limpid::crypto
