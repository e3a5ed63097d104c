// Chains that a seeded generator makes, most of them wrong somewhere, judged by limpid and by OpenSSL.
//
// What limpid calls valid, OpenSSL must call valid when it is given that very path: building paths, OpenSSL takes the
// first issuer that looks right and does not come back. What limpid calls invalid, OpenSSL must call invalid whatever
// it is given, but for the differences that are named below.
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <map>
#include <memory>

#include "limpid/x509/verify.hpp"
#include "tests/support/random.hpp"
#include "tests/x509/support.hpp"

namespace limpid::x509::test {
namespace {

using limpid::test::Random;
namespace oids = asn1::oids;

constexpr std::size_t chains = 400;

struct OpenSslFree {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};
using OpenSslCertificate = std::unique_ptr<X509, OpenSslFree>;

OpenSslCertificate to_openssl(Bytes der) {
  const unsigned char* at = der.data();
  return OpenSslCertificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

// X509_V_OK, or OpenSSL's error. Any certificate may be an anchor, as with limpid.
int openssl_verdict(Bytes leaf, std::span<const Bytes> untrusted, std::span<const Bytes> trusted) {
  std::vector<OpenSslCertificate> kept;
  const std::unique_ptr<X509_STORE, OpenSslFree> store(X509_STORE_new());
  const std::unique_ptr<X509_STORE_CTX, OpenSslFree> context(X509_STORE_CTX_new());
  STACK_OF(X509)* others = sk_X509_new_null();
  for (const Bytes der : trusted) {
    kept.push_back(to_openssl(der));
    X509_STORE_add_cert(store.get(), kept.back().get());
  }
  for (const Bytes der : untrusted) {
    kept.push_back(to_openssl(der));
    sk_X509_push(others, kept.back().get());
  }
  const OpenSslCertificate end = to_openssl(leaf);
  X509_STORE_CTX_init(context.get(), store.get(), end.get(), others);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_time(parameters, now.seconds);
  X509_VERIFY_PARAM_set1_host(parameters, "www.example.com", 0);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool good = X509_verify_cert(context.get()) == 1;
  const int error = X509_STORE_CTX_get_error(context.get());
  sk_X509_free(others);
  return good ? X509_V_OK : (error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error);
}

struct Pki {
  std::vector<Octets> untrusted;
  std::vector<Octets> trusted;
  Octets leaf;
};

// A few names and keys, so that issuers are found, crossed and mistaken for each other.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  Pki next() {
    Pki pki;
    const std::size_t depth = random_.below(4);  // intermediates
    // The path that is meant: authority 0 is the root.
    pki.trusted.push_back(authority(0, 0));
    for (std::size_t i = 1; i <= depth; ++i) pki.untrusted.push_back(authority(i, i - 1));
    pki.leaf = leaf(depth);
    // And what leads astray: cross-signatures, other versions, other roots.
    for (std::size_t extra = random_.below(4); extra-- > 0;) {
      const std::size_t subject = random_.below(5), issuer = random_.below(5);
      (random_.below(4) == 0 ? pki.trusted : pki.untrusted).push_back(authority(subject, issuer));
    }
    if (random_.below(10) == 0) pki.trusted.erase(pki.trusted.begin());
    for (std::size_t i = pki.untrusted.size(); i > 1; --i) {
      std::swap(pki.untrusted[i - 1], pki.untrusted[random_.below(i)]);
    }
    return pki;
  }

 private:
  bool seldom() { return random_.below(14) == 0; }
  static std::string name(std::size_t authority) { return "authority " + std::to_string(authority); }
  static const crypto::PrivateKey& key(std::size_t authority) {
    static const std::vector<crypto::PrivateKey> keys = [] {
      std::vector<crypto::PrivateKey> made;
      for (Byte i = 0; i < 6; ++i) {
        made.push_back(
            key_number(static_cast<Byte>(i + 1), i % 2 == 0 ? crypto::KeyType::p256 : crypto::KeyType::p384));
      }
      return made;
    }();
    return keys[authority];
  }

  void common(Forgery& forgery) {
    forgery.serial = {static_cast<Byte>(1 + random_.below(100)), static_cast<Byte>(random_.next())};
    if (seldom()) forgery.validity.not_after = {now.seconds - 1};
    if (seldom()) forgery.validity.not_before = {now.seconds + 1};
    if (seldom()) forgery.break_signature = true;
    if (seldom()) forgery.extensions.push_back({asn1::oid<1, 2, 3, 4>, random_.below(2) == 0, {0x05, 0x00}});
    if (seldom())
      forgery.extensions.push_back(ext_key_usage({oids::server_auth, oids::client_auth}));
    else if (seldom())
      forgery.extensions.push_back(ext_key_usage({oids::client_auth}));
  }

