// The alert of every fault, written down a second time: a changed one must be changed here too, on purpose.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "limpid/tls/fault.hpp"

namespace limpid::test {
namespace {

using namespace tls;

TEST(Fault, EveryOneHasItsNameAndAlert) {
  const struct {
    Fault fault;
    std::string_view name;
    Alert alert;
  } expected[] = {
      {Fault::message_truncated, "message_truncated", Alert::decode_error},
      {Fault::trailing_bytes, "trailing_bytes", Alert::decode_error},
      {Fault::length_out_of_range, "length_out_of_range", Alert::decode_error},
      {Fault::message_too_long, "message_too_long", Alert::decode_error},
      {Fault::too_many_extensions, "too_many_extensions", Alert::decode_error},
      {Fault::too_many_certificates, "too_many_certificates", Alert::decode_error},
      {Fault::unexpected_handshake_message, "unexpected_handshake_message", Alert::unexpected_message},
      {Fault::unexpected_content_type, "unexpected_content_type", Alert::unexpected_message},
      {Fault::interleaved_handshake_message, "interleaved_handshake_message", Alert::unexpected_message},
      {Fault::handshake_across_key_change, "handshake_across_key_change", Alert::unexpected_message},
      {Fault::second_hello_retry_request, "second_hello_retry_request", Alert::unexpected_message},
      {Fault::duplicate_extension, "duplicate_extension", Alert::illegal_parameter},
      {Fault::extension_not_permitted, "extension_not_permitted", Alert::illegal_parameter},
      {Fault::unsolicited_extension, "unsolicited_extension", Alert::unsupported_extension},
      {Fault::missing_supported_groups, "missing_supported_groups", Alert::missing_extension},
      {Fault::missing_signature_algorithms, "missing_signature_algorithms", Alert::missing_extension},
      {Fault::missing_key_share, "missing_key_share", Alert::missing_extension},
      {Fault::missing_psk_key_exchange_modes, "missing_psk_key_exchange_modes", Alert::missing_extension},
      {Fault::missing_cookie, "missing_cookie", Alert::missing_extension},
      {Fault::tls13_not_offered, "tls13_not_offered", Alert::protocol_version},
      {Fault::ssl30_hello, "ssl30_hello", Alert::protocol_version},
      {Fault::compression_offered, "compression_offered", Alert::illegal_parameter},
      {Fault::pre_shared_key_not_last, "pre_shared_key_not_last", Alert::illegal_parameter},
      {Fault::binder_count_mismatch, "binder_count_mismatch", Alert::illegal_parameter},
      {Fault::duplicate_key_share, "duplicate_key_share", Alert::illegal_parameter},
      {Fault::key_share_without_group, "key_share_without_group", Alert::illegal_parameter},
      {Fault::server_name_not_one_host_name, "server_name_not_one_host_name", Alert::decode_error},
      {Fault::server_name_malformed, "server_name_malformed", Alert::illegal_parameter},
      {Fault::unknown_server_name, "unknown_server_name", Alert::unrecognized_name},
      {Fault::no_common_cipher_suite, "no_common_cipher_suite", Alert::handshake_failure},
      {Fault::no_common_group, "no_common_group", Alert::handshake_failure},
      {Fault::no_common_signature_scheme, "no_common_signature_scheme", Alert::handshake_failure},
      {Fault::no_common_application_protocol, "no_common_application_protocol", Alert::no_application_protocol},
      {Fault::second_client_hello_changed, "second_client_hello_changed", Alert::illegal_parameter},
      {Fault::second_key_share_wrong, "second_key_share_wrong", Alert::illegal_parameter},
      {Fault::cookie_invalid, "cookie_invalid", Alert::illegal_parameter},
      {Fault::early_data_in_second_client_hello, "early_data_in_second_client_hello", Alert::illegal_parameter},
      {Fault::tls13_not_selected, "tls13_not_selected", Alert::protocol_version},
      {Fault::downgrade_sentinel, "downgrade_sentinel", Alert::illegal_parameter},
      {Fault::selected_version_not_offered, "selected_version_not_offered", Alert::illegal_parameter},
      {Fault::legacy_version_wrong, "legacy_version_wrong", Alert::illegal_parameter},
      {Fault::session_id_not_echoed, "session_id_not_echoed", Alert::illegal_parameter},
      {Fault::compression_selected, "compression_selected", Alert::illegal_parameter},
      {Fault::cipher_suite_not_offered, "cipher_suite_not_offered", Alert::illegal_parameter},
      {Fault::group_not_offered, "group_not_offered", Alert::illegal_parameter},
      {Fault::retry_without_change, "retry_without_change", Alert::illegal_parameter},
      {Fault::retry_group_wrong, "retry_group_wrong", Alert::illegal_parameter},
      {Fault::retry_cipher_suite_changed, "retry_cipher_suite_changed", Alert::illegal_parameter},
      {Fault::key_share_invalid, "key_share_invalid", Alert::illegal_parameter},
      {Fault::alpn_not_one_protocol, "alpn_not_one_protocol", Alert::illegal_parameter},
      {Fault::alpn_not_offered, "alpn_not_offered", Alert::illegal_parameter},
      {Fault::certificate_request_context_not_empty, "certificate_request_context_not_empty", Alert::illegal_parameter},
      {Fault::server_certificate_missing, "server_certificate_missing", Alert::decode_error},
      {Fault::bad_certificate, "bad_certificate", Alert::bad_certificate},
      {Fault::bad_certificate_status, "bad_certificate_status", Alert::bad_certificate_status_response},
      {Fault::certificate_status_unknown, "certificate_status_unknown", Alert::decode_error},
      {Fault::unsupported_certificate, "unsupported_certificate", Alert::unsupported_certificate},
      {Fault::certificate_revoked, "certificate_revoked", Alert::certificate_revoked},
      {Fault::certificate_expired, "certificate_expired", Alert::certificate_expired},
      {Fault::certificate_unknown, "certificate_unknown", Alert::certificate_unknown},
      {Fault::unknown_ca, "unknown_ca", Alert::unknown_ca},
      {Fault::access_denied, "access_denied", Alert::access_denied},
      {Fault::signature_scheme_not_offered, "signature_scheme_not_offered", Alert::illegal_parameter},
      {Fault::signature_scheme_not_for_key, "signature_scheme_not_for_key", Alert::illegal_parameter},
      {Fault::certificate_verify_invalid, "certificate_verify_invalid", Alert::decrypt_error},
      {Fault::finished_wrong_length, "finished_wrong_length", Alert::decode_error},
      {Fault::finished_invalid, "finished_invalid", Alert::decrypt_error},
      {Fault::key_update_request_unknown, "key_update_request_unknown", Alert::illegal_parameter},
      {Fault::record_too_long, "record_too_long", Alert::record_overflow},
      {Fault::inner_plaintext_too_long, "inner_plaintext_too_long", Alert::record_overflow},
      {Fault::record_content_type_unknown, "record_content_type_unknown", Alert::unexpected_message},
      {Fault::record_not_protected, "record_not_protected", Alert::unexpected_message},
      {Fault::record_protected_too_early, "record_protected_too_early", Alert::unexpected_message},
      {Fault::bad_record_mac, "bad_record_mac", Alert::bad_record_mac},
      {Fault::content_type_missing, "content_type_missing", Alert::unexpected_message},
      {Fault::empty_handshake_record, "empty_handshake_record", Alert::unexpected_message},
      {Fault::empty_alert_record, "empty_alert_record", Alert::unexpected_message},
      {Fault::alert_malformed, "alert_malformed", Alert::decode_error},
      {Fault::change_cipher_spec_invalid, "change_cipher_spec_invalid", Alert::unexpected_message},
      {Fault::read_key_exhausted, "read_key_exhausted", Alert::unexpected_message},
      {Fault::too_many_change_cipher_specs, "too_many_change_cipher_specs", Alert::unexpected_message},
      {Fault::too_many_empty_records, "too_many_empty_records", Alert::unexpected_message},
      {Fault::too_many_key_updates, "too_many_key_updates", Alert::unexpected_message},
      {Fault::too_many_session_tickets, "too_many_session_tickets", Alert::unexpected_message},
      {Fault::too_many_warnings, "too_many_warnings", Alert::unexpected_message},
      {Fault::too_much_early_data, "too_much_early_data", Alert::unexpected_message},
      {Fault::alert_received, "alert_received", Alert::internal_error},
      {Fault::handshake_truncated, "handshake_truncated", Alert::internal_error},
      {Fault::out_of_memory, "out_of_memory", Alert::internal_error},
      {Fault::signing_failed, "signing_failed", Alert::internal_error},
      {Fault::no_certificate, "no_certificate", Alert::internal_error},
      {Fault::verification_failed, "verification_failed", Alert::internal_error},
  };
  std::set<Fault> seen;
  for (const auto& [fault, stable_name, alert] : expected) {
    EXPECT_EQ(name(fault), stable_name);
    EXPECT_EQ(alert_of(fault), alert) << stable_name;
    EXPECT_TRUE(seen.insert(fault).second) << stable_name;
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(last_fault) + 1);
}

TEST(Fault, NamesAreDistinctAndSentencesReadable) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(last_fault); ++i) {
    const FaultDescription description = describe(static_cast<Fault>(i));
    EXPECT_TRUE(names.insert(description.name).second) << description.name;
    EXPECT_FALSE(description.sentence.empty()) << description.name;
    EXPECT_FALSE(description.sentence.ends_with('.')) << description.name;
    EXPECT_FALSE(name(description.alert).empty()) << description.name;
  }
  EXPECT_FALSE(is_valid(static_cast<Fault>(static_cast<std::size_t>(last_fault) + 1)));
}

