// ClientHello, ServerHello and HelloRetryRequest (RFC 8446, section 4.1).
#pragma once

#include <variant>

#include "limpid/tls/wire/cipher_suite.hpp"
#include "limpid/tls/wire/extensions.hpp"
#include "limpid/tls/wire/handshake.hpp"

namespace limpid::tls::wire {

using Random = std::array<Byte, 32>;

// SHA-256 of "HelloRetryRequest": a ServerHello with this random is one (section 4.1.3).
inline constexpr Random hello_retry_request_random = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
                                                      0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
                                                      0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};

// Every view points into the parsed body. What `extensions` holds counts; the typed members repeat what was read there
// and are not emitted.
struct ClientHello {
  static constexpr HandshakeType handshake_type = HandshakeType::client_hello;

  ProtocolVersion legacy_version = ProtocolVersion::tls12;
  Random random{};
  Bytes legacy_session_id{};  // at most 32 bytes
  CodePoints<CipherSuite> cipher_suites{};
  Bytes legacy_compression_methods{};  // at least one; to offer TLS 1.3: no_compression
  bool has_extensions = true;          // false: the message ends before them, as TLS 1.2 still allows
  Extensions extensions{};

  std::optional<CodePoints<ProtocolVersion>> supported_versions{};
  std::optional<CodePoints<NamedGroup>> supported_groups{};
  std::optional<CodePoints<SignatureScheme>> signature_algorithms{};
  std::optional<CodePoints<SignatureScheme>> signature_algorithms_cert{};
  std::optional<KeyShares> key_share{};
  std::optional<Bytes> server_name{};  // the host_name, not empty, printable ASCII
  std::optional<ProtocolNames> application_layer_protocol_negotiation{};
  std::optional<Bytes> psk_key_exchange_modes{};  // a PskKeyExchangeMode in each byte
  std::optional<OfferedPsks> pre_shared_key{};
  std::optional<Bytes> cookie{};
  std::optional<CertificateStatusRequest> status_request{};
  bool early_data = false;
  bool post_handshake_auth = false;

  friend bool operator==(const ClientHello&, const ClientHello&) = default;

  // Syntax, and all that holds whatever will be negotiated. Unknown code points, GREASE among them, are let through.
  static std::expected<ClientHello, Error> parse(Bytes body);

  // What a server must demand before it negotiates TLS 1.3: the version offered, no compression, and the extensions
  // that section 9.2 makes mandatory when certificates are used. (Offsets of these errors are 0.)
  std::expected<void, Error> check_tls13() const;

  // Byte for byte what was parsed.
  void emit(Writer& out) const {
    emit(out, [&] { out.bytes(extensions.raw); });
  }
  // The same with the extensions that `put_extensions()` writes to `out`.
  template <class PutExtensions>
  void emit(Writer& out, PutExtensions&& put_extensions) const {
    emit_before_extensions(out);
    if (has_extensions) out.vector16(put_extensions);
  }

 private:
  void emit_before_extensions(Writer& out) const;
};

inline constexpr std::array<Byte, 1> no_compression = {0};

// The fields in front of the extensions are the same in both.
struct ServerHello {
  static constexpr HandshakeType handshake_type = HandshakeType::server_hello;

  Random random{};
  Bytes legacy_session_id_echo{};
  CipherSuite cipher_suite{};
  Extensions extensions{};

  ProtocolVersion selected_version = ProtocolVersion::tls13;
  std::optional<KeyShareEntry> key_share{};
  std::optional<std::uint16_t> pre_shared_key{};  // selected_identity

  friend bool operator==(const ServerHello&, const ServerHello&) = default;

  void emit(Writer& out) const {
    emit(out, [&] { out.bytes(extensions.raw); });
  }
  template <class PutExtensions>
  void emit(Writer& out, PutExtensions&& put_extensions) const {
    emit_before_extensions(out);
    out.vector16(put_extensions);
  }

 private:
  void emit_before_extensions(Writer& out) const;
};

struct HelloRetryRequest {
  static constexpr HandshakeType handshake_type = HandshakeType::server_hello;

  Bytes legacy_session_id_echo{};
  CipherSuite cipher_suite{};
  Extensions extensions{};

  ProtocolVersion selected_version = ProtocolVersion::tls13;
  std::optional<NamedGroup> key_share{};  // selected_group
  std::optional<Bytes> cookie{};

  friend bool operator==(const HelloRetryRequest&, const HelloRetryRequest&) = default;

  void emit(Writer& out) const {
    emit(out, [&] { out.bytes(extensions.raw); });
  }
  template <class PutExtensions>
  void emit(Writer& out, PutExtensions&& put_extensions) const {
    emit_before_extensions(out);
    out.vector16(put_extensions);
  }

 private:
  void emit_before_extensions(Writer& out) const;
};

using ServerHelloMessage = std::variant<ServerHello, HelloRetryRequest>;

// The body of a server_hello message. A server that selects an older version is told from a broken one:
// tls13_not_selected, or downgrade_sentinel where the random says that it could have selected TLS 1.3 (section 4.1.3).
// The cipher suite is any code point: whether it was offered is for the client to check.
std::expected<ServerHelloMessage, Error> parse_server_hello(Bytes body);

}  // namespace limpid::tls::wire