  Octets authority(std::size_t subject, std::size_t issuer) {
    Forgery ca;
    ca.subject = name(subject);
    ca.issuer = name(issuer);
    if (!seldom()) {
      const bool limited = random_.below(4) == 0;
      ca.extensions.push_back(
          basic_constraints(true, limited ? std::optional<std::uint32_t>(random_.below(3)) : std::nullopt));
    } else if (random_.below(2) == 0) {
      ca.extensions.push_back(basic_constraints(false));
    }
    const bool path_length_stated = ca.extensions.size() == 1 && ca.extensions[0].value.size() > 5;
    if (random_.below(2) == 0) {
      ca.extensions.push_back(seldom() && !path_length_stated ? key_usage({KeyUsageBit::crl_sign})
                                                              : key_usage({KeyUsageBit::key_cert_sign}));
    }
    if (seldom()) {
      ca.extensions.push_back(random_.below(2) == 0 ? name_constraints({{2, "example.com"}}, {})
                                                    : name_constraints({}, {{2, "www.example.com"}}));
    } else if (seldom()) {
      ca.extensions.push_back(name_constraints({{2, "example.org"}}, {}));
    }
    common(ca);
    return ca.sign(key(subject).public_key(), key(issuer));
  }

  Octets leaf(std::size_t issuer) {
    Forgery leaf;
    leaf.subject = "leaf";
    leaf.issuer = name(seldom() ? 5 : issuer);
    leaf.extensions.push_back(subject_alt_name(seldom()                ? "www.example.net"
                                               : random_.below(3) == 0 ? "*.example.com"
                                                                       : "www.example.com"));
    if (random_.below(2) == 0) {
      leaf.extensions.push_back(key_usage({seldom() ? KeyUsageBit::crl_sign : KeyUsageBit::digital_signature}));
    }
    if (seldom()) leaf.extensions.push_back(basic_constraints(false));
    common(leaf);
    return leaf.sign(key(5).public_key(), key(seldom() ? (issuer + 1) % 5 : issuer));
  }

  Random random_;
};

std::vector<Certificate> parse(std::span<const Octets> ders) {
  std::vector<Certificate> certificates;
  for (const Octets& der : ders) certificates.push_back(parse_certificate(der).value());
  return certificates;
}
std::vector<Bytes> views(std::span<const Octets> ders) { return {ders.begin(), ders.end()}; }

TEST(BesideOpenSsl, TheSameVerdictOnEveryChain) {
  Generator generator(20261120);
  std::map<std::string, std::size_t> verdicts;
  std::size_t other_paths = 0;
  for (std::size_t n = 0; n < chains; ++n) {
    const Pki pki = generator.next();
    const Certificate leaf = parse_certificate(pki.leaf).value();
    const std::vector<Certificate> intermediates = parse(pki.untrusted), anchors = parse(pki.trusted);
    const VerifyOptions options{now, Purpose::server, "www.example.com"};
    const auto ours = verify(leaf, intermediates, anchors, options, portable_cpu);
    const int theirs = openssl_verdict(pki.leaf, views(pki.untrusted), views(pki.trusted));
    ++verdicts[ours ? "valid" : std::string(reason_name(ours.error().reason))];
    if (!ours) {
      // RFC 5280, section 6.1.4 (k), demands basicConstraints of a CA of version 3; OpenSSL takes keyCertSign instead.
      if (theirs == X509_V_OK && ours.error().reason == InvalidReason::not_a_ca) continue;
      // A wildcard that could stand for an excluded name is excluded here; OpenSSL compares the text.
      const Bytes name = leaf.subject_alt_name->begin()->value;
      const bool wildcard = as_text(name).starts_with('*');
      if (theirs == X509_V_OK && ours.error().reason == InvalidReason::name_not_permitted && wildcard) continue;
      EXPECT_NE(theirs, X509_V_OK) << "chain " << n << ": " << reason_name(ours.error().reason);
      continue;
    }
    if (theirs == X509_V_OK) continue;
    ++other_paths;
    std::vector<Bytes> path;
    for (const CertificateIndex index : ours->certificates().subspan(1)) {
      path.push_back(index.in == CertificateIndex::In::anchors ? anchors[index.index].der
                                                               : intermediates[index.index - 1].der);
    }
    ASSERT_FALSE(path.empty());
    const int of_path = openssl_verdict(pki.leaf, std::span(path).first(path.size() - 1), std::span(path).last(1));
    EXPECT_EQ(of_path, X509_V_OK) << "chain " << n << ": " << X509_verify_cert_error_string(of_path);
  }
  // Enough of each kind that the comparison says something.
  EXPECT_GT(verdicts["valid"], chains / 8);
  EXPECT_GE(verdicts.size(), 12u);
  for (const auto& [reason, count] : verdicts) std::printf("%4zu %s\n", count, reason.c_str());
  std::printf("%4zu valid by a path that OpenSSL did not find\n", other_paths);
}

}  // namespace
}  // namespace limpid::x509::test
