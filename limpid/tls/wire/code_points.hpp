// The registries of RFC 8446 whose values stand in its messages. Every underlying type is fixed, since a peer may send
// any value. NamedGroup and SignatureScheme are crypto's.
#pragma once

#include <cstdint>
#include <string_view>

#include "limpid/crypto/key_agreement.hpp"
#include "limpid/crypto/signature.hpp"

namespace limpid::tls::wire {

using crypto::NamedGroup;
using crypto::SignatureScheme;

// Section 5.1.
enum class ContentType : std::uint8_t {
  invalid = 0,
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23,
};
constexpr bool is_valid(ContentType type) {
  return type >= ContentType::change_cipher_spec && type <= ContentType::application_data;
}

// Section 4.
enum class HandshakeType : std::uint8_t {
  client_hello = 1,
  server_hello = 2,
  new_session_ticket = 4,
  end_of_early_data = 5,
  encrypted_extensions = 8,
  certificate = 11,
  certificate_request = 13,
  certificate_verify = 15,
  finished = 20,
  key_update = 24,
  message_hash = 254,
};
constexpr bool is_valid(HandshakeType) { return true; }
constexpr std::string_view name(HandshakeType type) {
  switch (type) {
    case HandshakeType::client_hello:
      return "client_hello";
    case HandshakeType::server_hello:
      return "server_hello";
    case HandshakeType::new_session_ticket:
      return "new_session_ticket";
    case HandshakeType::end_of_early_data:
      return "end_of_early_data";
    case HandshakeType::encrypted_extensions:
      return "encrypted_extensions";
    case HandshakeType::certificate:
      return "certificate";
    case HandshakeType::certificate_request:
      return "certificate_request";
    case HandshakeType::certificate_verify:
      return "certificate_verify";
    case HandshakeType::finished:
      return "finished";
    case HandshakeType::key_update:
      return "key_update";
    case HandshakeType::message_hash:
      return "message_hash";
  }
  return "";
}

enum class ProtocolVersion : std::uint16_t {
  ssl30 = 0x0300,
  tls10 = 0x0301,
  tls11 = 0x0302,
  tls12 = 0x0303,
  tls13 = 0x0304,
};
constexpr bool is_valid(ProtocolVersion) { return true; }

// Section 4.2, and what the registry added for extensions that RFC 8446 lists.
enum class ExtensionType : std::uint16_t {
  server_name = 0,
  max_fragment_length = 1,
  status_request = 5,
  supported_groups = 10,
  signature_algorithms = 13,
  use_srtp = 14,
  heartbeat = 15,
  application_layer_protocol_negotiation = 16,
  signed_certificate_timestamp = 18,
  client_certificate_type = 19,
  server_certificate_type = 20,
  padding = 21,
  pre_shared_key = 41,
  early_data = 42,
  supported_versions = 43,
  cookie = 44,
  psk_key_exchange_modes = 45,
  certificate_authorities = 47,
  oid_filters = 48,
  post_handshake_auth = 49,
  signature_algorithms_cert = 50,
  key_share = 51,
};
constexpr bool is_valid(ExtensionType) { return true; }

// Section 4.2.9.
enum class PskKeyExchangeMode : std::uint8_t { psk_ke = 0, psk_dhe_ke = 1 };

// Section 4.6.3.
enum class KeyUpdateRequest : std::uint8_t { update_not_requested = 0, update_requested = 1 };
constexpr bool is_valid(KeyUpdateRequest request) { return request <= KeyUpdateRequest::update_requested; }

// The values that RFC 8701 reserves, which clients send so that servers stay tolerant: 0x0A0A, 0x1A1A, ... 0xFAFA.
constexpr bool is_grease(std::uint16_t value) { return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff); }

}  // namespace limpid::tls::wire
