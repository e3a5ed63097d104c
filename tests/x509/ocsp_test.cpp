// OCSP responses, as OpenSSL's responder makes them.
#include "limpid/x509/ocsp.hpp"

#include "limpid/x509/verify.hpp"
#include "tests/x509/other_tools.hpp"

namespace limpid::x509::test {
namespace {

using crypto::KeyType;

class Ocsp : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    if (!have("openssl")) GTEST_SKIP() << "openssl is not installed";
    for (const char* name : {"ca", "other", "leaf", "responder"}) {
      must_run("openssl genpkey " + key_options(KeyType::p256) + " -out " + name + ".key");
    }
    must_run("openssl req -x509 -new -key ca.key -subj '/CN=root' -days 9 -out ca.pem");
    must_run("openssl req -x509 -new -key other.key -subj '/CN=root' -days 9 -out other.pem");
    issue("leaf", "17", "subjectAltName=DNS:a.test");
    issue("responder", "18", "extendedKeyUsage=OCSPSigning");
    write("index", "V\t991231235959Z\t\t17\tunknown\t/CN=leaf\nV\t991231235959Z\t\t18\tunknown\t/CN=responder\n");
    load("ca");
    load("leaf");
    load("other");
  }

  void issue(const std::string& name, const std::string& serial, const std::string& extensions,
             const std::string& ca = "ca") const {
    write(name + ".ext", extensions + "\n");
    must_run("openssl req -new -key " + name + ".key -subj /CN=" + name + " -out " + name + ".csr");
    must_run("openssl x509 -req -in " + name + ".csr -CA " + ca + ".pem -CAkey " + ca + ".key -set_serial 0x" + serial +
             " -days 9 -extfile " + name + ".ext -out " + name + ".pem");
  }
  void load(const std::string& name) {
    auto list = CertificateList::load(as_bytes(read(name + ".pem")), budget_);
    ASSERT_TRUE(list.has_value());
    lists_.push_back(std::move(*list));
  }
  const Certificate& ca() const { return lists_[0][0]; }
  const Certificate& leaf() const { return lists_[1][0]; }
  const Certificate& other() const { return lists_[2][0]; }

  std::string respond(const std::string& signer, const std::string& options = "-ndays 1") const {
    must_run("openssl ocsp -index index -CA ca.pem -rsigner " + signer + ".pem -rkey " + signer +
             ".key -issuer ca.pem -cert leaf.pem -no_nonce -reqout request.der");
    must_run("openssl ocsp -index index -CA ca.pem -rsigner " + signer + ".pem -rkey " + signer +
             ".key -reqin request.der -respout response.der " + options);
    return read("response.der");
  }
  std::expected<OcspAnswer, OcspError> check(const std::string& response, std::int64_t later = 60) const {
    return check_ocsp(as_bytes(response), leaf(), ca(), {wall_clock().seconds + later}, portable_cpu);
  }
  OcspFault fault(const std::string& response, std::int64_t later = 60) const {
    const auto answer = check(response, later);
    EXPECT_FALSE(answer.has_value());
    if (answer) return {};
    EXPECT_FALSE(text_of([&](Writer& out) { write_error(out, answer.error()); }).empty());
    return answer.error().fault;
  }

  Budget budget_{1 << 20};
  std::vector<CertificateList> lists_;
};

