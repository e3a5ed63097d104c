// What a configuration accepts, and what it names when it does not.
#include "limpid/tls/config.hpp"

#include <gtest/gtest.h>

#include <string>

namespace limpid::tls {
namespace {

std::optional<ConfigFault> fault_of(const Config::Options& options) {
  const auto config = Config::make(options);
  return config ? std::nullopt : std::optional(config.error());
}

TEST(Config, DefaultsAreEverythingThereIs) {
  const auto config = Config::make({});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->role(), Role::client);
  EXPECT_EQ(config->cipher_suites().size(), 3u);
  EXPECT_EQ(config->groups().size(), 3u);
  EXPECT_EQ(config->signature_schemes().size(), 9u);
  EXPECT_TRUE(config->application_protocols().empty());
  EXPECT_TRUE(config->compatibility_mode());
}

TEST(Config, ListsAreValidated) {
  const CipherSuite twice[] = {CipherSuite::tls_aes_128_gcm_sha256, CipherSuite::tls_aes_128_gcm_sha256};
  const CipherSuite unknown[] = {static_cast<CipherSuite>(0x1304)};
  const NamedGroup unknown_group[] = {static_cast<NamedGroup>(0x0019)};
  const SignatureScheme unknown_scheme[] = {static_cast<SignatureScheme>(0x0603)};
  const SignatureScheme certificates_only[] = {SignatureScheme::rsa_pkcs1_sha256};
  EXPECT_EQ(fault_of({.cipher_suites = {}}), ConfigFault::no_cipher_suite);
  EXPECT_EQ(fault_of({.cipher_suites = twice}), ConfigFault::listed_twice);
  EXPECT_EQ(fault_of({.cipher_suites = unknown}), ConfigFault::cipher_suite_unknown);
  EXPECT_EQ(fault_of({.groups = {}}), ConfigFault::no_group);
  EXPECT_EQ(fault_of({.groups = unknown_group}), ConfigFault::group_unknown);
  EXPECT_EQ(fault_of({.signature_schemes = {}}), ConfigFault::no_signature_scheme);
  EXPECT_EQ(fault_of({.signature_schemes = unknown_scheme}), ConfigFault::signature_scheme_unknown);
  EXPECT_EQ(fault_of({.signature_schemes = certificates_only}), ConfigFault::signature_scheme_unknown);
}

TEST(Config, ApplicationProtocols) {
  const std::string too_long(256, 'p'), half(127, 'h'), other(126, 'o'), longer(127, 'o');
  const std::string_view empty[] = {""}, over[] = {too_long}, twice[] = {"h2", "h2"}, most[] = {half, other};
  const std::string_view together[] = {half, longer}, one[] = {"h2", "http/1.1"};
  EXPECT_EQ(fault_of({.application_protocols = empty}), ConfigFault::application_protocol_malformed);
  EXPECT_EQ(fault_of({.application_protocols = over}), ConfigFault::application_protocol_malformed);
  EXPECT_EQ(fault_of({.application_protocols = twice}), ConfigFault::listed_twice);
  EXPECT_EQ(fault_of({.application_protocols = together}), ConfigFault::application_protocols_too_long);
  EXPECT_EQ(fault_of({.application_protocols = most}), std::nullopt);
  const auto config = Config::make({.application_protocols = one});
  ASSERT_TRUE(config);
  EXPECT_EQ(as_text(config->application_protocols()), "\x02h2\x08http/1.1");
}

TEST(Config, ServerNames) {
  const std::string label(63, 'a'), long_label(64, 'a');
  const std::string longest = label + "." + label + "." + label + "." + label.substr(1);
  for (const std::string& good :
       {std::string("example.com"), std::string("localhost"), std::string("xn--bcher-kva.example"),
        std::string("a_b.example"), std::string("3com.com"), label, longest}) {
    const auto config = Config::make({.server_name = good});
    ASSERT_TRUE(config) << good;
    EXPECT_EQ(as_text(config->server_name()), good);
    EXPECT_FALSE(config->server_name_is_address());
  }
  for (const char* address : {"192.0.2.1", "::1", "2001:db8::192.0.2.33", "fe80::1"}) {
    const auto config = Config::make({.server_name = address});
    ASSERT_TRUE(config) << address;
    EXPECT_TRUE(config->server_name_is_address());
  }
  for (const std::string& bad : {std::string("example.com."), std::string(".example"), std::string("a..b"),
                                 std::string("a b"), std::string("a/b"), long_label, longest + "aaaa",
                                 std::string("b\xc3\xbc"
                                             "cher.example"),
                                 std::string("fe80::1%eth0"), std::string(".")}) {
    EXPECT_EQ(fault_of({.server_name = bad}), ConfigFault::server_name_malformed) << bad;
  }
}

TEST(Config, Limits) {
  EXPECT_EQ(fault_of({.pad_to = (1 << 14) + 1}), ConfigFault::limit_out_of_range);
  EXPECT_EQ(fault_of({.pad_to = 1 << 14}), std::nullopt);
  EXPECT_EQ(fault_of({.limits = {.early_data = (1 << 24) + 1}}), ConfigFault::limit_out_of_range);
  EXPECT_EQ(fault_of({.limits = {.early_data = 1 << 24}}), std::nullopt);
}

TEST(Config, EveryFaultHasASentence) {
  for (int i = 0; i <= static_cast<int>(ConfigFault::limit_out_of_range); ++i) {
    EXPECT_FALSE(describe(static_cast<ConfigFault>(i)).empty());
  }
}

}  // namespace
}  // namespace limpid::tls
