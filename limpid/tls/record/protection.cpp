#include "limpid/tls/record/protection.hpp"

namespace limpid::tls::record {

Protection::Protection(CipherSuite cipher_suite, HashSecret traffic_secret, CpuFeatures cpu)
    : cipher_suite_(cipher_suite), traffic_secret_(std::move(traffic_secret)) {
  expand(cpu);
}

void Protection::expand(CpuFeatures cpu) {
  TrafficKeys keys = traffic_keys(cipher_suite_, traffic_secret_, cpu);
  key_ = crypto::AeadKey(wire::aead_of(cipher_suite_), keys.key.bytes(), cpu);
  iv_ = std::move(keys.iv);
}

void Protection::update(CpuFeatures cpu) {
  if (!has_key()) return;
  traffic_secret_ = next_traffic_secret(wire::hash_of(cipher_suite_), traffic_secret_, cpu);
  sequence_number_ = 0;
  expand(cpu);
}

bool Protection::restored(const LoadContext& context) {
  if (!has_key()) return cipher_suite_ == Protection().cipher_suite_ && sequence_number_ == 0;
  if (traffic_secret_.size() != crypto::digest_size(wire::hash_of(cipher_suite_))) return false;
  expand(context.cpu);
  return true;
}

// "The 64-bit record sequence number is encoded in network byte order and padded to the left with zeros to iv_length.
// The padded sequence number is XORed with either the static client_write_iv or server_write_iv".
std::array<Byte, crypto::aead_nonce_size> Protection::nonce() const {
  std::array<Byte, crypto::aead_nonce_size> nonce;
  copy(iv_.bytes(), nonce);
  for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] ^= static_cast<Byte>(sequence_number_ >> (8 * (7 - i)));
  return nonce;
}

std::expected<InnerPlaintext, Error> ReadProtection::open(const Record& record, CpuFeatures cpu) {
  const auto refuse = [](Fault fault, std::size_t found = 0) {
    return std::unexpected(Error{fault, header_size, static_cast<std::uint32_t>(found)});
  };
  if (sequence_number_ == UINT64_MAX) return refuse(Fault::read_key_exhausted);
  const MutableBytes fragment = record.fragment();
  // "additional_data = TLSCiphertext.opaque_type || TLSCiphertext.legacy_record_version || TLSCiphertext.length"
  if (!key_.open(nonce(), Bytes(record.bytes).first(header_size), fragment, cpu)) {
    return refuse(Fault::bad_record_mac, fragment.size());
  }
  ++sequence_number_;

  MutableBytes inner = fragment.first(fragment.size() - crypto::aead_tag_size);
  // Section 5.4: "The presence of padding does not change the overall record size limitations: the full encoded
  // TLSInnerPlaintext MUST NOT exceed 2^14 + 1 octets."
  if (inner.size() > max_inner_plaintext) return refuse(Fault::inner_plaintext_too_long, inner.size());
  // "the receiving implementation scans the field from the end toward the beginning until it finds a non-zero octet.
  // This non-zero octet is the content type of the message."
  while (!inner.empty() && inner.back() == 0) inner = inner.first(inner.size() - 1);
  // "If a receiving implementation does not find a non-zero octet in the cleartext, it MUST terminate the connection
  // with an "unexpected_message" alert."
  if (inner.empty()) return refuse(Fault::content_type_missing);
  const auto type = static_cast<ContentType>(inner.back());
  const MutableBytes content = inner.first(inner.size() - 1);
  if (type == ContentType::change_cipher_spec) return refuse(Fault::change_cipher_spec_invalid);
  if (const auto checked = check_content(type, content); !checked) return std::unexpected(checked.error());
  return InnerPlaintext{type, content};
}

std::size_t WriteProtection::seal(ContentType type, Bytes content, std::size_t padding, MutableBytes out,
                                  CpuFeatures cpu) {
  if (records_left() == 0) return 0;
  if (content.size() > max_plaintext || padding > max_plaintext - content.size()) return 0;
  const std::size_t size = content.size() + padding + overhead;
  if (out.size() < size) return 0;

  // "opaque_type: The outer opaque_type field of a TLSCiphertext record is always set to the value 23".
  Writer header(out.first(header_size));
  header.u8(static_cast<std::uint8_t>(ContentType::application_data));
  header.u16(static_cast<std::uint16_t>(ProtocolVersion::tls12));
  header.u16(static_cast<std::uint16_t>(size - header_size));

  const MutableBytes fragment = out.subspan(header_size, size - header_size);
  const MutableBytes inner = fragment.first(fragment.size() - crypto::aead_tag_size);
  copy(content, inner);
  inner[content.size()] = static_cast<Byte>(type);
  std::ranges::fill(inner.subspan(content.size() + 1), Byte{0});
  if (!key_.seal(nonce(), out.first(header_size), inner, fragment, cpu)) return 0;
  ++sequence_number_;
  return size;
}

}  // namespace limpid::tls::record
