// Revocation lists, as OpenSSL makes them.
#include "limpid/x509/revocation_list.hpp"

#include "limpid/x509/certificate_list.hpp"
#include "limpid/x509/pem.hpp"
#include "tests/x509/other_tools.hpp"

namespace limpid::x509::test {
namespace {

using crypto::KeyType;

class RevocationList : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    if (!have("openssl")) GTEST_SKIP() << "openssl is not installed";
    for (const char* name : {"ca", "other"}) {
      must_run("openssl genpkey " + key_options(KeyType::p256) + " -out " + name + ".key");
      must_run("openssl req -x509 -new -key " + std::string(name) + ".key -subj /CN=root -days 9 -out " + name +
               ".pem");
    }
    must_run("openssl req -new -key other.key -subj /CN=leaf -out leaf.csr");
    must_run("openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -set_serial 0x17 -days 9 -out leaf.pem");
    write("config",
          "[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=2\n"
          "[number]\n2.5.29.20=DER:02:01:07\n[unknown]\n1.2.3.4=critical,DER:05:00\n"
          "[partial]\n2.5.29.28=critical,DER:30:03:81:01:ff\n[quietly]\n2.5.29.28=DER:30:03:81:01:ff\n"
          "[delta]\n2.5.29.27=critical,DER:02:01:01\n[quietdelta]\n2.5.29.27=DER:02:01:01\n");
    write("index", "");
    for (const char* name : {"ca", "other", "leaf"}) {
      auto list = CertificateList::load(as_bytes(read(std::string(name) + ".pem")), budget_);
      ASSERT_TRUE(list.has_value());
      lists_.push_back(std::move(*list));
    }
  }

  const Certificate& ca() const { return lists_[0][0]; }
  const Certificate& other() const { return lists_[1][0]; }
  const Certificate& leaf() const { return lists_[2][0]; }

  // In DER.
  std::string make(const std::string& options = "", const std::string& signer = "ca") const {
    must_run("openssl ca -gencrl -config config -cert " + signer + ".pem -keyfile " + signer + ".key -out crl.pem " +
             options);
    must_run("openssl crl -in crl.pem -outform der -out crl.der");
    return read("crl.der");
  }
  std::expected<std::optional<Revocation>, CrlError> check(Bytes list, const Certificate& issuer,
                                                           std::int64_t later = 60) const {
    return check_crl(list, leaf(), issuer, {wall_clock().seconds + later}, portable_cpu);
  }
  CrlFault fault(const std::string& list, const Certificate& issuer, std::int64_t later = 60) const {
    const auto answer = check(as_bytes(list), issuer, later);
    EXPECT_FALSE(answer.has_value());
    if (answer) return {};
    EXPECT_FALSE(text_of([&](Writer& out) { write_error(out, answer.error()); }).empty());
    return answer.error().fault;
  }
  CrlFault fault(const std::string& list, std::int64_t later = 60) const { return fault(list, ca(), later); }

  Budget budget_{1 << 20};
  std::vector<CertificateList> lists_;
};

