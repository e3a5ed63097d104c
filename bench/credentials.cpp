#include "bench/credentials.hpp"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <ctime>
#include <vector>

#include "bench/openssl.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/x509/issue.hpp"
#include "limpid/x509/pem.hpp"

namespace limpid::bench {
namespace {

std::string pem_of(Bytes der, Budget& budget) {
  Buffer text(budget);
  Writer out(text);
  x509::write_pem(out, "CERTIFICATE", der);
  return std::string(as_text({text.data(), text.size()}));
}

// OpenSSL makes the RSA keys: limpid's libraries only load them.
crypto::PrivateKey make_rsa_key() {
  const std::unique_ptr<EVP_PKEY, Releases<EVP_PKEY_free>> made(EVP_RSA_gen(2048));
  const auto number = [&](const char* name) {
    BIGNUM* value = nullptr;
    if (EVP_PKEY_get_bn_param(made.get(), name, &value) != 1) std::abort();
    std::vector<Byte> bytes(static_cast<std::size_t>(BN_num_bytes(value)));
    BN_bn2bin(value, bytes.data());
    BN_clear_free(value);
    return bytes;
  };
  const auto n = number("n"), e = number("e"), d = number("d"), p = number("rsa-factor1"), q = number("rsa-factor2"),
             dp = number("rsa-exponent1"), dq = number("rsa-exponent2"), qinv = number("rsa-coefficient1");
  auto key = crypto::PrivateKey::rsa(crypto::KeyType::rsa, {n, e, d, p, q, dp, dq, qinv});
  if (!key) std::abort();
  return std::move(*key);
}

crypto::PrivateKey make_key(crypto::KeyType type, crypto::Generator& generator) {
  return crypto::is_rsa(type) ? make_rsa_key() : crypto::PrivateKey::generate(type, generator);
}

}  // namespace

UnixTime wall_now() { return {std::time(nullptr)}; }

Credentials::Credentials(crypto::KeyType type) {
  const CpuFeatures cpu = effects::cpu_features();
  crypto::Generator generator(std::array<Byte, 32>{1});
  const std::array<Byte, 32> hedge{};
  const crypto::PrivateKey authority = make_key(type, generator);
  crypto::PrivateKey key = make_key(type, generator);

  x509::CertificateContents contents;
  contents.validity = {{wall_now().seconds - 3600}, {wall_now().seconds + 86400}};
  contents.common_name = "bench authority";
  contents.is_ca = true;
  contents.serial_entropy = {1};
  Buffer anchor_der(budget), leaf_der(budget);
  bool made = x509::issue_self_signed(anchor_der, contents, authority, hedge, cpu).has_value();
  const Bytes anchor_ders[] = {Bytes(anchor_der.data(), anchor_der.size())};
  anchors = *x509::CertificateList::parse(anchor_ders, budget);

  const std::string_view names[] = {host};
  contents.common_name = host;
  contents.is_ca = false;
  contents.serial_entropy = {2};
  contents.dns_names = names;
  made =
      made &&
      x509::issue(leaf_der, contents, key.public_key(), anchors.certificates()[0], authority, hedge, cpu).has_value();
  const Bytes leaf_ders[] = {Bytes(leaf_der.data(), leaf_der.size())};
  Buffer text(budget);
  Writer out(text);
  x509::write_private_key_pem(out, key);
  key_pem = as_text({text.data(), text.size()});
  anchor_pem = pem_of(anchor_ders[0], budget);
  chain_pem = pem_of(leaf_ders[0], budget);
  made = made && identities.add(
                     *stack::Identity::make(*x509::CertificateList::parse(leaf_ders, budget), std::move(key), budget));
  if (!made) std::abort();
}

}  // namespace limpid::bench
