#include <cstdio>
#include <filesystem>

#include "cert.hpp"
#include "issue.hpp"
#include "limpid/effects/clock.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/x509/describe.hpp"

namespace limpid::apps {
namespace {

struct Options {
  std::vector<std::string> names, addresses;
  std::string key_type = "p256";
  std::int64_t days = 0;  // 0: the default
  std::string ca, ca_key;
  std::string passphrase_file;
  bool is_ca = false;
  bool csr = false;
  std::string out = ".";
};

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::equivalent(a, b, error);
}

Result<void> run(const Options& options) {
  CertificateRequest request;
  for (const std::string& address : options.addresses) request.ip_addresses.push_back(*x509::parse_ip(address));
  request.is_ca = options.is_ca;
  if (options.is_ca) {
    request.common_name = options.names.empty() ? "limpid CA" : options.names[0];
  } else {
    request.common_name = options.names.empty() ? options.addresses[0] : options.names[0];
    // Longer than what a common name may be: the alternative names carry it.
    if (request.common_name.size() > 64) request.common_name.clear();
    request.dns_names = options.names;
  }
  request.validity = validity_for(options.days != 0 ? options.days : options.is_ca ? 3650 : 365);
  const KeyKind kind = *key_kind(options.key_type);

  const std::string certificate_path = options.out + (options.csr ? "/csr.pem" : "/cert.pem");
  const std::string key_path = options.out + "/key.pem";
  std::optional<effects::Credentials> ca;
  std::optional<Issuer> issuer;
  if (!options.ca.empty()) {
    auto loaded = effects::load_credentials(options.ca, options.ca_key, effects::now().wall, {options.passphrase_file});
    if (!loaded) return std::unexpected(loaded.error());
    ca = std::move(*loaded);
    if (same_file(certificate_path, options.ca) || same_file(key_path, options.ca_key)) {
      return effects::fail("'" + options.out +
                           "' holds the CA, which would be overwritten; choose another folder with --out");
    }
    issuer.emplace(ca->chain[0], ca->key);
    // A certificate outlives its issuer only on paper.
    request.validity.not_after = std::min(request.validity.not_after, ca->chain[0].validity.not_after);
    request.validity.not_before = std::max(request.validity.not_before, ca->chain[0].validity.not_before);
  }
  auto issued = options.csr ? make_certification_request(request, kind) : issue(request, kind, issuer);
  if (!issued) return std::unexpected(issued.error());
  // What lies between the leaf and a root travels with the leaf.
  if (ca) {
    for (const x509::Certificate& each : ca->chain.certificates()) {
      if (each.is_self_issued()) continue;
      issued->certificate_pem += effects::text_of([&](Writer& out) { x509::write_pem(out, "CERTIFICATE", each.der); });
    }
  }
  if (auto made = effects::make_folders(options.out, 0777); !made) return made;
  auto written = write_pair(*issued, certificate_path, key_path);
  issued->forget();
  if (!written) return written;
  if (options.csr) {
    std::printf("wrote %s and %s; the former is for the CA, the latter stays with you\n", certificate_path.c_str(),
                key_path.c_str());
    return {};
  }
  std::printf("wrote %s and %s, valid until %s\n", certificate_path.c_str(), key_path.c_str(),
              effects::text_of([&](Writer& out) { x509::write_time(out, request.validity.not_after); }).c_str());
  return {};
}

void check(const Options& options) {
  for (const std::string& address : options.addresses) {
    if (!x509::parse_ip(address)) throw CLI::ValidationError("--ip: '" + address + "' is not an IP address");
  }
  for (const std::string& name : options.names) {
    if (!options.is_ca && !x509::is_dns_pattern(name)) {
      throw CLI::ValidationError("--name: '" + name + "' is not a host name" +
                                 (x509::parse_ip(name) ? "; addresses go with --ip" : ""));
    }
  }
  if (!options.is_ca && options.names.empty() && options.addresses.empty()) {
    throw CLI::ValidationError("cert new needs a --name or an --ip to certify");
  }
  if (options.ca.empty() != options.ca_key.empty()) {
    throw CLI::ValidationError("--ca and --ca-key belong together; name both or neither");
  }
  if (options.csr && (!options.ca.empty() || options.days != 0)) {
    throw CLI::ValidationError(
        "--csr makes a request, which a CA signs for as long as it likes; leave out --ca, --ca-key and --days");
  }
}

}  // namespace

void add_cert_new(CLI::App& cert, int& status) {
  CLI::App* command = cert.add_subcommand("new", "make a key and a certificate: cert.pem and key.pem");
  auto options = std::make_shared<Options>();
  const auto repeated = CLI::MultiOptionPolicy::TakeAll;
  command->add_option("--name", options->names, "a DNS name to certify; of a CA, its own name")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(repeated);
  command->add_option("--ip", options->addresses, "an IP address to certify")
      ->type_name("IP")
      ->expected(1)
      ->multi_option_policy(repeated);
  command->add_option("--key-type", options->key_type, "p256 (default), p384, ed25519, rsa2048, rsa3072 or rsa4096")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"p256", "p384", "ed25519", "rsa2048", "rsa3072", "rsa4096"}));
  command->add_option("--days", options->days, "how long it is valid (365; a CA 3650)")
      ->type_name("N")
      ->check(CLI::Range(1, 36500));
  command->add_option("--ca", options->ca, "the certificate of the CA that signs")->type_name("CERT");
  command->add_option("--ca-key", options->ca_key, "its key")->type_name("KEY");
  command->add_option("--passphrase-file", options->passphrase_file, "a file with the passphrase of the CA's key")
      ->type_name("FILE");
  command->add_flag("--is-ca", options->is_ca, "make a CA");
  command->add_flag("--csr", options->csr, "make no certificate but a request for one: csr.pem and key.pem");
  command->add_option("--out", options->out, "the folder to write to (.)")->type_name("DIR");
  command->callback([options, &status] {
    check(*options);
    const auto done_or_not = run(*options);
    status = done_or_not ? done : complain(done_or_not.error());
  });
}

}  // namespace limpid::apps
