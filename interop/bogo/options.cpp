#include "interop/bogo/options.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>

#include "limpid/effects/cpu.hpp"
#include "limpid/tls/config.hpp"

namespace limpid::bogo {
namespace {

// Reads an option's value; false if it asks for what is not there.
using Read = bool (*)(Options&, const char* value);

struct Flag {
  bool has_value = false;
  Read read = nullptr;
};

template <auto Member>
constexpr Flag yes{false, [](Options& options, const char*) { return options.*Member = true; }};

template <auto Member>
constexpr Flag text{true, [](Options& options, const char* value) {
                      options.*Member = value;
                      return true;
                    }};

template <auto Member>
constexpr Flag number{true, [](Options& options, const char* value) {
                        using Number = std::remove_reference_t<decltype(options.*Member)>;
                        options.*Member = static_cast<Number>(std::strtoull(value, nullptr, 10));
                        return true;
                      }};

// Changes nothing: limpid does it anyway, has no other way, or has nothing that it would switch off.
constexpr Flag nothing{false, [](Options&, const char*) { return true; }};
constexpr Flag nothing_with_value{true, [](Options&, const char*) { return true; }};

std::vector<std::uint8_t> base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::uint8_t> bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text.substr(0, text.find('='))) {
    bits = bits << 6 | static_cast<std::uint32_t>(digits.find(c) & 63);
    if ((count += 6) >= 8) bytes.push_back(static_cast<std::uint8_t>(bits >> (count -= 8)));
  }
  return bytes;
}

std::uint16_t code_point(const char* value) { return static_cast<std::uint16_t>(std::atoi(value)); }

// Those from -new-x509-credential on belong to it; before, to the default one.
CredentialOptions& credential(Options& options) {
  return options.credentials.empty() ? options.default_credential : options.credentials.back();
}

constexpr int tls13 = 0x0304;

