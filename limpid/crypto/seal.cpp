#include "limpid/crypto/seal.hpp"

#include "limpid/core/reader.hpp"
#include "limpid/core/writer.hpp"
#include "limpid/crypto/aead.hpp"
#include "limpid/crypto/hkdf.hpp"

namespace limpid::crypto {
namespace {

constexpr std::string_view magic = "limpidsealed";
constexpr std::uint16_t version = 1;
constexpr std::size_t header_size = seal_overhead - aead_tag_size;

struct Header {
  SealId id;
  SealSalt salt;
};

std::optional<Header> read_header(Bytes blob) {
  Reader in(blob);
  Header header;
  if (in.take(magic.size()) != as_bytes(magic) || in.u16() != version) return std::nullopt;
  copy(in.take(header.id.size()), header.id);
  copy(in.take(header.salt.size()), header.salt);
  if (in.failed() || in.remaining() < aead_tag_size) return std::nullopt;
  return header;
}

struct BlobKey {
  AeadKey key;
  std::array<Byte, aead_nonce_size> nonce;
};

BlobKey derive(const SealKey& key, const Header& header, CpuFeatures cpu) {
  const HashSecret prk = hkdf_extract(HashAlgorithm::sha256, header.salt, key.bytes(), cpu);
  std::array<Byte, magic.size() + std::tuple_size_v<SealId>> info;
  copy(as_bytes(magic), info);
  copy(header.id, MutableBytes(info).subspan(magic.size()));
  Secret<32 + aead_nonce_size> derived;
  hkdf_expand(HashAlgorithm::sha256, prk.bytes(), info, derived.mutable_bytes(), cpu);
  BlobKey result{AeadKey(AeadAlgorithm::chacha20_poly1305, derived.bytes().first<32>(), cpu), {}};
  copy(derived.bytes().last<aead_nonce_size>(), result.nonce);
  return result;
}

}  // namespace

std::expected<Buffer, SealFault> seal(Bytes plaintext, const SealKey& key, const SealId& id, const SealSalt& salt,
                                      Budget& budget, CpuFeatures cpu) {
  Buffer blob(budget);
  if (!blob.resize(plaintext.size() + seal_overhead)) return std::unexpected(SealFault::out_of_memory);
  const MutableBytes all(blob.data(), blob.size());
  Writer out(all);
  out.text(magic);
  out.u16(version);
  out.bytes(id);
  out.bytes(salt);
  BlobKey blob_key = derive(key, {id, salt}, cpu);
  const bool sealed =
      blob_key.key.seal(blob_key.nonce, all.first(header_size), plaintext, all.subspan(header_size), cpu);
  // The AEAD refuses only what no budget holds: 2^38 bytes.
  if (!sealed) return std::unexpected(SealFault::out_of_memory);
  return blob;
}

std::optional<SealId> sealed_id(Bytes blob) {
  const std::optional<Header> header = read_header(blob);
  return header ? std::optional(header->id) : std::nullopt;
}

std::expected<Buffer, SealFault> open(Bytes blob, const SealKey& key, Budget& budget, CpuFeatures cpu) {
  const std::optional<Header> header = read_header(blob);
  if (!header) return std::unexpected(SealFault::not_sealed);
  Buffer text(budget);
  if (!text.reserve(blob.size() - header_size) || !text.append(blob.subspan(header_size))) {
    return std::unexpected(SealFault::out_of_memory);
  }
  const BlobKey blob_key = derive(key, *header, cpu);
  if (!blob_key.key.open(blob_key.nonce, blob.first(header_size), {text.data(), text.size()}, cpu)) {
    return std::unexpected(SealFault::not_authentic);
  }
  text.truncate(text.size() - aead_tag_size);
  return text;
}

}  // namespace limpid::crypto
