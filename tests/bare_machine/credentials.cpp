#include "tests/bare_machine/credentials.hpp"

#include "limpid/tls/query.hpp"
#include "limpid/x509/issue.hpp"

namespace limpid::bare_machine {

std::optional<Credentials> make_credentials(crypto::KeyType type, crypto::Generator& generator, Budget& budget,
                                            CpuFeatures cpu) {
  constexpr x509::Validity validity{{wall_time.seconds - 3600}, {wall_time.seconds + 3600}};
  const auto ca_key = crypto::PrivateKey::generate(type, generator);
  Credentials made{Buffer(budget), Buffer(budget), Buffer(budget), crypto::PrivateKey::generate(type, generator)};

  x509::CertificateContents ca;
  ca.common_name = "bare machine CA";
  ca.validity = validity;
  ca.is_ca = true;
  ca.serial_entropy[0] = 1;
  const auto ca_hedge = crypto::draw<32>(generator);
  if (!issue_self_signed(made.anchor_der, ca, ca_key, ca_hedge.bytes(), cpu)) return std::nullopt;
  const auto issuer = x509::parse_certificate({made.anchor_der.data(), made.anchor_der.size()});
  if (!issuer) return std::nullopt;

  x509::CertificateContents leaf;
  const std::array names{host_name};
  leaf.dns_names = names;
  leaf.validity = validity;
  leaf.serial_entropy[0] = 2;
  const auto hedge = crypto::draw<32>(generator);
  if (!issue(made.leaf_der, leaf, made.leaf_key.public_key(), *issuer, ca_key, hedge.bytes(), cpu)) return std::nullopt;
  Writer list(made.certificate_list);
  tls::append_certificate(list, {made.leaf_der.data(), made.leaf_der.size()});
  return made;
}

}  // namespace limpid::bare_machine
