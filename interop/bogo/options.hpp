// The shim's command line, as BoringSSL's test runner writes it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace limpid::bogo {

// One certificate chain with its key, and what it may be used with.
struct CredentialOptions {
  std::string certificate_file, key_file;
  std::vector<std::uint16_t> signing_preferences;  // empty: all that the key can do
  std::vector<std::uint8_t> ocsp_response;
};

// Of one connection. What stands at its default is not asked for.
struct Options {
  std::uint16_t port = 0;
  bool ipv6 = false;
  std::uint64_t shim_id = 0;
  unsigned resume_count = 0;

  bool server = false;
  bool one_byte_at_a_time = false;  // -async
  bool grease = false;
  std::vector<std::uint16_t> groups, verify_preferences;
  CredentialOptions default_credential;
  std::vector<CredentialOptions> credentials;  // those are preferred to the default one
  std::string host_name;
  std::string advertised_protocols;            // ProtocolName after ProtocolName
  std::optional<std::string> select_protocol;  // server
  bool reject_protocols = false;
  bool verify_peer = false, refuse_certificate = false;

  std::string expect_server_name, expect_protocol;
  bool expect_no_server_name = false;
  std::uint16_t expect_group = 0, expect_signature_scheme = 0, expect_cipher_suite = 0;
  std::optional<bool> expect_retry;
  std::optional<int> expect_credential;  // -1: the default one
  std::string expect_peer_certificate_file;

  std::vector<std::uint8_t> expect_ocsp_response;
  bool request_staple = false;

  std::size_t export_size = 0;
  std::string export_label, export_context;
  bool export_between_reads = false;

  bool write_first = false, write_different_sizes = false;
  bool shut_down_at_once = false, check_close_notify = false;
  bool update_keys = false, update_keys_before_read = false;
};

// What `name` and its value ask of the first connection, and of those after it. Nothing, with a line on stderr, if an
// option is unknown or asks for what limpid does not have: the runner skips the test.
struct CommandLine {
  Options initial, resumed;
};
std::optional<CommandLine> parse_command_line(int argc, char** argv);

}  // namespace limpid::bogo
