#include "limpid/effects/credentials.hpp"

#include <unistd.h>

#include <cstdlib>

#include "limpid/effects/cpu.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/x509/describe.hpp"
#include "limpid/x509/ocsp.hpp"

namespace limpid::effects {
namespace {

constexpr std::size_t largest_bundle = 16 << 20;
constexpr std::size_t largest_key_file = 1 << 20;

Result<x509::CertificateList> load_list(const std::string& path, x509::OnMalformed on_malformed) {
  auto file = read_file(path, largest_bundle);
  if (!file) return std::unexpected(file.error());
  auto list = x509::CertificateList::load(as_bytes(*file), startup_budget(), on_malformed);
  if (list) return std::move(*list);
  const std::string why = text_of([&](Writer& out) { x509::write_error(out, list.error()); });
  if (list.error().fault == x509::ListFault::no_certificate) {
    return fail("'" + path + "' holds no certificate; name a PEM file with a CERTIFICATE block, or one in DER");
  }
  return fail("cannot use the certificate in '" + path + "': " + why + "; get it again from who made it");
}

struct LoadedStaple {
  std::string response;
  UnixTime until;
};

Result<LoadedStaple> load_staple(const std::string& path, const x509::CertificateList& chain, UnixTime now) {
  if (::access(path.c_str(), F_OK) != 0) return {};
  auto response = read_file(path, x509::max_ocsp_response_size);
  if (!response) return std::unexpected(response.error());
  const auto refuse = [&](const std::string& why) {
    return fail("cannot staple the OCSP response in '" + path + "': " + why + "; fetch a new one or remove the file");
  };
  if (chain.certificates().size() < 2) return refuse("the issuer's certificate does not stand behind the leaf's");
  const auto answer = x509::check_ocsp(as_bytes(*response), chain[0], chain[1], now, cpu_features());
  if (!answer) return refuse(text_of([&](Writer& out) { x509::write_error(out, answer.error()); }));
  if (answer->status != x509::OcspStatus::good) return refuse("it does not say that the certificate is good");
  return LoadedStaple{std::move(*response), answer->until()};
}

}  // namespace

Budget& startup_budget() {
  static Budget budget(std::size_t{1} << 40);
  return budget;
}

Result<x509::CertificateList> load_certificates(const std::string& path) {
  return load_list(path, x509::OnMalformed::refuse);
}

Result<x509::CertificateList> load_roots(const std::string& path) { return load_list(path, x509::OnMalformed::skip); }

Result<x509::CertificateList> system_roots() {
  const char* named = std::getenv("SSL_CERT_FILE");
  auto roots = load_roots(named != nullptr ? named : "/etc/ssl/certs/ca-certificates.crt");
  if (roots || named != nullptr) return roots;
  return fail(roots.error().text + " (or install the package ca-certificates, or name a file with --ca)");
}

Result<crypto::PrivateKey> load_private_key(const std::string& path, const PassphraseSource& passphrases) {
  auto content = read_file(path, largest_key_file);
  if (!content) return std::unexpected(content.error());
  const SecretText file(std::move(*content));
  auto key = x509::load_private_key(file.bytes());
  if (!key && key.error().fault == x509::KeyFault::encrypted) {
    const auto passphrase = get_passphrase(passphrases, path);
    if (!passphrase) return std::unexpected(passphrase.error());
    key = x509::load_private_key(file.bytes(), passphrase->bytes(), cpu_features());
  }
  if (key) return std::move(*key);
  return fail("cannot use the key in '" + path +
              "': " + text_of([&](Writer& out) { x509::write_error(out, key.error()); }));
}

Result<Credentials> load_credentials(const std::string& certificate_path, const std::string& key_path, UnixTime now,
                                     const PassphraseSource& passphrases) {
  auto chain = load_certificates(certificate_path);
  if (!chain) return std::unexpected(chain.error());
  auto key = load_private_key(key_path, passphrases);
  if (!key) return std::unexpected(key.error());
  const x509::Certificate& leaf = (*chain)[0];
  if (!x509::key_matches(*key, leaf)) {
    return fail("the key in '" + key_path + "' is not that of the first certificate in '" + certificate_path +
                "'; name a pair that belongs together");
  }
  if (leaf.validity.not_after < now) {
    return fail("the certificate in '" + certificate_path + "' expired at " +
                text_of([&](Writer& out) { x509::write_time(out, leaf.validity.not_after); }) + "; renew it");
  }
  if (now < leaf.validity.not_before) {
    return fail("the certificate in '" + certificate_path + "' is not valid before " +
                text_of([&](Writer& out) { x509::write_time(out, leaf.validity.not_before); }) +
                "; wait until then or set this host's clock");
  }
  auto staple = load_staple(certificate_path + ".ocsp", *chain, now);
  // A renewed certificate must not fail for the response of the one before.
  if (!staple) return Credentials{std::move(*chain), std::move(*key), {}, {}, staple.error().text};
  return Credentials{std::move(*chain), std::move(*key), std::move(staple->response), staple->until, {}};
}

}  // namespace limpid::effects
