// What one side of a TLS connection may do, fixed before it begins.
#pragma once

#include <expected>

#include "limpid/core/inline_list.hpp"
#include "limpid/tls/wire/cipher_suite.hpp"
#include "limpid/tls/wire/code_points.hpp"

namespace limpid::tls {

using crypto::NamedGroup;
using crypto::SignatureScheme;
using wire::CipherSuite;

enum class Role : std::uint8_t { client, server };
constexpr bool is_valid(Role role) { return role <= Role::server; }

// As many as there are.
using Groups = InlineList<NamedGroup, 3>;
using SignatureSchemes = InlineList<SignatureScheme, 9>;

// How much a peer may make this side do for nothing. What counts "in a row" starts anew with application data that is
// not empty. Each is a fault of its own when passed.
struct Limits {
  std::uint32_t early_data = 1 << 14;     // bytes of rejected early data skipped, records without their headers
  std::uint16_t change_cipher_specs = 4;  // records of the compatibility mode, during the handshake
  std::uint16_t empty_records = 32;       // in a row
  std::uint16_t key_updates = 32;         // in a row
  std::uint16_t session_tickets = 32;     // in a row
  std::uint16_t warnings = 4;             // in a row; RFC 8446 left user_canceled only
  // Records sealed under one key before this side updates it; also, records read before it asks the peer to. At most
  // what the AEAD allows (RFC 8446, section 5.5), which is also what 0 stands for.
  std::uint64_t records_per_key = 0;
  static void fields(auto& self, auto&& visit) {
    visit(self.early_data, self.change_cipher_specs, self.empty_records, self.key_updates, self.session_tickets,
          self.warnings, self.records_per_key);
  }
};

enum class ConfigFault : std::uint8_t {
  no_cipher_suite,
  cipher_suite_unknown,
  no_group,
  group_unknown,
  no_signature_scheme,
  signature_scheme_unknown,
  listed_twice,
  list_too_long,
  application_protocol_malformed,
  application_protocols_too_long,
  server_name_malformed,
  limit_out_of_range,
};

// One sentence for a person: what is wrong and what would do.
constexpr std::string_view describe(ConfigFault fault) {
  switch (fault) {
    case ConfigFault::no_cipher_suite:
      return "the list of cipher suites is empty: name at least one";
    case ConfigFault::cipher_suite_unknown:
      return "a cipher suite is not one of TLS 1.3's AES-GCM and ChaCha20 suites";
    case ConfigFault::no_group:
      return "the list of groups is empty: name x25519, secp256r1 or secp384r1";
    case ConfigFault::group_unknown:
      return "a group is not one of x25519, secp256r1 and secp384r1";
    case ConfigFault::no_signature_scheme:
      return "the list of signature schemes is empty: name at least one";
    case ConfigFault::signature_scheme_unknown:
      return "a signature scheme is not one of ECDSA on P-256 or P-384, Ed25519 and RSASSA-PSS";
    case ConfigFault::listed_twice:
      return "a list names something twice: name it once";
    case ConfigFault::list_too_long:
      return "a list is longer than there are things to name";
    case ConfigFault::application_protocol_malformed:
      return "an application protocol must be 1 to 255 bytes long";
    case ConfigFault::application_protocols_too_long:
      return "the application protocols take more than 255 bytes together";
    case ConfigFault::server_name_malformed:
      return "the server name must be a DNS name or an IP address, at most 255 bytes";
    case ConfigFault::limit_out_of_range:
      return "a limit is larger than what the protocol allows";
  }
  return "";
}

// Validated by make, immutable after. A plain value; it must outlive every step that it is lent to. Policy only: keys
// and certificates come in answers to queries.
class Config {
 public:
  struct Options {
    Role role = Role::client;
    // Client: the name to verify, and the SNI unless it is an IP address ("Literal IPv4 and IPv6 addresses are not
    // permitted in "HostName"", RFC 6066, section 3). Without a trailing dot. Servers leave it empty.
    std::string_view server_name{};
    // Best first. The server takes the first of its own list that the client offers.
    std::span<const CipherSuite> cipher_suites = default_cipher_suites;
    // Best first. The client sends a key share for the first. The server takes, among those that the client supports,
    // the first for which there is a share, and asks for another only if there is none.
    std::span<const NamedGroup> groups = default_groups;
    std::span<const SignatureScheme> signature_schemes = default_signature_schemes;
    // ALPN names (RFC 7301), best first. The server takes the first of its own that the client offers; no overlap
    // fails, unless either side names none.
    std::span<const std::string_view> application_protocols{};
    bool compatibility_mode = true;  // client: look like TLS 1.2 to middleboxes (RFC 8446, appendix D.4)
    bool grease = false;             // client: send values of RFC 8701 that a server must ignore
    bool retry_with_cookie = true;   // server: a HelloRetryRequest carries a cookie, which must come back
    bool request_staple = false;     // client: asks for an OCSP response with the certificate (RFC 6066, section 8)
    // Every secret is told in a KeyLog: whoever reads it can read the connection. For debugging only.
    bool log_secrets = false;
    std::uint16_t pad_to = 0;  // records are padded to a multiple of so many bytes; 0: not at all
    Limits limits{};
  };

