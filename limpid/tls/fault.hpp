// What a peer (or, at the end, this side) can do wrong, by name. The alert that RFC 8446 demands is a function of the
// reason, so that no call site can send another one.
#pragma once

#include <array>

#include "limpid/tls/alert.hpp"

namespace limpid::tls {

enum class Fault : std::uint8_t {
  // Decoding.
  message_truncated,
  trailing_bytes,
  length_out_of_range,
  message_too_long,
  too_many_extensions,
  too_many_certificates,
  // Order of messages.
  unexpected_handshake_message,
  unexpected_content_type,
  interleaved_handshake_message,
  handshake_across_key_change,
  second_hello_retry_request,
  // Extensions.
  duplicate_extension,
  extension_not_permitted,
  unsolicited_extension,
  missing_supported_groups,
  missing_signature_algorithms,
  missing_key_share,
  missing_psk_key_exchange_modes,
  missing_cookie,
  // ClientHello.
  tls13_not_offered,
  ssl30_hello,
  compression_offered,
  pre_shared_key_not_last,
  binder_count_mismatch,
  duplicate_key_share,
  key_share_without_group,
  server_name_not_one_host_name,
  server_name_malformed,
  unknown_server_name,
  no_common_cipher_suite,
  no_common_group,
  no_common_signature_scheme,
  no_common_application_protocol,
  second_client_hello_changed,
  second_key_share_wrong,
  cookie_invalid,
  early_data_in_second_client_hello,
  // ServerHello and HelloRetryRequest.
  tls13_not_selected,
  downgrade_sentinel,
  selected_version_not_offered,
  legacy_version_wrong,
  session_id_not_echoed,
  compression_selected,
  cipher_suite_not_offered,
  group_not_offered,
  retry_without_change,
  retry_group_wrong,
  retry_cipher_suite_changed,
  key_share_invalid,
  // Encrypted handshake messages.
  alpn_not_one_protocol,
  alpn_not_offered,
  certificate_request_context_not_empty,
  server_certificate_missing,
  bad_certificate,
  bad_certificate_status,
  certificate_status_unknown,
  unsupported_certificate,
  certificate_revoked,
  certificate_expired,
  certificate_unknown,
  unknown_ca,
  access_denied,
  signature_scheme_not_offered,
  signature_scheme_not_for_key,
  certificate_verify_invalid,
  finished_wrong_length,
  finished_invalid,
  key_update_request_unknown,
  // Records.
  record_too_long,
  inner_plaintext_too_long,
  record_content_type_unknown,
  record_not_protected,
  record_protected_too_early,
  bad_record_mac,
  content_type_missing,
  empty_handshake_record,
  empty_alert_record,
  alert_malformed,
  change_cipher_spec_invalid,
  read_key_exhausted,
  // Limits of this implementation.
  too_many_change_cipher_specs,
  too_many_empty_records,
  too_many_key_updates,
  too_many_session_tickets,
  too_many_warnings,
  too_much_early_data,
  // The end came from the peer; it is told nothing.
  alert_received,
  handshake_truncated,
  // This side's own failures, of which the peer must be told.
  out_of_memory,
  signing_failed,
  no_certificate,
  verification_failed,
};
inline constexpr Fault last_fault = Fault::verification_failed;
constexpr bool is_valid(Fault fault) { return fault <= last_fault; }

struct FaultDescription {
  std::string_view name;      // stable: counters and tests use it
  Alert alert;                // what the peer is told
  std::string_view sentence;  // what a person is told
};

// The one table. (A switch, since an array of string views is not free of run-time initialization in every compiler.)
constexpr FaultDescription describe(Fault fault) {
  switch (fault) {
    case Fault::message_truncated:
      return {"message_truncated", Alert::decode_error, "a message ends before its last field"};
    case Fault::trailing_bytes:
      return {"trailing_bytes", Alert::decode_error,
              "bytes are left over behind the last field of a message or vector"};
    case Fault::length_out_of_range:
      return {"length_out_of_range", Alert::decode_error, "a vector is shorter or longer than its definition allows"};
    case Fault::message_too_long:
      return {"message_too_long", Alert::decode_error, "a handshake message is longer than the limit for its type"};
    case Fault::too_many_extensions:
      return {"too_many_extensions", Alert::decode_error, "a message carries more extensions than the limit"};
    case Fault::too_many_certificates:
      return {"too_many_certificates", Alert::decode_error, "a certificate chain is longer than the limit"};
    case Fault::unexpected_handshake_message:
      return {"unexpected_handshake_message", Alert::unexpected_message,
              "a handshake message came that is not allowed now"};
    case Fault::unexpected_content_type:
      return {"unexpected_content_type", Alert::unexpected_message,
              "a record came whose content type is not allowed now"};
    case Fault::interleaved_handshake_message:
      return {"interleaved_handshake_message", Alert::unexpected_message,
              "another record stands between the fragments of a handshake message"};
    case Fault::handshake_across_key_change:
      return {"handshake_across_key_change", Alert::unexpected_message,
              "a handshake message does not end at the record boundary before a change of keys"};
    case Fault::second_hello_retry_request:
      return {"second_hello_retry_request", Alert::unexpected_message, "a second HelloRetryRequest came"};
    case Fault::duplicate_extension:
      return {"duplicate_extension", Alert::illegal_parameter, "an extension appears twice in one message"};
    case Fault::extension_not_permitted:
      return {"extension_not_permitted", Alert::illegal_parameter,
              "an extension is not defined for the message that carries it"};
    case Fault::unsolicited_extension:
      return {"unsolicited_extension", Alert::unsupported_extension,
              "a response carries an extension that was not offered"};
    case Fault::missing_supported_groups:
      return {"missing_supported_groups", Alert::missing_extension, "supported_groups is missing"};
    case Fault::missing_signature_algorithms:
      return {"missing_signature_algorithms", Alert::missing_extension, "signature_algorithms is missing"};
    case Fault::missing_key_share:
      return {"missing_key_share", Alert::missing_extension, "key_share is missing"};
    case Fault::missing_psk_key_exchange_modes:
      return {"missing_psk_key_exchange_modes", Alert::missing_extension,
              "pre_shared_key came without psk_key_exchange_modes"};
    case Fault::missing_cookie:
      return {"missing_cookie", Alert::missing_extension, "the cookie of the HelloRetryRequest was not returned"};
    case Fault::tls13_not_offered:
      return {"tls13_not_offered", Alert::protocol_version, "the client does not offer TLS 1.3"};
    case Fault::ssl30_hello:
      return {"ssl30_hello", Alert::protocol_version, "the hello's legacy_version is SSL 3.0"};
    case Fault::compression_offered:
      return {"compression_offered", Alert::illegal_parameter, "a TLS 1.3 ClientHello offers compression"};
    case Fault::pre_shared_key_not_last:
      return {"pre_shared_key_not_last", Alert::illegal_parameter, "pre_shared_key is not the last extension"};
    case Fault::binder_count_mismatch:
      return {"binder_count_mismatch", Alert::illegal_parameter, "pre_shared_key has not one binder for each identity"};
    case Fault::duplicate_key_share:
      return {"duplicate_key_share", Alert::illegal_parameter, "two key shares are for the same group"};
    case Fault::key_share_without_group:
      return {"key_share_without_group", Alert::illegal_parameter,
              "a key share is for a group that is not in supported_groups"};
    case Fault::server_name_not_one_host_name:
      return {"server_name_not_one_host_name", Alert::decode_error, "server_name does not hold exactly one host_name"};
    case Fault::server_name_malformed:
      return {"server_name_malformed", Alert::illegal_parameter, "the host_name in server_name is not a DNS name"};
    case Fault::unknown_server_name:
      return {"unknown_server_name", Alert::unrecognized_name, "this server has no certificate for the name asked for"};
    case Fault::no_common_cipher_suite:
      return {"no_common_cipher_suite", Alert::handshake_failure, "no cipher suite is supported by both sides"};
    case Fault::no_common_group:
      return {"no_common_group", Alert::handshake_failure, "no group is supported by both sides"};
    case Fault::no_common_signature_scheme:
      return {"no_common_signature_scheme", Alert::handshake_failure,
              "no signature scheme of this side's key is supported by the peer"};
    case Fault::no_common_application_protocol:
      return {"no_common_application_protocol", Alert::no_application_protocol,
              "no application protocol is supported by both sides"};
    case Fault::second_client_hello_changed:
      return {"second_client_hello_changed", Alert::illegal_parameter,
              "the second ClientHello differs from the first where it must not"};
    case Fault::second_key_share_wrong:
      return {"second_key_share_wrong", Alert::illegal_parameter,
              "the second ClientHello's key_share is not the one share that was asked for"};
    case Fault::cookie_invalid:
      return {"cookie_invalid", Alert::illegal_parameter, "the returned cookie is not the one that was sent"};
    case Fault::early_data_in_second_client_hello:
      return {"early_data_in_second_client_hello", Alert::illegal_parameter,
              "the second ClientHello offers early data"};
    case Fault::tls13_not_selected:
      return {"tls13_not_selected", Alert::protocol_version, "the server does not support TLS 1.3"};
    case Fault::downgrade_sentinel:
      return {"downgrade_sentinel", Alert::illegal_parameter,
              "the server supports TLS 1.3 but was made to select an older version"};
    case Fault::selected_version_not_offered:
      return {"selected_version_not_offered", Alert::illegal_parameter,
              "the server selected a version that was not offered"};
    case Fault::legacy_version_wrong:
      return {"legacy_version_wrong", Alert::illegal_parameter,
              "the legacy_version of a TLS 1.3 ServerHello is not 0x0303"};
    case Fault::session_id_not_echoed:
      return {"session_id_not_echoed", Alert::illegal_parameter,
              "legacy_session_id_echo is not the client's legacy_session_id"};
    case Fault::compression_selected:
      return {"compression_selected", Alert::illegal_parameter, "the server selected compression"};
    case Fault::cipher_suite_not_offered:
      return {"cipher_suite_not_offered", Alert::illegal_parameter,
              "the server selected a cipher suite that was not offered"};
    case Fault::group_not_offered:
      return {"group_not_offered", Alert::illegal_parameter,
              "the server selected a group for which it was not offered a key share"};
    case Fault::retry_without_change:
      return {"retry_without_change", Alert::illegal_parameter,
              "the HelloRetryRequest would not change the ClientHello"};
    case Fault::retry_group_wrong:
      return {"retry_group_wrong", Alert::illegal_parameter,
              "the HelloRetryRequest asks for a group that was not offered or already had a key share"};
    case Fault::retry_cipher_suite_changed:
      return {"retry_cipher_suite_changed", Alert::illegal_parameter,
              "the ServerHello's cipher suite is not the HelloRetryRequest's"};
    case Fault::key_share_invalid:
      return {"key_share_invalid", Alert::illegal_parameter, "a key share is not a valid public key of its group"};
    case Fault::alpn_not_one_protocol:
      return {"alpn_not_one_protocol", Alert::illegal_parameter,
              "the server's ALPN extension does not hold exactly one protocol"};
    case Fault::alpn_not_offered:
      return {"alpn_not_offered", Alert::illegal_parameter,
              "the server selected an application protocol that was not offered"};
    case Fault::certificate_request_context_not_empty:
      return {"certificate_request_context_not_empty", Alert::illegal_parameter,
              "certificate_request_context is not empty during the handshake"};
    case Fault::server_certificate_missing:
      return {"server_certificate_missing", Alert::decode_error, "the server's certificate list is empty"};
    case Fault::bad_certificate:
      return {"bad_certificate", Alert::bad_certificate, "a certificate is malformed or its signature does not verify"};
    case Fault::bad_certificate_status:
      return {"bad_certificate_status", Alert::bad_certificate_status_response,
              "the OCSP response that came with the certificate is not good for it"};
    case Fault::certificate_status_unknown:
      return {"certificate_status_unknown", Alert::decode_error,
              "what came with the certificate as its status is not an OCSP response"};
    case Fault::unsupported_certificate:
      return {"unsupported_certificate", Alert::unsupported_certificate,
              "a certificate is of an unsupported type or not for this use"};
    case Fault::certificate_revoked:
      return {"certificate_revoked", Alert::certificate_revoked, "a certificate was revoked"};
    case Fault::certificate_expired:
      return {"certificate_expired", Alert::certificate_expired, "a certificate is expired or not yet valid"};
    case Fault::certificate_unknown:
      return {"certificate_unknown", Alert::certificate_unknown, "a certificate is not acceptable"};
    case Fault::unknown_ca:
      return {"unknown_ca", Alert::unknown_ca, "the certificate chain does not lead to a trusted authority"};
    case Fault::access_denied:
      return {"access_denied", Alert::access_denied, "the certificate is valid, but its owner is not admitted"};
    case Fault::signature_scheme_not_offered:
      return {"signature_scheme_not_offered", Alert::illegal_parameter,
              "CertificateVerify uses a signature scheme that was not offered"};
    case Fault::signature_scheme_not_for_key:
      return {"signature_scheme_not_for_key", Alert::illegal_parameter,
              "CertificateVerify uses a signature scheme that does not belong to the certificate's key"};
    case Fault::certificate_verify_invalid:
      return {"certificate_verify_invalid", Alert::decrypt_error, "the signature in CertificateVerify is wrong"};
    case Fault::finished_wrong_length:
      return {"finished_wrong_length", Alert::decode_error, "the Finished message is not as long as the hash"};
    case Fault::finished_invalid:
      return {"finished_invalid", Alert::decrypt_error, "the Finished message's verify_data is wrong"};
    case Fault::key_update_request_unknown:
      return {"key_update_request_unknown", Alert::illegal_parameter, "KeyUpdate's request_update is neither 0 nor 1"};
    case Fault::record_too_long:
      return {"record_too_long", Alert::record_overflow,
              "a record is longer than 2^14 bytes, or 2^14 + 256 when protected"};
    case Fault::inner_plaintext_too_long:
      return {"inner_plaintext_too_long", Alert::record_overflow,
              "a decrypted record holds more than 2^14 + 1 bytes of content, type and padding"};
    case Fault::record_content_type_unknown:
      return {"record_content_type_unknown", Alert::unexpected_message,
              "the record's content type is unknown: the peer may not be speaking TLS"};
    case Fault::record_not_protected:
      return {"record_not_protected", Alert::unexpected_message,
              "a plaintext record came where records must be protected"};
    case Fault::record_protected_too_early:
      return {"record_protected_too_early", Alert::unexpected_message, "a protected record came before there are keys"};
    case Fault::bad_record_mac:
      return {"bad_record_mac", Alert::bad_record_mac, "a record does not decrypt"};
    case Fault::content_type_missing:
      return {"content_type_missing", Alert::unexpected_message, "a decrypted record is all padding"};
    case Fault::empty_handshake_record:
      return {"empty_handshake_record", Alert::unexpected_message, "a record holds a handshake fragment of no bytes"};
    case Fault::empty_alert_record:
      return {"empty_alert_record", Alert::unexpected_message, "a record holds an alert of no bytes"};
    case Fault::alert_malformed:
      return {"alert_malformed", Alert::decode_error, "a record of type alert does not hold exactly one alert"};
    case Fault::change_cipher_spec_invalid:
      return {"change_cipher_spec_invalid", Alert::unexpected_message,
              "a change_cipher_spec record is not the single byte 1, is protected, or came outside the handshake"};
    case Fault::read_key_exhausted:
      return {"read_key_exhausted", Alert::unexpected_message,
              "the peer used up the sequence numbers of one key without a KeyUpdate"};
    case Fault::too_many_change_cipher_specs:
      return {"too_many_change_cipher_specs", Alert::unexpected_message,
              "more change_cipher_spec records than the limit"};
    case Fault::too_many_empty_records:
      return {"too_many_empty_records", Alert::unexpected_message,
              "more records without content in a row than the limit"};
    case Fault::too_many_key_updates:
      return {"too_many_key_updates", Alert::unexpected_message, "more KeyUpdate messages than the limit"};
    case Fault::too_many_session_tickets:
      return {"too_many_session_tickets", Alert::unexpected_message, "more NewSessionTicket messages than the limit"};
    case Fault::too_many_warnings:
      return {"too_many_warnings", Alert::unexpected_message, "more warning alerts than the limit"};
    case Fault::too_much_early_data:
      return {"too_much_early_data", Alert::unexpected_message, "more early data to skip than the limit"};
    case Fault::alert_received:
      return {"alert_received", Alert::internal_error, "the peer gave up and said why with an alert"};
    case Fault::handshake_truncated:
      return {"handshake_truncated", Alert::internal_error, "the peer closed the connection during the handshake"};
    case Fault::out_of_memory:
      return {"out_of_memory", Alert::internal_error, "the memory budget does not hold what the connection needs"};
    case Fault::signing_failed:
      return {"signing_failed", Alert::internal_error, "this side's private key could not sign"};
    case Fault::no_certificate:
      return {"no_certificate", Alert::internal_error, "this side has no certificate to present"};
    case Fault::verification_failed:
      return {"verification_failed", Alert::internal_error, "the peer's certificate could not be judged"};
  }
  return {"", Alert::internal_error, ""};
}

// Made of that table, so that who only tells the peer, as the boot image does, does not hold what is for people.
inline constexpr auto alerts = [] {
  std::array<Alert, static_cast<std::size_t>(last_fault) + 1> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = describe(static_cast<Fault>(i)).alert;
  return all;
}();
constexpr Alert alert_of(Fault fault) { return alerts[static_cast<std::size_t>(fault)]; }
constexpr std::string_view name(Fault fault) { return describe(fault).name; }

// Why bytes of a peer were refused.
struct Error {
  Fault fault{};
  std::uint32_t offset = 0;  // of the field at fault, counted from where the parsed bytes began
  std::uint32_t found = 0;   // its value (a version, a type, a length), where one number says it
  friend constexpr bool operator==(const Error&, const Error&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.fault, self.offset, self.found); }
};

}  // namespace limpid::tls
