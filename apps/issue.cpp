#include "issue.hpp"

#include "limpid/core/constant_time.hpp"
#include "limpid/effects/clock.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/x509/pem.hpp"

namespace limpid::apps {

void Issued::forget() { wipe({reinterpret_cast<Byte*>(key_pem.data()), key_pem.size()}); }

Result<Issued> issue(const CertificateRequest& request, crypto::KeyType key_type, std::optional<Issuer> issuer) {
  crypto::Generator generator{effects::entropy()};
  const crypto::PrivateKey key = crypto::PrivateKey::generate(key_type, generator);
  const std::vector<std::string_view> dns_names(request.dns_names.begin(), request.dns_names.end());
  x509::CertificateContents contents{.common_name = request.common_name,
                                     .organization = request.organization,
                                     .dns_names = dns_names,
                                     .ip_addresses = request.ip_addresses,
                                     .validity = request.validity,
                                     .is_ca = request.is_ca,
                                     .path_length = std::nullopt};
  generator.fill(contents.serial_entropy);
  const auto hedge = crypto::draw<32>(generator);
  Buffer der(effects::startup_budget());
  const auto made = issuer ? x509::issue(der, contents, key.public_key(), issuer->certificate, issuer->key,
                                         hedge.bytes(), effects::cpu_features())
                           : x509::issue_self_signed(der, contents, key, hedge.bytes(), effects::cpu_features());
  if (!made) return effects::fail("cannot make the certificate: " + std::string(x509::describe(made.error())));

  Issued issued;
  issued.certificate_pem =
      effects::text_of([&](Writer& out) { x509::write_pem(out, "CERTIFICATE", Bytes(der.data(), der.size())); });
  std::array<Byte, 1024> room;
  Writer out(room);
  x509::write_private_key_pem(out, key);
  issued.key_pem = as_text(out.written());
  wipe(room);
  return issued;
}

Result<void> write_pair(const Issued& issued, const std::string& certificate_path, const std::string& key_path) {
  auto key = effects::WholeFile::create(key_path, 0600);
  if (!key) return std::unexpected(key.error());
  auto certificate = effects::WholeFile::create(certificate_path, 0644);
  if (!certificate) return std::unexpected(certificate.error());
  if (auto written = key->write(as_bytes(issued.key_pem)); !written) return written;
  if (auto written = certificate->write(as_bytes(issued.certificate_pem)); !written) return written;
  if (auto committed = key->commit(); !committed) return committed;
  return certificate->commit();
}

x509::Validity validity_for(std::int64_t days) {
  const UnixTime now = effects::now().wall;
  return {{now.seconds - 3600}, {now.seconds + days * 86400}};
}

}  // namespace limpid::apps