TEST_F(RevocationList, SaysWhatIsRevoked) {
  for (const char* options : {"", "-crlexts number"}) {
    write("index", "R\t991231235959Z\t250102030405Z\t16\tunknown\t/CN=somebody\n");
    const std::string without = make(options);
    const auto good = check(as_bytes(without), ca());
    ASSERT_TRUE(good.has_value()) << describe(good.error().fault);
    EXPECT_FALSE(*good);
    write("index",
          "R\t991231235959Z\t250102030405Z\t16\tunknown\t/CN=somebody\n"
          "R\t991231235959Z\t260102030405Z,superseded\t17\tunknown\t/CN=leaf\n");
    const std::string with = make(options);
    const auto revoked = check(as_bytes(with), ca());
    ASSERT_TRUE(revoked.has_value() && *revoked);
    EXPECT_EQ((*revoked)->at, UnixTime{1'767'323'045});
    EXPECT_EQ((*revoked)->reason, 4u);
    EXPECT_EQ(crl_reason_name(4), "superseded");
  }
  write("index", "R\t991231235959Z\t260102030405Z\t17\tunknown\t/CN=leaf\n");
  const std::string plain = make();
  const auto revoked = check(as_bytes(plain), ca());
  ASSERT_TRUE(revoked.has_value() && *revoked);
  EXPECT_EQ((*revoked)->reason, std::nullopt);
  write("index", "");
  const std::string empty = make();
  EXPECT_EQ(*check(as_bytes(empty), ca()), std::nullopt);
}

TEST_F(RevocationList, OthersDoNotSpeakForTheIssuer) {
  EXPECT_EQ(fault(make("", "other")), CrlFault::bad_signature) << "a CA of the same name";
  EXPECT_EQ(fault(make(), leaf()), CrlFault::other_issuer);
  Certificate issuer = ca();
  issuer.key_usage = KeyUsage();
  issuer.key_usage->set(KeyUsageBit::key_cert_sign);
  EXPECT_EQ(fault(make(), issuer), CrlFault::issuer_cannot_sign);
  issuer.key_usage->set(KeyUsageBit::crl_sign);
  EXPECT_EQ(*check(as_bytes(make()), issuer), std::nullopt);
  issuer.public_key_info.key = {};
  EXPECT_EQ(fault(make(), issuer), CrlFault::unsupported_key);
}

TEST_F(RevocationList, OnlyWhileItHolds) {
  const std::string list = make();
  EXPECT_EQ(fault(list, -60), CrlFault::not_yet_valid);
  EXPECT_TRUE(check(as_bytes(list), ca(), 2 * 86'400 - 60).has_value());
  EXPECT_EQ(fault(list, 2 * 86'400 + 60), CrlFault::expired);
}

TEST_F(RevocationList, OnlyCompleteOnesThatAreUnderstood) {
  for (const char* extension : {"unknown", "partial", "quietly", "delta", "quietdelta"}) {
    EXPECT_EQ(fault(make("-crlexts " + std::string(extension))), CrlFault::unsupported_extension) << extension;
  }
  EXPECT_EQ(fault(make("-md sha1")), CrlFault::weak_signature_algorithm);
}

// What OpenSSL does not make.
class ForgedList : public testing::Test {
 protected:
  struct Forged {
    std::optional<std::uint32_t> version = 1;
    bool next_update = true;
    bool algorithms_differ = false;
    std::optional<ForgedExtension> entry_extension{}, extension{};
  };
  Octets sign(const Forged& forged) const {
    const auto write_extensions = [](asn1::DerWriter& der, const ForgedExtension& extension) {
      der.sequence([&] {
        der.sequence([&] {
          der.object_identifier(extension.id);
          if (extension.critical) der.boolean(true);
          der.octet_string(extension.value);
        });
      });
    };
    const auto write_algorithm = [](asn1::DerWriter& der, bool other) {
      der.sequence(
          [&] { der.object_identifier(other ? asn1::oids::ecdsa_with_sha384 : asn1::oids::ecdsa_with_sha256); });
    };
    const Octets tbs = der_of([&](asn1::DerWriter& der) {
      der.sequence([&] {
        if (forged.version) der.integer(*forged.version);
        write_algorithm(der, false);
        der.encoded(name_der("root"));
        der.time({now.seconds - 60});
        if (forged.next_update) der.time({now.seconds + 60});
        der.sequence([&] {
          der.sequence([&] {
            der.integer(1);
            der.time({now.seconds - 600});
            if (forged.entry_extension) write_extensions(der, *forged.entry_extension);
          });
        });
        if (forged.extension) {
          der.element(asn1::context_constructed(0), [&] { write_extensions(der, *forged.extension); });
        }
      });
    });
    const crypto::Signature signature = key_number(2).sign(issuing_algorithm(KeyType::p256), tbs, hedge, portable_cpu);
    return der_of([&](asn1::DerWriter& der) {
      der.sequence([&] {
        der.encoded(tbs);
        write_algorithm(der, forged.algorithms_differ);
        der.bit_string(signature.bytes());
      });
    });
  }
  std::expected<std::optional<Revocation>, CrlError> check(const Octets& list) const {
    return check_crl(list, *leaf_, *root_, now, portable_cpu);
  }
  std::optional<CrlFault> fault(const Forged& forged) const {
    const auto answer = check(sign(forged));
    return answer ? std::nullopt : std::optional(answer.error().fault);
  }

  static Octets certificate(std::string subject, const crypto::PrivateKey& key) {
    Forgery forgery;
    forgery.subject = std::move(subject);
    return forgery.sign(key.public_key(), key_number(2));
  }

  const Octets root_der_ = certificate("root", key_number(2));
  const Octets leaf_der_ = certificate("leaf", key_number(1));
  const std::expected<Certificate, CertificateError> root_ = parse_certificate(root_der_);
  const std::expected<Certificate, CertificateError> leaf_ = parse_certificate(leaf_der_);
};

TEST_F(ForgedList, IsReadStrictly) {
  const Octets octets = {0x05, 0x00};
  const ForgedExtension harmless{asn1::oids::issuer_alt_name, false, octets};
  EXPECT_EQ(fault({}), std::nullopt);
  EXPECT_EQ((*check(sign({})))->at, UnixTime{now.seconds - 600});
  EXPECT_EQ(fault({.extension = harmless}), std::nullopt);
  EXPECT_EQ(fault({.version = std::nullopt}), std::nullopt);
  EXPECT_EQ(fault({.version = 0}), CrlFault::unsupported_version);
  EXPECT_EQ(fault({.version = 2}), CrlFault::unsupported_version);
  EXPECT_EQ(fault({.version = std::nullopt, .extension = harmless}), CrlFault::unsupported_version);
  EXPECT_EQ(fault({.next_update = false}), CrlFault::no_next_update);
  EXPECT_EQ(fault({.algorithms_differ = true}), CrlFault::algorithm_mismatch);
  // Of entries.
  EXPECT_EQ(fault({.entry_extension = harmless}), std::nullopt);
  EXPECT_EQ(fault({.entry_extension = ForgedExtension{asn1::oids::issuer_alt_name, true, octets}}),
            CrlFault::unsupported_extension);
  EXPECT_EQ(fault({.entry_extension = ForgedExtension{asn1::oids::certificate_issuer, false, octets}}),
            CrlFault::unsupported_extension);
  EXPECT_EQ(fault({.entry_extension = ForgedExtension{asn1::oids::crl_reason, false, octets}}),
            CrlFault::malformed_der);
}

TEST_F(ForgedList, DamagedSaysNothing) {
  const Octets list = sign({.entry_extension = ForgedExtension{asn1::oids::crl_reason, false, {0x0a, 0x01, 0x01}}});
  EXPECT_EQ((*check(list))->reason, 1u);
  for (std::size_t n = 0; n < list.size(); ++n) {
    EXPECT_FALSE(check(Octets(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(n))).has_value()) << n;
  }
  for (std::size_t bit = 0; bit < 8 * list.size(); ++bit) {
    Octets damaged = list;
    damaged[bit / 8] = static_cast<Byte>(damaged[bit / 8] ^ 1u << bit % 8);
    EXPECT_FALSE(check(damaged).has_value()) << bit;
  }
  for (const Octets& longer : append_everywhere(list)) EXPECT_FALSE(check(longer).has_value());
}

}  // namespace
}  // namespace limpid::x509::test
