#include "limpid/x509/issue.hpp"

#include "limpid/x509/certificate_list.hpp"
#include "limpid/x509/describe.hpp"
#include "limpid/x509/verify.hpp"
#include "tests/x509/other_tools.hpp"

namespace limpid::x509::test {
namespace {

using crypto::KeyType;

CertificateContents ca_contents() {
  CertificateContents contents;
  contents.common_name = "test CA";
  contents.organization = "limpid";
  contents.validity = good_validity;
  contents.is_ca = true;
  contents.path_length = 0;
  contents.serial_entropy = {0xff, 1, 2};
  return contents;
}

const std::string_view dns_names[] = {"example.com", "*.example.com"};
const IpAddress ip_addresses[] = {*parse_ip("127.0.0.1"), *parse_ip("::1")};

CertificateContents leaf_contents() {
  CertificateContents contents;
  contents.common_name = "example.com";
  contents.dns_names = dns_names;
  contents.ip_addresses = ip_addresses;
  contents.validity = good_validity;
  contents.serial_entropy = {0, 0, 0, 5};
  return contents;
}

class EveryKeyPair : public testing::TestWithParam<std::tuple<KeyType, KeyType>> {};
INSTANTIATE_TEST_SUITE_P(Types, EveryKeyPair,
                         testing::Combine(testing::ValuesIn(every_key_type), testing::ValuesIn(every_key_type)));

TEST_P(EveryKeyPair, ALeafBelowACaVerifies) {
  Budget budget(1 << 20);
  Buffer ca_der(budget);
  Buffer leaf_der(budget);
  const crypto::PrivateKey ca_key = key_number(1, std::get<0>(GetParam()));
  const crypto::PrivateKey leaf_key = key_number(2, std::get<1>(GetParam()));
  ASSERT_TRUE(issue_self_signed(ca_der, ca_contents(), ca_key, hedge, portable_cpu));
  const auto ca = parse_certificate({ca_der.data(), ca_der.size()});
  ASSERT_TRUE(ca.has_value());
  ASSERT_TRUE(issue(leaf_der, leaf_contents(), leaf_key.public_key(), *ca, ca_key, hedge, portable_cpu));
  const auto leaf = parse_certificate({leaf_der.data(), leaf_der.size()});
  ASSERT_TRUE(leaf.has_value());

  EXPECT_TRUE(ca->is_ca());
  EXPECT_EQ(ca->basic_constraints->path_length, 0u);
  EXPECT_TRUE(ca->key_usage->has(KeyUsageBit::key_cert_sign));
  EXPECT_TRUE(ca->is_self_issued());
  EXPECT_EQ(ca->serial, Bytes(Octets{0x7f, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(leaf->serial.size(), 16u);
  EXPECT_LT(leaf->serial[0], 0x80);
  EXPECT_FALSE(leaf->is_ca());
  EXPECT_EQ(leaf->issuer.der, ca->subject.der);
  EXPECT_EQ(leaf->authority_key_identifier->key_identifier, ca->subject_key_identifier);
  EXPECT_TRUE(key_matches(leaf_key, *leaf));

  for (const std::string_view name : {"example.com", "www.example.com", "127.0.0.1", "[::1]"}) {
    const auto valid = verify(*leaf, {}, std::span(&*ca, 1), {now, Purpose::server, peer_name(name)}, portable_cpu);
    ASSERT_TRUE(valid.has_value()) << name << ": " << describe(valid.error().reason);
    EXPECT_EQ(valid->size, 2u);
    EXPECT_EQ(valid->leaf_key, leaf_key.public_key());
  }
  const auto as_client = verify(*leaf, {}, std::span(&*ca, 1), {now, Purpose::client}, portable_cpu);
  EXPECT_EQ(as_client.error().reason, InvalidReason::wrong_purpose);

  const std::string account = text_of([&](Writer& out) { describe(out, *leaf, portable_cpu); });
  EXPECT_NE(account.find("names:         DNS:example.com, DNS:*.example.com, IP:127.0.0.1, IP:::1\n"),
            std::string::npos)
      << account;
  EXPECT_NE(account.find("valid from:    2027-01-14T08:00:00Z\n"), std::string::npos) << account;
}

// As by a fault in the machine, here of a key whose secret half is gone: RSA's signatures are verified before they are
// given out.
TEST(Issue, WhatIsNotSignedIsNotIssued) {
  crypto::PrivateKey key = key_number(1, crypto::KeyType::rsa);
  const crypto::PrivateKey taken = std::move(key);
  Budget budget(1 << 20);
  Buffer der(budget);
  EXPECT_TRUE(issue_self_signed(der, ca_contents(), taken, hedge, portable_cpu));
  const std::size_t size = der.size();
  EXPECT_EQ(issue_self_signed(der, ca_contents(), key, hedge, portable_cpu).error(), IssueFault::signing_failed);
  EXPECT_EQ(request_certificate(der, ca_contents(), key, hedge, portable_cpu).error(), IssueFault::signing_failed);
  EXPECT_EQ(der.size(), size);
}

TEST(Issue, WithoutASubjectTheAlternativeNameIsCritical) {
  Budget budget(1 << 20);
  Buffer ca_der(budget);
  Buffer leaf_der(budget);
  const crypto::PrivateKey key = key_number(1);
  ASSERT_TRUE(issue_self_signed(ca_der, ca_contents(), key, hedge, portable_cpu));
  const auto ca = parse_certificate({ca_der.data(), ca_der.size()});
  CertificateContents contents = leaf_contents();
  contents.common_name = "";
  contents.client_auth = true;
  ASSERT_TRUE(issue(leaf_der, contents, key_number(2).public_key(), *ca, key, hedge, portable_cpu));
  const auto leaf = parse_certificate({leaf_der.data(), leaf_der.size()});
  EXPECT_TRUE(leaf->subject.empty());
  const auto alt_name_is_critical = [](const Certificate& certificate) {
    return std::ranges::any_of(certificate.extensions.begin(), certificate.extensions.end(),
                               [](const Extension& e) { return e.id == asn1::oids::subject_alt_name && e.critical; });
  };
  EXPECT_TRUE(alt_name_is_critical(*leaf));
  for (const bool named : {true, false}) {
    CertificateContents with_subject = leaf_contents();
    if (!named) std::swap(with_subject.common_name, with_subject.organization);
    Buffer der(budget);
    ASSERT_TRUE(issue(der, with_subject, key_number(2).public_key(), *ca, key, hedge, portable_cpu));
    EXPECT_FALSE(alt_name_is_critical(*parse_certificate({der.data(), der.size()})));
  }
  EXPECT_TRUE(verify(*leaf, {}, std::span(&*ca, 1), {now, Purpose::client, "example.com"}, portable_cpu).has_value());
}

TEST(Issue, FaultsAreToldAndNothingIsWritten) {
  Budget budget(1 << 20);
  Buffer out(budget);
  const crypto::PrivateKey key = key_number(1);
  const auto fault = [&](const CertificateContents& contents) {
    const auto issued = issue_self_signed(out, contents, key, hedge, portable_cpu);
    EXPECT_FALSE(issued.has_value());
    EXPECT_TRUE(out.empty());
    return issued ? IssueFault{} : issued.error();
  };
  CertificateContents contents = leaf_contents();
  contents.common_name = "";
  EXPECT_EQ(fault(contents), IssueFault::no_name);
  contents.common_name = "\xff";
  EXPECT_EQ(fault(contents), IssueFault::bad_name);
  const std::string long_name(65, 'a');
  contents.common_name = long_name;
  EXPECT_EQ(fault(contents), IssueFault::bad_name);
  contents = leaf_contents();
  for (const std::string_view bad : {"", "a b", "*", "*.com", "127.0.0.1"}) {
    contents.dns_names = std::span(&bad, 1);
    EXPECT_EQ(fault(contents), IssueFault::bad_name) << bad;
  }
  contents = leaf_contents();
  std::swap(contents.validity.not_before, contents.validity.not_after);
  EXPECT_EQ(fault(contents), IssueFault::bad_validity);
  contents.validity = {now, {253'402'300'800}};
  EXPECT_EQ(fault(contents), IssueFault::bad_validity);

  ASSERT_TRUE(issue_self_signed(out, ca_contents(), key, hedge, portable_cpu));
  const std::size_t size = out.size();
  Octets ca_der(out.begin(), out.end());
  const auto ca = parse_certificate(ca_der);
  const auto below = [&](const CertificateContents& what, const Certificate& issuer,
                         const crypto::PrivateKey& issuer_key) {
    const auto issued = issue(out, what, key_number(2).public_key(), issuer, issuer_key, hedge, portable_cpu);
    EXPECT_EQ(out.size(), size);
    return issued ? std::nullopt : std::optional(issued.error());
  };
  EXPECT_EQ(below(leaf_contents(), *ca, key_number(3)), IssueFault::issuer_key_mismatch);
  EXPECT_EQ(below(ca_contents(), *ca, key), IssueFault::issuer_path_length);
  const Octets leaf_der = Forgery{}.sign(key.public_key(), key);
  EXPECT_EQ(below(leaf_contents(), *parse_certificate(leaf_der), key), IssueFault::issuer_not_a_ca);
}

TEST(Issue, EveryRefusedAllocationLeavesTheBufferAsItWas) {
  for (std::uint64_t n = 1;; ++n) {
    Budget budget(1 << 20);
    Buffer out(budget);
    const Byte before[] = {1, 2, 3};
    ASSERT_TRUE(out.append(before));
    budget.refuse_attempt(n);
    const auto issued = issue_self_signed(out, leaf_contents(), key_number(1), hedge, portable_cpu);
    if (issued) {
      EXPECT_GT(n, 1u);
      break;
    }
    EXPECT_EQ(issued.error(), IssueFault::out_of_memory);
    EXPECT_EQ(Bytes(out.data(), out.size()), Bytes(before));
  }
}

std::string pem_of(const Octets& der) {
  return text_of([&](Writer& out) { write_pem(out, "CERTIFICATE", der); });
}

TEST(CertificateList, LoadsPemAndDer) {
  Budget budget(1 << 20);
  const Octets one = Forgery{}.sign(key_number(1).public_key(), key_number(2));
  Forgery second;
  second.subject = "second";
  const Octets two = second.sign(key_number(1).public_key(), key_number(2));
  auto list = CertificateList::load(as_bytes(pem_of(one) + "text\n" + pem_of(two)), budget);
  ASSERT_TRUE(list.has_value());
  const CertificateList moved = std::move(*list);
  ASSERT_EQ(moved.size(), 2u);
  EXPECT_EQ(moved[0].der, Bytes(one));
  EXPECT_EQ(common_name(moved[1].subject), "second");
  EXPECT_EQ((*CertificateList::load(one, budget))[0].der, Bytes(one));
  const Bytes ders[] = {one, two};
  EXPECT_EQ(CertificateList::parse(ders, budget)->size(), 2u);
}

TEST(CertificateList, FaultsAreTold) {
  Budget budget(1 << 20);
  const Octets good = Forgery{}.sign(key_number(1).public_key(), key_number(2));
  const auto fault = [&](const std::string& file, OnMalformed on_malformed = OnMalformed::refuse) {
    const auto list = CertificateList::load(as_bytes(file), budget, on_malformed);
    EXPECT_FALSE(list.has_value());
    if (list) return ListError{};
    return list.error();
  };
  EXPECT_EQ(fault("").fault, ListFault::no_certificate);
  EXPECT_EQ(fault("hello").fault, ListFault::no_certificate);
  EXPECT_EQ(fault("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n").fault, ListFault::no_certificate);
  EXPECT_EQ(fault("-----BEGIN CERTIFICATE-----\n").fault, ListFault::malformed_pem);
  EXPECT_EQ(fault("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").pem.fault, PemFault::bad_base64);
  const std::string mixed = pem_of(good) + pem_of({0x30, 0x00});
  EXPECT_EQ(fault(mixed).fault, ListFault::malformed_certificate);
  EXPECT_EQ(fault(mixed).index, 1u);
  EXPECT_EQ(CertificateList::load(as_bytes(mixed), budget, OnMalformed::skip)->size(), 1u);
  const std::string bad_first = pem_of({0x30, 0x00}) + pem_of(good) + pem_of(good);
  EXPECT_EQ(CertificateList::load(as_bytes(bad_first), budget, OnMalformed::skip)->size(), 2u);
  EXPECT_EQ(fault(bad_first).index, 0u);
  EXPECT_EQ(fault(pem_of({0x30, 0x00}), OnMalformed::skip).fault, ListFault::malformed_certificate);
}

TEST(CertificateList, TheLineSaysWhere) {
  const auto line = [](const ListError& error) { return text_of([&](Writer& out) { write_error(out, error); }); };
  EXPECT_EQ(line({ListFault::no_certificate, 0, {}, {}}),
            "no certificate in it; a PEM file with a CERTIFICATE block is wanted");
  EXPECT_EQ(line({ListFault::malformed_pem, 0, {PemFault::no_end, 7}, {}}),
            "not certificates in PEM: a PEM block without its END line (line 7)");
  EXPECT_EQ(line({ListFault::malformed_certificate, 1, {}, {CertificateFault::empty_issuer, 9, {}}}),
            "a malformed certificate (number 2): the issuer's name is empty (at byte 9)");
  EXPECT_EQ(line({ListFault::out_of_memory, 0, {}, {}}), "the memory allowed does not hold its certificates");
}

TEST(CertificateList, EveryRefusedAllocationIsAnOutcome) {
  const Octets one = Forgery{}.sign(key_number(1).public_key(), key_number(2));
  const std::string file = pem_of(one) + pem_of(one);
  const Bytes ders[] = {one, one};
  for (const bool from_file : {true, false}) {
    for (std::uint64_t n = 1;; ++n) {
      Budget budget(1 << 20);
      budget.refuse_attempt(n);
      const auto list =
          from_file ? CertificateList::load(as_bytes(file), budget) : CertificateList::parse(ders, budget);
      if (list) {
        EXPECT_GT(n, 2u);
        break;
      }
      EXPECT_EQ(list.error().fault, ListFault::out_of_memory);
      EXPECT_EQ(budget.used(), 0u);
    }
  }
}

}  // namespace
}  // namespace limpid::x509::test
