#include "limpid/stack/recording.hpp"

#include "limpid/core/text.hpp"
#include "limpid/crypto/hkdf.hpp"

namespace limpid::stack::recording {
namespace {

constexpr std::string_view magic = "limpidrecord";
constexpr std::uint16_t version = 2;
constexpr std::size_t clear_head_size = FrameCipher::head_size - crypto::aead_tag_size;

crypto::AeadKey derive(const RecordingKey& key, Bytes salt, CpuFeatures cpu) {
  const crypto::HashSecret prk = crypto::hkdf_extract(crypto::HashAlgorithm::sha256, salt, key.bytes(), cpu);
  Secret<32> derived;
  crypto::hkdf_expand(crypto::HashAlgorithm::sha256, prk.bytes(), as_bytes(magic), derived.mutable_bytes(), cpu);
  return crypto::AeadKey(crypto::AeadAlgorithm::chacha20_poly1305, derived.bytes(), cpu);
}

std::array<Byte, crypto::aead_nonce_size> nonce(std::uint64_t place) {
  std::array<Byte, crypto::aead_nonce_size> bytes{};
  Writer out(MutableBytes(bytes).last(8));
  out.u64(place);
  return bytes;
}

}  // namespace

FrameCipher FrameCipher::begin(SnapshotKind machine, const RecordingKey& key, const RecordingSalt& salt,
                               std::span<Byte, head_size> head, CpuFeatures cpu) {
  Writer out(head);
  out.text(magic);
  out.u16(version);
  out.text({machine.name, 4});
  out.u16(machine.version);
  out.bytes(salt);
  FrameCipher cipher(derive(key, salt, cpu));
  static_cast<void>(cipher.key_.seal(nonce(0), head.first(clear_head_size), {}, head.subspan(clear_head_size), cpu));
  return cipher;
}

void FrameCipher::seal(const FrameHeader& header, MutableBytes frame, CpuFeatures cpu) {
  Writer out(frame);
  encode(out, Instant{}, header);
  const MutableBytes sealed = frame.subspan(FrameHeader::encoded_size);
  static_cast<void>(key_.seal(nonce(++frames_), frame.first(FrameHeader::encoded_size), sealed.first(header.size),
                              sealed.first(header.size + crypto::aead_tag_size), cpu));
}

std::optional<FrameCipher> FrameCipher::resume(std::span<const Byte, head_size> head, const RecordingKey& key,
                                               CpuFeatures cpu) {
  FrameCipher cipher(derive(key, head.subspan<clear_head_size - 32, 32>(), cpu));
  std::array<Byte, crypto::aead_tag_size> tag;
  copy(head.subspan<clear_head_size>(), tag);
  if (!cipher.key_.open(nonce(0), head.first<clear_head_size>(), tag, cpu)) return std::nullopt;
  return cipher;
}

std::optional<MutableBytes> FrameCipher::open(MutableBytes frame, CpuFeatures cpu) {
  const MutableBytes sealed = frame.subspan(FrameHeader::encoded_size);
  if (!key_.open(nonce(++frames_), frame.first(FrameHeader::encoded_size), sealed, cpu)) return std::nullopt;
  return sealed.first(sealed.size() - crypto::aead_tag_size);
}

std::string_view describe(RecordingFault fault) {
  switch (fault) {
    case RecordingFault::not_a_recording:
      return "it is not a recording of limpid";
    case RecordingFault::wrong_version:
      return "it is a recording of another version of limpid";
    case RecordingFault::wrong_key:
      return "the key is another recording's, or the file's beginning was altered";
    case RecordingFault::damaged:
      return "it is damaged";
    case RecordingFault::cut:
      return "it ends before the recording does: it was cut short, or whoever recorded was killed";
  }
  return "";
}

std::expected<SnapshotKind, RecordingFault> read_head(Bytes file) {
  Reader in(file);
  const Bytes begin = in.take(std::min(magic.size(), file.size()));
  if (file.empty() || begin != as_bytes(part_of(magic, 0, begin.size()))) {
    return std::unexpected(RecordingFault::not_a_recording);
  }
  const std::uint16_t found = in.u16();
  if (!in.failed() && found != version) return std::unexpected(RecordingFault::wrong_version);
  SnapshotKind machine{};
  const Bytes name = in.take(4);
  machine.version = in.u16();
  if (file.size() < FrameCipher::head_size) return std::unexpected(RecordingFault::cut);
  std::copy(name.begin(), name.end(), machine.name);
  return machine;
}

std::expected<RecordingReader, RecordingFault> RecordingReader::open(Bytes file, const RecordingKey* key,
                                                                     CpuFeatures cpu) {
  std::optional<FrameCipher> cipher;
  if (key != nullptr) {
    cipher = FrameCipher::resume(std::span<const Byte, FrameCipher::head_size>(file.data(), FrameCipher::head_size),
                                 *key, cpu);
    if (!cipher) return std::unexpected(RecordingFault::wrong_key);
  }
  return RecordingReader(file.subspan(FrameCipher::head_size), std::move(cipher), cpu);
}

std::expected<RecordingReader::Frame, RecordingFault> RecordingReader::next(Buffer& room) {
  Reader in(rest_);
  Frame frame;
  Budget none(0);
  const bool is_header = decode(in, {Instant{}, none}, frame.header);
  if (in.failed()) return std::unexpected(RecordingFault::cut);
  if (!is_header || frame.header.size > max_frame_content) return std::unexpected(RecordingFault::damaged);
  const std::size_t size = FrameHeader::encoded_size + frame.header.size + crypto::aead_tag_size;
  if (rest_.size() < size) return std::unexpected(RecordingFault::cut);
  if (cipher_) {
    room.clear();
    if (!room.append(rest_.first(size))) return std::unexpected(RecordingFault::damaged);
    const auto content = cipher_->open({room.data(), room.size()}, cpu_);
    if (!content) return std::unexpected(RecordingFault::damaged);
    frame.content = *content;
  }
  rest_ = rest_.subspan(size);
  if (frame.header.kind == FrameKind::end && !rest_.empty()) return std::unexpected(RecordingFault::damaged);
  return frame;
}

}  // namespace limpid::stack::recording
