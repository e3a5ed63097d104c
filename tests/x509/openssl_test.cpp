// Certificates and keys both ways with OpenSSL's and GnuTLS's command lines.
#include "limpid/x509/describe.hpp"
#include "limpid/x509/verify.hpp"
#include "tests/x509/other_tools.hpp"

namespace limpid::x509::test {
namespace {

using crypto::KeyType;

class OtherTools : public InFolder, public testing::WithParamInterface<KeyType> {
 protected:
  static std::string openssl_key_options() { return key_options(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(KeyTypes, OtherTools, testing::ValuesIn(every_key_type),
                         [](const testing::TestParamInfo<KeyType>& tested) { return name_of(tested.param); });

std::string pem_of(Bytes der) {
  return text_of([&](Writer& out) { write_pem(out, "CERTIFICATE", der); });
}

TEST_P(OtherTools, OurCertificatesSatisfyThem) {
  Budget budget(1 << 20);
  Buffer ca_der(budget);
  Buffer leaf_der(budget);
  const crypto::PrivateKey ca_key = key_number(1, GetParam());
  const crypto::PrivateKey leaf_key = key_number(2, GetParam());
  CertificateContents ca;
  ca.common_name = "limpid test CA";
  ca.validity = {{wall_clock().seconds - 3600}, {wall_clock().seconds + 3600}};
  ca.is_ca = true;
  ca.path_length = 0;
  ASSERT_TRUE(issue_self_signed(ca_der, ca, ca_key, hedge, portable_cpu));
  CertificateContents leaf;
  const std::string_view names[] = {"example.com", "*.example.com"};
  const IpAddress addresses[] = {*parse_ip("127.0.0.1"), *parse_ip("::1")};
  leaf.dns_names = names;
  leaf.ip_addresses = addresses;
  leaf.validity = ca.validity;
  leaf.serial_entropy = {9, 9, 9};
  const auto issuer = parse_certificate({ca_der.data(), ca_der.size()});
  ASSERT_TRUE(issue(leaf_der, leaf, leaf_key.public_key(), *issuer, ca_key, hedge, portable_cpu));
  write("ca.pem", pem_of({ca_der.data(), ca_der.size()}));
  write("leaf.pem", pem_of({leaf_der.data(), leaf_der.size()}));
  write("leaf.key", text_of([&](Writer& out) { write_private_key_pem(out, leaf_key); }));

  if (!have("openssl")) GTEST_SKIP() << "openssl is not installed";
  if (GetParam() != KeyType::rsa_pss) {  // OpenSSL 3.0 is strict about parameters, which RFC 4055 leaves out
    must_run("openssl verify -x509_strict -purpose sslserver -verify_hostname www.example.com -CAfile ca.pem leaf.pem");
  }
  must_run("openssl verify -purpose sslserver -verify_hostname www.example.com -CAfile ca.pem leaf.pem");
  must_run("openssl verify -verify_ip ::1 -CAfile ca.pem leaf.pem");
  EXPECT_NE(run("openssl verify -verify_hostname example.org -CAfile ca.pem leaf.pem"), 0);
  EXPECT_NE(run("openssl verify -purpose sslclient -CAfile ca.pem leaf.pem"), 0);
  must_run("openssl pkey -in leaf.key -check -noout");
  must_run("openssl x509 -in leaf.pem -noout -pubkey >a && openssl pkey -in leaf.key -pubout >b && cmp a b");
  must_run("openssl x509 -in leaf.pem -noout -fingerprint -sha256");
  std::string fingerprint = text_of(
      [&](Writer& out) { describe(out, *parse_certificate({leaf_der.data(), leaf_der.size()}), portable_cpu); });
  fingerprint = fingerprint.substr(fingerprint.find("SHA-256:") + 15, 95);
  std::ranges::transform(fingerprint, fingerprint.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  EXPECT_NE(read("out").find(fingerprint), std::string::npos) << read("out") << fingerprint;

  if (!have("certtool")) GTEST_SKIP() << "certtool (gnutls-bin) is not installed";
  must_run("certtool --verify --load-ca-certificate ca.pem --verify-hostname www.example.com --infile leaf.pem");
  must_run("certtool --key-info --infile leaf.key");
}

TEST_P(OtherTools, TheirCertificatesVerifyWithOurs) {
  if (!have("openssl")) GTEST_SKIP() << "openssl is not installed";
  // OpenSSL's default is as much salt as fits, which limpid does not take.
  const std::string salt = GetParam() == KeyType::rsa_pss ? "-sigopt rsa_pss_saltlen:digest " : "";
  must_run("openssl genpkey " + openssl_key_options() + " -out ca.key");
  must_run("openssl genpkey " + openssl_key_options() + " -out sub.key");
  must_run("openssl genpkey " + openssl_key_options() + " -out leaf.key");
  must_run("openssl req -x509 -new -key ca.key " + salt + "-subj '/O=Test/CN=root' -days 2 -out ca.pem");
  write("sub.ext",
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n"
        "nameConstraints=critical,permitted;DNS:example.com,excluded;IP:10.0.0.0/255.0.0.0\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always,issuer:always\n");
  write("leaf.ext",
        "subjectAltName=DNS:www.example.com,IP:192.0.2.1,IP:2001:db8::1,email:copy,URI:https://example.com/\n"
        "extendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\nauthorityKeyIdentifier=keyid\n"
        "certificatePolicies=1.2.3.4\ncrlDistributionPoints=URI:http://example.com/crl\n"
        "authorityInfoAccess=OCSP;URI:http://example.com/ocsp\ntlsfeature=status_request\n");
  must_run("openssl req -new -key sub.key -subj '/O=Test/CN=sub' -out sub.csr");
  must_run("openssl x509 -req " + salt +
           "-in sub.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile sub.ext -out sub.pem");
  must_run("openssl req -new -key leaf.key -subj '/O=Test/CN=leaf' -out leaf.csr");
  must_run("openssl x509 -req " + salt +
           "-in leaf.csr -CA sub.pem -CAkey sub.key -CAcreateserial -days 2 -extfile leaf.ext -out "
           "leaf.pem");

  Budget budget(1 << 20);
  const auto chain = CertificateList::load(as_bytes(read("leaf.pem") + read("sub.pem")), budget);
  const auto anchors = CertificateList::load(as_bytes(read("ca.pem")), budget);
  ASSERT_TRUE(chain.has_value() && anchors.has_value());
  const std::vector<Bytes> ders = {(*chain)[0].der, (*chain)[1].der};
  for (const std::string_view name : {"www.example.com", "192.0.2.1", "2001:db8::1"}) {
    const auto valid = verify_chain(ders, anchors->certificates(), {wall_clock(), Purpose::server, peer_name(name)},
                                    budget, portable_cpu);
    EXPECT_TRUE(valid.has_value()) << name << ": " << describe(valid.error().reason);
  }
  EXPECT_EQ(verify_chain(ders, anchors->certificates(), {wall_clock(), Purpose::server, "leaf"}, budget, portable_cpu)
                .error()
                .reason,
            InvalidReason::name_mismatch);

  // The keys, in the forms in which they come; OpenSSL's public key is in the certificate.
  const auto key = load_private_key(as_bytes(read("leaf.key")));
  ASSERT_TRUE(key.has_value());
  EXPECT_TRUE(key_matches(*key, (*chain)[0]));
  must_run("openssl pkey -in leaf.key -outform DER -out leaf.der");
  EXPECT_TRUE(key_matches(*load_private_key(as_bytes(read("leaf.der"))), (*chain)[0]));
  must_run("openssl pkcs8 -topk8 -in leaf.key -passout pass:secret -out encrypted.key");
  EXPECT_EQ(load_private_key(as_bytes(read("encrypted.key"))).error().fault, KeyFault::encrypted);
  if (GetParam() == KeyType::p256) {
    must_run("openssl ec -in leaf.key -out sec1.key && openssl ec -in leaf.key -outform DER -out sec1.der");
    EXPECT_TRUE(key_matches(*load_private_key(as_bytes(read("sec1.key"))), (*chain)[0]));
    EXPECT_TRUE(key_matches(*load_private_key(as_bytes(read("sec1.der"))), (*chain)[0]));
    must_run("openssl ec -in leaf.key -aes128 -passout pass:secret -out encrypted.key");
    EXPECT_EQ(load_private_key(as_bytes(read("encrypted.key"))).error().fault, KeyFault::legacy_encryption);
    must_run("openssl ecparam -name prime256v1 -genkey -out parameters.key");  // with EC PARAMETERS in front
    EXPECT_TRUE(load_private_key(as_bytes(read("parameters.key"))).has_value());
    must_run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out p521.key");
    EXPECT_EQ(load_private_key(as_bytes(read("p521.key"))).error().fault, KeyFault::unsupported_key_type);
  }
}

TEST_P(OtherTools, GnuTlsCertificatesVerifyWithOurs) {
  if (!have("certtool")) GTEST_SKIP() << "certtool (gnutls-bin) is not installed";
  const std::string type = GetParam() == KeyType::p256      ? "--key-type ecdsa --curve secp256r1"
                           : GetParam() == KeyType::p384    ? "--key-type ecdsa --curve secp384r1"
                           : GetParam() == KeyType::ed25519 ? "--key-type ed25519"
                           : GetParam() == KeyType::rsa     ? "--key-type rsa --bits 2048"
                                                            : "--key-type rsa-pss --bits 2048 --hash sha256";
  must_run("certtool --generate-privkey --no-text " + type + " --outfile ca.key");
  must_run("certtool --generate-privkey --no-text " + type + " --outfile leaf.key");
  write("ca.cfg", "cn = root\nca\ncert_signing_key\nexpiration_days = 2\n");
  write("leaf.cfg",
        "cn = leaf\ndns_name = www.example.com\nip_address = 192.0.2.1\ntls_www_server\nsigning_key\nexpiration_days = "
        "2\n");
  must_run("certtool --generate-self-signed --no-text --load-privkey ca.key --template ca.cfg --outfile ca.pem");
  must_run(
      "certtool --generate-certificate --no-text --load-privkey leaf.key --load-ca-certificate ca.pem "
      "--load-ca-privkey ca.key --template leaf.cfg --outfile leaf.pem");
  Budget budget(1 << 20);
  const auto chain = CertificateList::load(as_bytes(read("leaf.pem")), budget);
  const auto anchors = CertificateList::load(as_bytes(read("ca.pem")), budget);
  ASSERT_TRUE(chain.has_value() && anchors.has_value());
  const UnixTime soon{wall_clock().seconds + 60};
  const auto valid =
      verify((*chain)[0], {}, anchors->certificates(), {soon, Purpose::server, "www.example.com"}, portable_cpu);
  EXPECT_TRUE(valid.has_value()) << describe(valid.error().reason);
  const auto key = load_private_key(as_bytes(read("leaf.key")));
  ASSERT_TRUE(key.has_value()) << describe(key.error().fault);
  EXPECT_TRUE(key_matches(*key, (*chain)[0]));
}

// What the system trusts, if this machine has a bundle: every root is read, of whatever key type.
TEST(SystemBundle, EveryRootIsRead) {
  const std::string file = read_file("/etc/ssl/certs/ca-certificates.crt");
  if (file.empty()) GTEST_SKIP() << "ca-certificates is not installed";
  Budget budget(8 << 20);
  const auto roots = CertificateList::load(as_bytes(file), budget);
  ASSERT_TRUE(roots.has_value()) << text_of([&](Writer& out) { write_error(out, roots.error()); });
  EXPECT_GT(roots->size(), 50u);
  // And the key of every one can be used, but for those with the exponent 3.
  std::size_t usable = 0;
  for (const Certificate& root : roots->certificates()) {
    EXPECT_FALSE(text_of([&](Writer& out) { describe(out, root, portable_cpu); }).empty());
    const auto key = public_key(root.public_key_info);
    if (key) {
      ++usable;
    } else {
      EXPECT_EQ(key.error(), PublicKeyFault::weak_key);
      std::printf("not used: %s\n", text_of([&](Writer& out) { write_name(out, root.subject); }).c_str());
    }
  }
  std::printf("%zu roots, %zu with a key that is used\n", roots->size(), usable);
  EXPECT_GE(usable + 4, roots->size());
}

}  // namespace
}  // namespace limpid::x509::test
