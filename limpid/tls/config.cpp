#include "limpid/tls/config.hpp"

#include "limpid/core/reader.hpp"

namespace limpid::tls {
namespace {

// The first thing that is wrong with a list, or nothing once all of it stands in `list`.
template <class T, std::size_t N, class IsKnown>
std::optional<ConfigFault> fill(InlineList<T, N>& list, std::span<const T> values, ConfigFault empty,
                                ConfigFault unknown, IsKnown&& is_known) {
  if (values.empty()) return empty;
  for (const T value : values) {
    if (!is_known(value)) return unknown;
    if (list.contains(value)) return ConfigFault::listed_twice;
    if (!list.push_back(value)) return ConfigFault::list_too_long;
  }
  return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// An IPv6 address holds a colon and no DNS name does; an IPv4 address ends in a number and, since top-level domains do
// not (RFC 3696, section 2), no DNS name does.
bool is_address(std::string_view name) {
  if (name.find(':') != std::string_view::npos) return true;
  const std::size_t dot = name.rfind('.');
  const std::string_view last(name.begin() + (dot == std::string_view::npos ? 0 : dot + 1), name.end());
  return !last.empty() && std::all_of(last.begin(), last.end(), is_digit);
}

// Letters, digits, hyphens and underscores in labels of 1 to 63; no trailing dot (RFC 6066, section 3).
bool is_dns_name(std::string_view name) {
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (is_letter(c) || is_digit(c) || c == '-' || c == '_') {
      if (++label > 63) return false;
    } else {
      return false;
    }
  }
  return label > 0;
}

bool is_address_text(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
  });
}

}  // namespace

std::expected<Config, ConfigFault> Config::make(const Options& options) {
  Config config;
  config.role_ = options.role;
  config.cipher_suites_ = {};
  config.groups_ = {};
  config.signature_schemes_ = {};

  const auto suites = fill(config.cipher_suites_, options.cipher_suites, ConfigFault::no_cipher_suite,
                           ConfigFault::cipher_suite_unknown, [](CipherSuite suite) { return is_valid(suite); });
  if (suites) return std::unexpected(*suites);
  const auto groups = fill(config.groups_, options.groups, ConfigFault::no_group, ConfigFault::group_unknown,
                           [](NamedGroup group) { return crypto::is_supported(group); });
  if (groups) return std::unexpected(*groups);
  const auto schemes = fill(config.signature_schemes_, options.signature_schemes, ConfigFault::no_signature_scheme,
                            ConfigFault::signature_scheme_unknown, [](SignatureScheme scheme) {
                              const auto algorithm = crypto::algorithm_of(scheme);
                              return algorithm && algorithm->kind != crypto::SignatureAlgorithm::Kind::rsa_pkcs1;
                            });
  if (schemes) return std::unexpected(*schemes);

  for (const std::string_view protocol : options.application_protocols) {
    if (protocol.empty() || protocol.size() > 255) {
      return std::unexpected(ConfigFault::application_protocol_malformed);
    }
    for (Reader in(config.application_protocols()); !in.empty();) {
      if (in.vector8() == as_bytes(protocol)) return std::unexpected(ConfigFault::listed_twice);
    }
    bool fits = config.application_protocols_.push_back(static_cast<Byte>(protocol.size()));
    for (const Byte byte : as_bytes(protocol)) fits = fits && config.application_protocols_.push_back(byte);
    if (!fits) return std::unexpected(ConfigFault::application_protocols_too_long);
  }

  if (!options.server_name.empty() && !config.set_server_name(options.server_name)) {
    return std::unexpected(ConfigFault::server_name_malformed);
  }

  // Section 5.1: a record holds at most 2^14 bytes.
  const Limits& limits = options.limits;
  if (limits.early_data > 1 << 24 || options.pad_to > 1 << 14) {
    return std::unexpected(ConfigFault::limit_out_of_range);
  }
  config.limits_ = limits;
  config.compatibility_mode_ = options.compatibility_mode;
  config.grease_ = options.grease;
  config.retry_with_cookie_ = options.retry_with_cookie;
  config.request_staple_ = options.request_staple;
  config.log_secrets_ = options.log_secrets;
  config.pad_to_ = options.pad_to;
  return config;
}

std::expected<Config, ConfigFault> Config::with_server_name(std::string_view name) const {
  Config config = *this;
  if (!config.set_server_name(name)) return std::unexpected(ConfigFault::server_name_malformed);
  return config;
}

bool Config::restored(const LoadContext&) const {
  std::array<std::string_view, 255> protocols;
  std::size_t count = 0;
  Reader in(application_protocols());
  while (!in.empty()) protocols[count++] = as_text(in.vector8());
  const auto made = make({.role = role_,
                          .server_name = as_text(server_name()),
                          .cipher_suites = cipher_suites(),
                          .groups = groups(),
                          .signature_schemes = signature_schemes(),
                          .application_protocols = std::span(protocols).first(count),
                          .compatibility_mode = compatibility_mode_,
                          .grease = grease_,
                          .retry_with_cookie = retry_with_cookie_,
                          .pad_to = pad_to_,
                          .limits = limits_});
  return !in.failed() && made && made->server_name_is_address_ == server_name_is_address_;
}

bool Config::set_server_name(std::string_view name) {
  server_name_is_address_ = is_address(name);
  const bool well_formed = server_name_is_address_ ? is_address_text(name) : is_dns_name(name);
  if (!well_formed || name.size() > 255) return false;
  server_name_ = InlineBytes<255>(as_bytes(name));
  return true;
}

}  // namespace limpid::tls
