#include "limpid/tls/record/record.hpp"

namespace limpid::tls::record {

std::expected<std::optional<Record>, Error> next_record(MutableBytes received) {
  if (received.size() < header_size) return std::nullopt;
  Reader header(Bytes(received).first(header_size));
  const auto type = static_cast<ContentType>(header.u8());
  header.skip(2);  // legacy_record_version
  const std::size_t length = header.u16();
  // "If a TLS implementation receives an unexpected record type, it MUST terminate the connection with an
  // "unexpected_message" alert."
  if (!is_valid(type)) return std::unexpected(Error{Fault::record_content_type_unknown, 0, received[0]});
  // "The length MUST NOT exceed 2^14 bytes. An endpoint that receives a record that exceeds this length MUST terminate
  // the connection with a "record_overflow" alert." Section 5.2 has the same for 2^14 + 256.
  if (length > (type == ContentType::application_data ? max_ciphertext : max_plaintext)) {
    return std::unexpected(Error{Fault::record_too_long, 3, static_cast<std::uint32_t>(length)});
  }
  if (received.size() < header_size + length) return std::nullopt;
  return Record{type, received.first(header_size + length)};
}

std::size_t first_record_size(Bytes received) {
  Reader header(received);
  header.skip(3);
  const std::size_t size = header_size + header.u16();
  return header.failed() ? received.size() : std::min(size, received.size());
}

std::expected<void, Error> check_content(ContentType type, Bytes content) {
  const auto refuse = [](Fault fault, std::uint32_t found) {
    return std::unexpected(Error{fault, header_size, found});
  };
  switch (type) {
    // "Implementations MUST NOT send zero-length fragments of Handshake types, even if those fragments contain
    // padding", and section 5.4: "Handshake and Alert records MUST NOT have a zero-length TLSInnerPlaintext.content; if
    // such a message is received, the receiving implementation MUST terminate the connection with an
    // "unexpected_message" alert."
    case ContentType::handshake:
      if (content.empty()) return refuse(Fault::empty_handshake_record, 0);
      return {};
    case ContentType::alert:
      if (content.empty()) return refuse(Fault::empty_alert_record, 0);
      return {};
    // "An implementation which receives any other change_cipher_spec value or which receives a protected
    // change_cipher_spec record MUST abort the handshake with an "unexpected_message" alert."
    case ContentType::change_cipher_spec:
      if (content.size() != 1 || content[0] != 1) {
        return refuse(Fault::change_cipher_spec_invalid, static_cast<std::uint32_t>(content.size()));
      }
      return {};
    // "Zero-length fragments of Application Data MAY be sent, as they are potentially useful as a traffic analysis
    // countermeasure."
    case ContentType::application_data:
      return {};
    case ContentType::invalid:
      break;
  }
  return refuse(Fault::record_content_type_unknown, static_cast<std::uint32_t>(type));
}

void put_plaintext_record(Writer& out, ContentType type, Bytes fragment, ProtocolVersion legacy_record_version) {
  if (fragment.size() > max_plaintext) return out.fail();
  out.u8(static_cast<std::uint8_t>(type));
  out.u16(static_cast<std::uint16_t>(legacy_record_version));
  out.vector16([&] { out.bytes(fragment); });
}

}  // namespace limpid::tls::record