TEST_F(Ocsp, AnswersOfTheIssuerAndOfWhomItAuthorized) {
  for (const char* signer : {"ca", "responder"}) {
    for (const char* options : {"-ndays 1", "-ndays 1 -resp_key_id"}) {
      const auto answer = check(respond(signer, options));
      ASSERT_TRUE(answer.has_value()) << signer << options << ": " << describe(answer.error().fault);
      EXPECT_EQ(answer->status, OcspStatus::good);
      EXPECT_EQ(answer->next_update->seconds - answer->this_update.seconds, 86'400);
    }
  }
  write("index", "R\t991231235959Z\t260102030405Z,keyCompromise\t17\tunknown\t/CN=leaf\n");
  const auto revoked = check(respond("ca"));
  ASSERT_TRUE(revoked.has_value());
  EXPECT_EQ(revoked->status, OcspStatus::revoked);
  EXPECT_EQ(revoked->revoked_at, UnixTime{1'767'323'045});
  EXPECT_EQ(revoked->reason, 1u);
  write("index", "V\t991231235959Z\t\t99\tunknown\t/CN=somebody\n");
  EXPECT_EQ(check(respond("ca"))->status, OcspStatus::unknown);
}

// Where there is a response, the path is valid only if it says that the leaf is good.
TEST_F(Ocsp, AResponseMustVouchForTheLeaf) {
  const auto reason = [&](std::string response) {
    VerifyOptions options{{wall_clock().seconds + 60}};
    options.purpose = Purpose::any;
    options.ocsp_response = as_bytes(response);
    const auto valid = verify(leaf(), {}, {&ca(), 1}, options, portable_cpu);
    return valid ? "valid" : std::string(reason_name(valid.error().reason));
  };
  EXPECT_EQ(reason(""), "valid");
  EXPECT_EQ(reason(respond("ca")), "valid");
  write("index", "V\t991231235959Z\t\t18\tunknown\t/CN=responder\n");
  EXPECT_EQ(reason(respond("ca")), "status_unsatisfactory") << "the responder does not know it";
  write("index", "R\t991231235959Z\t260102030405Z\t17\tunknown\t/CN=leaf\n");
  const std::string revoked = respond("responder");
  EXPECT_EQ(reason(revoked), "revoked");
  EXPECT_EQ(reason(revoked.substr(1)), "status_unsatisfactory");
  EXPECT_EQ(reason(respond("other")), "status_unsatisfactory");
}

TEST_F(Ocsp, AResponseMustVouchForALeafThatIsAnAnchor) {
  const auto reason = [&](const std::string& response, std::span<const Certificate> others) {
    VerifyOptions options{{wall_clock().seconds + 60}};
    options.purpose = Purpose::any;
    options.ocsp_response = as_bytes(response);
    const auto valid = verify(leaf(), others, {&leaf(), 1}, options, portable_cpu);
    return valid ? "valid" : std::string(reason_name(valid.error().reason));
  };
  const std::span issuer(&ca(), 1);
  EXPECT_EQ(reason("", {}), "valid");
  EXPECT_EQ(reason(respond("ca"), issuer), "valid");
  EXPECT_EQ(reason(respond("ca"), {}), "status_unsatisfactory") << "nobody knows by whom it is";
  EXPECT_EQ(reason(respond("ca"), {&other(), 1}), "status_unsatisfactory");
  write("index", "R\t991231235959Z\t260102030405Z\t17\tunknown\t/CN=leaf\n");
  EXPECT_EQ(reason(respond("ca"), issuer), "revoked");
}

TEST_F(Ocsp, OthersDoNotSpeakForTheIssuer) {
  // A leaf of the same CA without the purpose, a CA of the same name, a responder of that one.
  EXPECT_EQ(fault(respond("leaf")), OcspFault::unknown_responder);
  EXPECT_EQ(fault(respond("other")), OcspFault::bad_signature);
  EXPECT_EQ(fault(respond("other", "-ndays 1 -resp_key_id")), OcspFault::unknown_responder);
  issue("responder", "18", "extendedKeyUsage=OCSPSigning", "other");
  EXPECT_EQ(fault(respond("responder")), OcspFault::unknown_responder);
  EXPECT_EQ(fault(respond("responder", "-ndays 1 -resp_no_certs")), OcspFault::unknown_responder);
}

TEST_F(Ocsp, AboutAnotherCertificate) {
  const std::string response = respond("ca");
  EXPECT_EQ(check_ocsp(as_bytes(response), ca(), ca(), wall_clock(), portable_cpu).error().fault,
            OcspFault::other_certificate);
  EXPECT_EQ(check_ocsp(as_bytes(response), leaf(), other(), wall_clock(), portable_cpu).error().fault,
            OcspFault::other_certificate);
}

TEST_F(Ocsp, OnlyWhileItHolds) {
  const std::string response = respond("ca");
  EXPECT_TRUE(check(response, -ocsp_tolerance_seconds + 30).has_value());
  EXPECT_EQ(fault(response, -ocsp_tolerance_seconds - 60), OcspFault::not_yet_valid);
  EXPECT_TRUE(check(response, 86'400 + ocsp_tolerance_seconds - 60).has_value());
  EXPECT_EQ(fault(response, 86'400 + ocsp_tolerance_seconds + 60), OcspFault::expired);
  const std::string without_end = respond("ca", "");
  EXPECT_TRUE(check(without_end).has_value());
  EXPECT_EQ(fault(without_end, ocsp_lifetime_seconds + ocsp_tolerance_seconds + 60), OcspFault::expired);
}

TEST_F(Ocsp, WeakSignaturesAndNoAnswers) {
  EXPECT_EQ(fault(respond("ca", "-ndays 1 -rmd sha1")), OcspFault::weak_signature_algorithm);
  EXPECT_EQ(fault(std::string("\x30\x03\x0a\x01\x03", 5)), OcspFault::not_successful);  // tryLater
  EXPECT_EQ(fault(std::string("\x30\x03\x0a\x01\x00", 5)), OcspFault::malformed_der);
  EXPECT_EQ(fault(""), OcspFault::malformed_der);
  EXPECT_EQ(fault(std::string(max_ocsp_response_size + 1, '0')), OcspFault::too_large);
}

// RFC 4055, section 3.1: the parameters of a key restrict what it signs with.
TEST_F(Ocsp, OnlyWhatTheKeyMaySignWith) {
  must_run("openssl genpkey " + key_options(KeyType::rsa_pss) + " -out ca.key");
  must_run("openssl req -x509 -new -key ca.key -sigopt rsa_pss_saltlen:digest -subj '/CN=root' -days 9 -out ca.pem");
  load("ca");
  Certificate issuer = lists_.back()[0];
  const std::string response = respond("ca", "-ndays 1 -rmd sha256 -rsigopt rsa_pss_saltlen:digest");
  const auto answers = [&](const Octets& parameters) {
    issuer.public_key_info.algorithm.parameters = parameters;
    return check_ocsp(as_bytes(response), leaf(), issuer, {wall_clock().seconds + 60}, portable_cpu).has_value();
  };
  EXPECT_TRUE(answers({}));
  EXPECT_TRUE(answers(pss_parameters(asn1::oids::sha256, asn1::oids::sha256, 32)));
  EXPECT_FALSE(answers(pss_parameters(asn1::oids::sha384, asn1::oids::sha384, 48)));
}

TEST_F(Ocsp, DamagedOnesSayNothing) {
  const std::string response = respond("responder");
  for (std::size_t n = 0; n < response.size(); ++n) EXPECT_FALSE(check(response.substr(0, n)).has_value()) << n;
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < response.size(); ++at) {
    std::string damaged = response;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x04);
    accepted += check(damaged).has_value();
  }
  EXPECT_EQ(accepted, 0u);
  const Octets octets(response.begin(), response.end());
  const std::vector<Octets> longer = append_everywhere(octets);
  EXPECT_GE(longer.size(), 30u);
  for (const Octets& one : longer) {
    EXPECT_FALSE(check_ocsp(one, leaf(), ca(), wall_clock(), portable_cpu).has_value());
  }
}

}  // namespace
}  // namespace limpid::x509::test
