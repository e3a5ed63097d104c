// The handshake messages behind the hellos (RFC 8446, sections 4.3 to 4.6), and alerts (section 6). Every struct holds
// views into the parsed body; `emit` writes the body again byte for byte.
#pragma once

#include "limpid/tls/wire/extensions.hpp"
#include "limpid/tls/wire/handshake.hpp"

namespace limpid::tls::wire {

// Section 4.3.1.
struct EncryptedExtensions {
  static constexpr HandshakeType handshake_type = HandshakeType::encrypted_extensions;

  Extensions extensions{};

  std::optional<Bytes> application_layer_protocol_negotiation{};  // the one protocol selected
  std::optional<CodePoints<NamedGroup>> supported_groups{};       // for later connections
  bool server_name = false;                                       // acknowledged
  bool early_data = false;                                        // accepted

  friend bool operator==(const EncryptedExtensions&, const EncryptedExtensions&) = default;

  static std::expected<EncryptedExtensions, Error> parse(Bytes body);
  void emit(Writer& out) const {
    emit(out, [&] { out.bytes(extensions.raw); });
  }
  template <class PutExtensions>
  static void emit(Writer& out, PutExtensions&& put_extensions) {
    out.vector16(put_extensions);
  }
};

// Section 4.3.2. Without signature_algorithms it does not parse ("The "signature_algorithms" extension MUST be
// specified").
struct CertificateRequest {
  static constexpr HandshakeType handshake_type = HandshakeType::certificate_request;

  Bytes certificate_request_context{};
  Extensions extensions{};

  CodePoints<SignatureScheme> signature_algorithms{};
  std::optional<CodePoints<SignatureScheme>> signature_algorithms_cert{};

  friend bool operator==(const CertificateRequest&, const CertificateRequest&) = default;

  static std::expected<CertificateRequest, Error> parse(Bytes body);
  void emit(Writer& out) const {
    emit(out, [&] { out.bytes(extensions.raw); });
  }
  template <class PutExtensions>
  void emit(Writer& out, PutExtensions&& put_extensions) const {
    out.vector8([&] { out.bytes(certificate_request_context); });
    out.vector16(put_extensions);
  }
};

// Section 4.4.2.
struct CertificateEntry {
  Bytes cert_data{};  // DER, not looked at; not empty
  Extensions extensions{};

  std::optional<Bytes> ocsp_response{};  // of the status_request extension; DER, not looked at; not empty
  static CertificateEntry read(Parser& in);
};

inline constexpr std::size_t max_certificates = 16;

struct Certificate {
  static constexpr HandshakeType handshake_type = HandshakeType::certificate;

  Bytes certificate_request_context{};
  Sequence<CertificateEntry> certificate_list{};  // the sender's own first; may be empty

  friend bool operator==(const Certificate&, const Certificate&) = default;

  static std::expected<Certificate, Error> parse(Bytes body);
  void emit(Writer& out) const;
  // The body for a chain of DER certificates without extensions.
  static void emit(Writer& out, Bytes certificate_request_context, std::span<const Bytes> chain);
};

// Section 4.4.3.
struct CertificateVerify {
  static constexpr HandshakeType handshake_type = HandshakeType::certificate_verify;

  SignatureScheme algorithm{};
  Bytes signature{};

  friend bool operator==(const CertificateVerify&, const CertificateVerify&) = default;

  static std::expected<CertificateVerify, Error> parse(Bytes body);
  void emit(Writer& out) const;
};

// Section 4.4.4.
struct Finished {
  static constexpr HandshakeType handshake_type = HandshakeType::finished;

  Bytes verify_data{};

  friend bool operator==(const Finished&, const Finished&) = default;

  // `size` is that of the hash; any other length is finished_wrong_length.
  static std::expected<Finished, Error> parse(Bytes body, std::size_t size);
  void emit(Writer& out) const { out.bytes(verify_data); }
};

// Section 4.5.
struct EndOfEarlyData {
  static constexpr HandshakeType handshake_type = HandshakeType::end_of_early_data;

  friend bool operator==(const EndOfEarlyData&, const EndOfEarlyData&) = default;

  static std::expected<EndOfEarlyData, Error> parse(Bytes body);
  void emit(Writer&) const {}
};

// Section 4.6.1. A ticket_lifetime above seven days parses; the client keeps no ticket longer than that.
struct NewSessionTicket {
  static constexpr HandshakeType handshake_type = HandshakeType::new_session_ticket;

  std::uint32_t ticket_lifetime = 0;  // seconds
  std::uint32_t ticket_age_add = 0;
  Bytes ticket_nonce{};
  Bytes ticket{};  // not empty
  Extensions extensions{};

  std::optional<std::uint32_t> max_early_data_size{};  // of the early_data extension

  friend bool operator==(const NewSessionTicket&, const NewSessionTicket&) = default;

  static std::expected<NewSessionTicket, Error> parse(Bytes body);
  void emit(Writer& out) const;
};

// Section 4.6.3.
struct KeyUpdate {
  static constexpr HandshakeType handshake_type = HandshakeType::key_update;

  KeyUpdateRequest request_update = KeyUpdateRequest::update_not_requested;

  friend bool operator==(const KeyUpdate&, const KeyUpdate&) = default;

  static std::expected<KeyUpdate, Error> parse(Bytes body);
  void emit(Writer& out) const { out.u8(static_cast<std::uint8_t>(request_update)); }
};

// Section 6. "In TLS 1.3, the severity is implicit in the type of alert being sent, and the "level" field can safely be
// ignored": any level parses.
enum class AlertLevel : std::uint8_t { warning = 1, fatal = 2 };

struct AlertMessage {
  AlertLevel level = AlertLevel::fatal;
  Alert description{};

  friend bool operator==(const AlertMessage&, const AlertMessage&) = default;

  // The whole content of one record. Section 5.1: "a record with an Alert type MUST contain exactly one message".
  static std::expected<AlertMessage, Error> parse(Bytes fragment);
  void emit(Writer& out) const {
    out.u8(static_cast<std::uint8_t>(level));
    out.u8(static_cast<std::uint8_t>(description));
  }
};

}  // namespace limpid::tls::wire