  static constexpr std::array<CipherSuite, 3> default_cipher_suites{CipherSuite::tls_aes_128_gcm_sha256,
                                                                    CipherSuite::tls_aes_256_gcm_sha384,
                                                                    CipherSuite::tls_chacha20_poly1305_sha256};
  static constexpr std::array<NamedGroup, 3> default_groups{NamedGroup::x25519, NamedGroup::secp256r1,
                                                            NamedGroup::secp384r1};
  // Of handshakes. PKCS #1 v1.5 "refer[s] solely to signatures which appear in certificates" (RFC 8446, section 4.2.3).
  static constexpr std::array<SignatureScheme, 9> default_signature_schemes{
      SignatureScheme::ecdsa_secp256r1_sha256, SignatureScheme::ed25519,
      SignatureScheme::ecdsa_secp384r1_sha384, SignatureScheme::rsa_pss_rsae_sha256,
      SignatureScheme::rsa_pss_rsae_sha384,    SignatureScheme::rsa_pss_rsae_sha512,
      SignatureScheme::rsa_pss_pss_sha256,     SignatureScheme::rsa_pss_pss_sha384,
      SignatureScheme::rsa_pss_pss_sha512};

  static std::expected<Config, ConfigFault> make(const Options& options);
  // The same with another server name: for a client of several servers. Its one failure is server_name_malformed.
  std::expected<Config, ConfigFault> with_server_name(std::string_view name) const;

  Role role() const { return role_; }
  Bytes server_name() const { return server_name_.span(); }
  bool server_name_is_address() const { return server_name_is_address_; }
  std::span<const CipherSuite> cipher_suites() const { return cipher_suites_.span(); }
  std::span<const NamedGroup> groups() const { return groups_.span(); }
  std::span<const SignatureScheme> signature_schemes() const { return signature_schemes_.span(); }
  // ProtocolName vectors one after the other (RFC 7301, section 3.1): each a length byte and a name.
  Bytes application_protocols() const { return application_protocols_.span(); }
  bool compatibility_mode() const { return compatibility_mode_; }
  bool grease() const { return grease_; }
  bool retry_with_cookie() const { return retry_with_cookie_; }
  bool request_staple() const { return request_staple_; }
  bool log_secrets() const { return log_secrets_; }
  std::size_t pad_to() const { return pad_to_; }
  const Limits& limits() const { return limits_; }

  bool offers(CipherSuite suite) const { return cipher_suites_.contains(suite); }
  bool offers(NamedGroup group) const { return groups_.contains(group); }
  bool offers(SignatureScheme scheme) const { return signature_schemes_.contains(scheme); }

  // For recordings, which hold the configuration too.
  static void fields(auto& self, auto&& visit) {
    visit(self.role_, self.server_name_, self.server_name_is_address_, self.cipher_suites_, self.groups_,
          self.signature_schemes_, self.application_protocols_, self.compatibility_mode_, self.grease_,
          self.retry_with_cookie_, self.request_staple_, self.log_secrets_, self.pad_to_, self.limits_);
  }
  // Refuses what make would not have made.
  bool restored(const LoadContext&) const;

 private:
  bool set_server_name(std::string_view name);

  Role role_ = Role::client;
  InlineBytes<255> server_name_;
  bool server_name_is_address_ = false;
  InlineList<CipherSuite, 3> cipher_suites_{default_cipher_suites};
  Groups groups_{default_groups};
  SignatureSchemes signature_schemes_{default_signature_schemes};
  InlineBytes<255> application_protocols_;
  bool compatibility_mode_ = true;
  bool grease_ = false;
  bool retry_with_cookie_ = true;
  bool request_staple_ = false;
  bool log_secrets_ = false;
  std::uint16_t pad_to_ = 0;
  Limits limits_;
};

}  // namespace limpid::tls
