#include "bench/credentials.hpp"

#include <cstdlib>
#include <ctime>

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

}  // namespace

UnixTime wall_now() { return {std::time(nullptr)}; }

Credentials::Credentials(crypto::KeyType type) {
  const CpuFeatures cpu = effects::cpu_features();
  crypto::Generator generator(std::array<Byte, 32>{1});
  const std::array<Byte, 32> hedge{};
  const crypto::PrivateKey authority = crypto::PrivateKey::generate(type, generator);
  crypto::PrivateKey key = crypto::PrivateKey::generate(type, generator);

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