// RFC 8446, appendix B.2, as far as TLS 1.3 still sends them.
TEST(Alert, NamesAndValues) {
  const struct {
    int value;
    std::string_view name;
  } expected[] = {{0, "close_notify"},
                  {10, "unexpected_message"},
                  {20, "bad_record_mac"},
                  {22, "record_overflow"},
                  {40, "handshake_failure"},
                  {42, "bad_certificate"},
                  {43, "unsupported_certificate"},
                  {44, "certificate_revoked"},
                  {45, "certificate_expired"},
                  {46, "certificate_unknown"},
                  {47, "illegal_parameter"},
                  {48, "unknown_ca"},
                  {49, "access_denied"},
                  {50, "decode_error"},
                  {51, "decrypt_error"},
                  {70, "protocol_version"},
                  {71, "insufficient_security"},
                  {80, "internal_error"},
                  {86, "inappropriate_fallback"},
                  {90, "user_canceled"},
                  {109, "missing_extension"},
                  {110, "unsupported_extension"},
                  {112, "unrecognized_name"},
                  {113, "bad_certificate_status_response"},
                  {115, "unknown_psk_identity"},
                  {116, "certificate_required"},
                  {120, "no_application_protocol"}};
  std::size_t named = 0;
  for (int value = 0; value < 256; ++value) named += !name(static_cast<Alert>(value)).empty();
  EXPECT_EQ(named, std::size(expected));
  for (const auto& [value, alert_name] : expected) EXPECT_EQ(name(static_cast<Alert>(value)), alert_name);
}

}  // namespace
}  // namespace limpid::test
