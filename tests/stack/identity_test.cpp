#include "limpid/stack/identity.hpp"

#include "tests/x509/support.hpp"

namespace limpid::stack {
namespace {

using crypto::KeyType;
using crypto::SignatureScheme;

// RFC 4055, section 3.1: the parameters of a key restrict what it signs with.
TEST(Identities, AKeyRestrictedToOneHashIsUsedWithThatOnly) {
  const crypto::PrivateKey key = x509::test::key_number(1, KeyType::rsa_pss);
  Budget budget(1 << 20);
  const auto chosen = [&](std::optional<x509::test::Octets> key_info, std::vector<SignatureScheme> schemes) {
    x509::test::Forgery leaf;
    leaf.extensions = {x509::test::subject_alt_name("a.test")};
    leaf.public_key_info = std::move(key_info);
    const x509::test::Octets der = leaf.sign(key.public_key(), x509::test::key_number(2));
    const Bytes ders[] = {der};
    Identities identities(budget);
    EXPECT_TRUE(identities.add(*Identity::make(*x509::CertificateList::parse(ders, budget), key.copy(), budget)));
    const tls::SelectCertificate query{.server_name = as_bytes("a.test"), .signature_schemes = schemes};
    const tls::Answer answer = identities.answer(query, x509::test::now, {});
    const auto* selected = std::get_if<tls::CertificateSelected>(&answer);
    return selected != nullptr ? std::optional(selected->scheme) : std::nullopt;
  };
  using enum SignatureScheme;
  const auto restricted = x509::test::sha384_key_info(key.public_key());
  EXPECT_EQ(chosen(std::nullopt, {rsa_pss_pss_sha256, rsa_pss_pss_sha384}), rsa_pss_pss_sha256);
  EXPECT_EQ(chosen(restricted, {rsa_pss_pss_sha256, rsa_pss_pss_sha384, rsa_pss_pss_sha512}), rsa_pss_pss_sha384);
  EXPECT_EQ(chosen(restricted, {rsa_pss_pss_sha256, rsa_pss_pss_sha512}), std::nullopt);
}

TEST(Identities, AStapleGoesAlongUntilItIsOld) {
  const crypto::PrivateKey key = x509::test::key_number(1);
  Budget budget(1 << 20);
  const x509::test::Octets der = x509::test::Forgery{}.sign(key.public_key(), x509::test::key_number(2));
  const Bytes ders[] = {der};
  const UnixTime until = x509::test::now;
  Identities identities(budget);
  EXPECT_TRUE(identities.add(*Identity::make(*x509::CertificateList::parse(ders, budget), key.copy(), budget,
                                             Staple{as_bytes("a response"), until})));
  const auto is_stapled = [&](bool asked, UnixTime at) {
    const SignatureScheme schemes[] = {SignatureScheme::ecdsa_secp256r1_sha256};
    const tls::SelectCertificate query{.signature_schemes = schemes, .staple_requested = asked};
    const tls::Answer answer = identities.answer(query, at, {});
    return as_text(std::get<tls::CertificateSelected>(answer).certificate_list).contains("a response");
  };
  EXPECT_TRUE(is_stapled(true, until));
  EXPECT_FALSE(is_stapled(true, {until.seconds + 1}));
  EXPECT_FALSE(is_stapled(false, until));
}

}  // namespace
}  // namespace limpid::stack
