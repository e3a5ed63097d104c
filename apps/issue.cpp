#include "issue.hpp"

#include "limpid/core/constant_time.hpp"
#include "limpid/effects/clock.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/x509/pem.hpp"
#include "rsa_key.hpp"

namespace limpid::apps {
namespace {

Result<crypto::PrivateKey> generate(KeyKind kind, crypto::Generator& generator) {
  if (kind.type == crypto::KeyType::rsa) return generate_rsa_key(kind.rsa_bits, generator);
  return crypto::PrivateKey::generate(kind.type, generator);
}

// A new key, and the document that `write` makes for it.
template <class Write>
Result<Issued> make(const CertificateRequest& request, KeyKind kind, std::string_view label, Write&& write) {
  crypto::Generator generator{effects::entropy()};
  const auto key = generate(kind, generator);
  if (!key) return std::unexpected(key.error());
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
  const auto made = write(der, contents, *key, hedge.bytes());
  if (!made) return effects::fail("cannot make the certificate: " + std::string(x509::describe(made.error())));

  Issued issued;
  issued.certificate_pem =
      effects::text_of([&](Writer& out) { x509::write_pem(out, label, {der.data(), der.size()}); });
  Secret<2 * x509::max_key_size> room;  // in Base64
  Writer out(MutableBytes(room.mutable_bytes()));
  x509::write_private_key_pem(out, *key);
  issued.key_pem = as_text(out.written());
  return issued;
}

}  // namespace

void Issued::forget() { wipe({reinterpret_cast<Byte*>(key_pem.data()), key_pem.size()}); }

std::optional<KeyKind> key_kind(std::string_view name) {
  if (name == "p256") return KeyKind{crypto::KeyType::p256};
  if (name == "p384") return KeyKind{crypto::KeyType::p384};
  if (name == "ed25519") return KeyKind{crypto::KeyType::ed25519};
  if (name == "rsa2048") return KeyKind{crypto::KeyType::rsa, 2048};
  if (name == "rsa3072") return KeyKind{crypto::KeyType::rsa, 3072};
  if (name == "rsa4096") return KeyKind{crypto::KeyType::rsa, 4096};
  return std::nullopt;
}

Result<Issued> issue(const CertificateRequest& request, KeyKind kind, std::optional<Issuer> issuer) {
  return make(request, kind, "CERTIFICATE",
              [&](Buffer& der, const x509::CertificateContents& contents, const crypto::PrivateKey& key, auto hedge) {
                const CpuFeatures cpu = effects::cpu_features();
                return issuer
                           ? x509::issue(der, contents, key.public_key(), issuer->certificate, issuer->key, hedge, cpu)
                           : x509::issue_self_signed(der, contents, key, hedge, cpu);
              });
}

Result<Issued> make_certification_request(const CertificateRequest& request, KeyKind kind) {
  return make(request, kind, "CERTIFICATE REQUEST",
              [&](Buffer& der, const x509::CertificateContents& contents, const crypto::PrivateKey& key, auto hedge) {
                return x509::request_certificate(der, contents, key, hedge, effects::cpu_features());
              });
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