const std::map<std::string_view, Flag>& flags() {
  static const std::map<std::string_view, Flag> table{
      {"-port", number<&Options::port>},
      {"-ipv6", yes<&Options::ipv6>},
      {"-shim-id", number<&Options::shim_id>},
      {"-resume-count", number<&Options::resume_count>},
      {"-server", yes<&Options::server>},
      {"-async", yes<&Options::one_byte_at_a_time>},
      {"-enable-grease", yes<&Options::grease>},
      {"-host-name", text<&Options::host_name>},
      {"-advertise-alpn", text<&Options::advertised_protocols>},
      {"-expect-alpn", text<&Options::expect_protocol>},
      {"-reject-alpn", yes<&Options::reject_protocols>},
      {"-verify-fail", yes<&Options::refuse_certificate>},
      {"-expect-server-name", text<&Options::expect_server_name>},
      {"-expect-no-server-name", yes<&Options::expect_no_server_name>},
      {"-expect-curve-id", number<&Options::expect_group>},
      {"-expect-peer-signature-algorithm", number<&Options::expect_signature_scheme>},
      {"-expect-cipher", number<&Options::expect_cipher_suite>},
      {"-expect-peer-cert-file", text<&Options::expect_peer_certificate_file>},
      {"-enable-ocsp-stapling", yes<&Options::request_staple>},
      {"-export-keying-material", number<&Options::export_size>},
      {"-export-label", text<&Options::export_label>},
      {"-export-context", text<&Options::export_context>},
      {"-use-exporter-between-reads", yes<&Options::export_between_reads>},
      {"-shim-writes-first", yes<&Options::write_first>},
      {"-write-different-record-sizes", yes<&Options::write_different_sizes>},
      {"-shim-shuts-down", yes<&Options::shut_down_at_once>},
      {"-check-close-notify", yes<&Options::check_close_notify>},
      {"-key-update", yes<&Options::update_keys>},
      {"-key-update-before-read", yes<&Options::update_keys_before_read>},

      // Groups and schemes that limpid does not know are not there to be listed.
      {"-curves",
       {true,
        [](Options& options, const char* value) {
          options.groups.push_back(code_point(value));
          return crypto::is_supported(static_cast<crypto::NamedGroup>(options.groups.back()));
        }}},
      {"-verify-prefs",
       {true,
        [](Options& options, const char* value) {
          options.verify_preferences.push_back(code_point(value));
          const auto scheme = static_cast<tls::SignatureScheme>(options.verify_preferences.back());
          return tls::Config::make({.signature_schemes = {&scheme, 1}}).has_value();
        }}},
      {"-signing-prefs",
       {true,
        [](Options& options, const char* value) {
          credential(options).signing_preferences.push_back(code_point(value));
          return true;
        }}},
      {"-new-x509-credential",
       {false,
        [](Options& options, const char*) {
          options.credentials.emplace_back();
          return true;
        }}},
      {"-cert-file",
       {true,
        [](Options& options, const char* value) {
          credential(options).certificate_file = value;
          return true;
        }}},
      {"-key-file",
       {true,
        [](Options& options, const char* value) {
          credential(options).key_file = value;
          return true;
        }}},
      {"-ocsp-response",
       {true,
        [](Options& options, const char* value) {
          credential(options).ocsp_response = base64(value);
          return true;
        }}},
      {"-expect-ocsp-response",
       {true,
        [](Options& options, const char* value) {
          options.expect_ocsp_response = base64(value);
          return true;
        }}},
      {"-select-alpn",
       {true,
        [](Options& options, const char* value) {
          options.select_protocol = value;
          return true;
        }}},
      {"-expect-selected-credential",
       {true,
        [](Options& options, const char* value) {
          options.expect_credential = std::atoi(value);
          return true;
        }}},
      {"-expect-hrr",
       {false,
        [](Options& options, const char*) {
          options.expect_retry = true;
          return true;
        }}},
      {"-expect-no-hrr",
       {false,
        [](Options& options, const char*) {
          options.expect_retry = false;
          return true;
        }}},
      {"-expect-cipher-aes",
       {true,
        [](Options& options, const char* value) {
          if (effects::cpu_features().aes_pclmul) options.expect_cipher_suite = code_point(value);
          return true;
        }}},
      {"-expect-cipher-no-aes",
       {true,
        [](Options& options, const char* value) {
          if (!effects::cpu_features().aes_pclmul) options.expect_cipher_suite = code_point(value);
          return true;
        }}},

      // TLS 1.3 is the one version that there is.
      {"-min-version", {true, [](Options&, const char* value) { return std::atoi(value) <= tls13; }}},
      {"-max-version", {true, [](Options&, const char* value) { return std::atoi(value) >= tls13; }}},
      {"-expect-version", {true, [](Options&, const char* value) { return std::atoi(value) == tls13; }}},
      {"-no-tls1", nothing},
      {"-no-tls11", nothing},
      {"-no-tls12", nothing},

      {"-trust-cert", nothing_with_value},  // certificates are taken as they come; x509/ has tests of its own
      {"-verify-peer", yes<&Options::verify_peer>},
      {"-expect-verify-result", nothing},
      {"-use-custom-verify-callback", nothing},
      {"-implicit-handshake", nothing},
      {"-use-early-callback", nothing},
      {"-no-op-extra-handshake", nothing},
      {"-decline-alpn", nothing},
      {"-server-preference", nothing},
      {"-use-export-context", nothing},  // in TLS 1.3 no context is an empty one
      {"-no-ticket", nothing},
      {"-expect-no-session", nothing},
      {"-expect-no-session-id", nothing},
      {"-expect-session-miss", nothing},
      {"-read-size", nothing_with_value},  // what was received is lent, not copied
      {"-expect-total-renegotiations", {true, [](Options&, const char* value) { return std::atoi(value) == 0; }}},
      {"-forbid-renegotiation-after-handshake", nothing},
  };
  return table;
}

bool remove_prefix(std::string_view& name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size() - 1);  // the hyphen behind it begins the name
  return true;
}

// What no single option says.
const char* refused_together(const Options& options) {
  const bool has_credential = !options.default_credential.certificate_file.empty() || !options.credentials.empty();
  if (!options.server && has_credential) return "client certificates";
  if (options.server && options.verify_peer) return "client certificates";
  return nullptr;
}

}  // namespace

std::optional<CommandLine> parse_command_line(int argc, char** argv) {
  CommandLine line;
  const auto refuse = [](const char* what) {
    std::fprintf(stderr, "not supported: %s\n", what);
    return std::nullopt;
  };
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    remove_prefix(name, "-on-shim-");
    const bool initial_only = remove_prefix(name, "-on-initial-");
    const bool resumed_only = !initial_only && remove_prefix(name, "-on-resume-");
    const auto flag = flags().find(name);
    if (flag == flags().end()) return refuse(argv[i]);
    const char* option = argv[i];
    const char* value = nullptr;
    if (flag->second.has_value) {
      if (++i == argc) return refuse(option);
      value = argv[i];
    }
    if (!resumed_only && !flag->second.read(line.initial, value)) return refuse(option);
    if (!initial_only && !flag->second.read(line.resumed, value)) return refuse(option);
  }
  for (const Options* options : {&line.initial, &line.resumed}) {
    if (const char* what = refused_together(*options)) return refuse(what);
  }
  return line;
}

}  // namespace limpid::bogo
