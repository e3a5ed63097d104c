#include "limpid/crypto/sha1.hpp"

#include <bit>

namespace limpid::crypto {
namespace {

constexpr std::size_t sha1_block_size = 64;

std::uint32_t load(const Byte* from) {
  return static_cast<std::uint32_t>(from[0]) << 24 | static_cast<std::uint32_t>(from[1] << 16 | from[2] << 8 | from[3]);
}

}  // namespace

Sha1::~Sha1() {
  wipe({reinterpret_cast<Byte*>(chaining_.data()), sizeof chaining_});
  wipe(pending_);
}

// FIPS 180-4, section 6.1.2.
void Sha1::compress(const Byte* block) {
  std::uint32_t w[80];
  for (std::size_t t = 0; t < 16; ++t) w[t] = load(block + 4 * t);
  for (std::size_t t = 16; t < 80; ++t) w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  auto [a, b, c, d, e] = chaining_;
  for (std::size_t t = 0; t < 80; ++t) {
    std::uint32_t f, k;
    if (t < 20) {
      f = (b & c) ^ (~b & d), k = 0x5a827999;
    } else if (t < 40) {
      f = b ^ c ^ d, k = 0x6ed9eba1;
    } else if (t < 60) {
      f = (b & c) ^ (b & d) ^ (c & d), k = 0x8f1bbcdc;
    } else {
      f = b ^ c ^ d, k = 0xca62c1d6;
    }
    const std::uint32_t next = std::rotl(a, 5) + f + e + k + w[t];
    e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
  }
  chaining_[0] += a, chaining_[1] += b, chaining_[2] += c, chaining_[3] += d, chaining_[4] += e;
  wipe({reinterpret_cast<Byte*>(w), sizeof w});
}

void Sha1::update(Bytes message) {
  while (!message.empty()) {
    const std::size_t held = length_ % sha1_block_size;
    const Bytes piece = message.first(std::min(message.size(), sha1_block_size - held));
    copy(piece, MutableBytes(pending_).subspan(held));
    length_ += piece.size();
    message = message.subspan(piece.size());
    if (length_ % sha1_block_size == 0) compress(pending_.data());
  }
}

void Sha1::finish_into(std::span<Byte, sha1_size> out) const {
  Sha1 last = *this;
  const std::uint64_t bits = length_ * 8;
  const Byte padding[sha1_block_size] = {0x80};
  const std::size_t held = length_ % sha1_block_size;
  last.update(Bytes(padding).first(held < 56 ? 56 - held : 120 - held));
  Byte length[8];
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<Byte>(bits >> (56 - 8 * i));
  last.update(length);
  for (std::size_t i = 0; i < sha1_size; ++i) out[i] = static_cast<Byte>(last.chaining_[i / 4] >> (24 - 8 * (i % 4)));
}

std::array<Byte, sha1_size> sha1(Bytes message) {
  Sha1 hash;
  hash.update(message);
  std::array<Byte, sha1_size> digest;
  hash.finish_into(digest);
  return digest;
}

HmacSha1::HmacSha1(Bytes key) {
  Secret<sha1_block_size> pad;
  const std::span<Byte, sha1_block_size> block = pad.mutable_bytes();
  if (key.size() <= sha1_block_size) {
    copy(key, block);
  } else {
    Sha1 hash;
    hash.update(key);
    hash.finish_into(block.first<sha1_size>());
  }
  for (Byte& byte : block) byte ^= 0x36;
  inner_.update(block);
  for (Byte& byte : block) byte ^= 0x36 ^ 0x5c;
  outer_.update(block);
}

HashSecret HmacSha1::finish(CpuFeatures) const {
  HashSecret tag = HashSecret::zeros(sha1_size);
  inner_.finish_into(tag.mutable_bytes().first<sha1_size>());
  Sha1 outer = outer_;
  outer.update(tag.bytes());
  outer.finish_into(tag.mutable_bytes().first<sha1_size>());
  return tag;
}

}  // namespace limpid::crypto
