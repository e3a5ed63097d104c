#include <cstdio>

#include "cert.hpp"
#include "common.hpp"
#include "limpid/asn1/time.hpp"
#include "limpid/effects/clock.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/x509/describe.hpp"
#include "limpid/x509/ocsp.hpp"
#include "limpid/x509/pem.hpp"
#include "limpid/x509/revocation_list.hpp"
#include "limpid/x509/verify.hpp"

namespace limpid::apps {
namespace {

using effects::text_of;

constexpr std::size_t largest_file = 16 << 20;
constexpr std::size_t largest_lists = 128 << 20;

struct Options {
  std::string leaf, ca, untrusted, ocsp, crl;
  std::string at, name, address;
  std::string usage = "any";
  std::size_t depth = x509::VerifyLimits{}.path_certificates - 2;
};

// "2026-01-31T00:00:00Z", or the day alone.
std::optional<UnixTime> parse_time(std::string_view text) {
  std::string digits;
  constexpr std::string_view form = "0000-00-00T00:00:00Z";
  if (text.size() != form.size() && text.size() != form.find('T')) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (form[i] == '0') {
      digits += text[i];
    } else if (text[i] != form[i]) {
      return std::nullopt;
    }
  }
  digits.resize(14, '0');
  return asn1::parse_generalized_time(as_bytes(digits + "Z"));
}

// Who it is about, in few words.
std::string short_name(const x509::Certificate& certificate) {
  const std::string_view common_name = x509::common_name(certificate.subject);
  if (!common_name.empty())
    return text_of([&](Writer& out) { x509::write_untrusted_text(out, as_bytes(common_name)); });
  for (const x509::GeneralName& name : certificate.subject_alt_name.value_or(x509::GeneralNames())) {
    return text_of([&](Writer& out) { x509::write_general_name(out, name); });
  }
  return text_of([&](Writer& out) { x509::write_name(out, certificate.subject); });
}

// What of the files is a certificate at all is judged, and what is not is the verdict.
struct Verdict {
  bool valid = false;
  std::string text;
};

Verdict invalid(std::string why) { return {false, std::move(why)}; }

std::optional<std::string> objection_of_ocsp(const std::string& response, const x509::Certificate& leaf,
                                             const x509::Certificate& issuer, UnixTime at) {
  const auto answer = x509::check_ocsp(as_bytes(response), leaf, issuer, at, effects::cpu_features());
  if (!answer) return text_of([&](Writer& out) { x509::write_error(out, answer.error()); });
  switch (answer->status) {
    case x509::OcspStatus::good:
      return std::nullopt;
    case x509::OcspStatus::revoked:
      return "the certificate was revoked at " +
             text_of([&](Writer& out) { x509::write_time(out, answer->revoked_at); });
    case x509::OcspStatus::unknown:
      break;
  }
  return "the OCSP responder does not know the certificate";
}

// Revocation lists in DER: the PEM blocks of a file, or the file.
Result<std::vector<std::string>> load_lists(const std::string& path) {
  auto file = effects::read_file(path, largest_lists);
  if (!file) return std::unexpected(file.error());
  std::vector<std::string> lists;
  x509::PemReader pem(as_bytes(*file));
  for (;;) {
    const auto block = pem.next();
    if (block && !*block) break;
    bool sound = block.has_value();
    if (sound && (*block)->label == "X509 CRL") {
      lists.push_back(text_of([&](Writer& out) { sound = (*block)->decode(out); }));
    }
    if (!sound) return effects::fail("cannot use the revocation lists in '" + path + "': damaged PEM; get them again");
  }
  if (lists.empty()) lists.push_back(std::move(*file));
  return lists;
}

// RFC 5280, section 6.1.3 (a)(3), wants of each certificate of the path: "At the current time, the certificate is not
// revoked." So each but the anchor must be covered by one of the lists.
std::optional<std::string> objection_of_lists(const std::vector<std::string>& lists,
                                              std::span<const x509::Certificate* const> path, UnixTime at) {
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    const std::string where = i == 0 ? "" : " (certificate " + std::to_string(i + 1) + " of the path)";
    bool covered = false;
    x509::CrlError error{x509::CrlFault::other_issuer, {}};
    for (const std::string& list : lists) {
      const auto answer = x509::check_crl(as_bytes(list), *path[i], *path[i + 1], at, effects::cpu_features());
      if (!answer) {
        if (error.fault == x509::CrlFault::other_issuer) error = answer.error();
        continue;
      }
      covered = true;
      if (!*answer) continue;
      const x509::Revocation& revocation = **answer;
      const std::string_view reason = revocation.reason ? x509::crl_reason_name(*revocation.reason) : "";
      return "the certificate was revoked at " + text_of([&](Writer& out) { x509::write_time(out, revocation.at); }) +
             (reason.empty() ? "" : ": " + std::string(reason)) + where;
    }
    if (!covered) return text_of([&](Writer& out) { x509::write_error(out, error); }) + where;
  }
  return std::nullopt;
}

Result<Verdict> run(const Options& options) {
  const UnixTime at = options.at.empty() ? effects::now().wall : *parse_time(options.at);
  auto roots = effects::load_roots(options.ca);
  if (!roots) return std::unexpected(roots.error());
  auto file = effects::read_file(options.leaf, largest_file);
  if (!file) return std::unexpected(file.error());
  const auto presented = x509::CertificateList::load(as_bytes(*file), effects::startup_budget());
  if (!presented) {
    if (presented.error().fault == x509::ListFault::malformed_certificate) {
      return invalid(text_of([&](Writer& out) { x509::write_error(out, presented.error()); }));
    }
    return effects::fail("cannot judge '" + options.leaf +
                         "': " + text_of([&](Writer& out) { x509::write_error(out, presented.error()); }));
  }
  std::vector<x509::Certificate> intermediates(presented->certificates().begin() + 1, presented->certificates().end());
  std::optional<x509::CertificateList> untrusted;
  if (!options.untrusted.empty()) {
    auto loaded = effects::load_roots(options.untrusted);
    if (!loaded) return std::unexpected(loaded.error());
    untrusted = std::move(*loaded);
    intermediates.insert(intermediates.end(), untrusted->certificates().begin(), untrusted->certificates().end());
  }
  std::string ocsp;
  if (!options.ocsp.empty()) {
    auto read = effects::read_file(options.ocsp, x509::max_ocsp_response_size);
    if (!read) return std::unexpected(read.error());
    ocsp = std::move(*read);
  }
  std::vector<std::string> lists;
  if (!options.crl.empty()) {
    auto loaded = load_lists(options.crl);
    if (!loaded) return std::unexpected(loaded.error());
    lists = std::move(*loaded);
  }

  x509::VerifyOptions verify;
  verify.at = at;
  verify.purpose = options.usage == "server"   ? x509::Purpose::server
                   : options.usage == "client" ? x509::Purpose::client
                                               : x509::Purpose::any;
  if (!options.name.empty()) verify.name = std::string_view(options.name);
  if (!options.address.empty()) verify.name = *x509::parse_ip(options.address);
  // The files are the user's own: only the search is bounded.
  verify.limits.chain_bytes = SIZE_MAX;
  verify.limits.certificates = SIZE_MAX;
  verify.limits.path_certificates = options.depth + 2;
  verify.limits.signatures = 1024;
  const x509::Certificate& leaf = (*presented)[0];
  const auto valid = x509::verify(leaf, intermediates, roots->certificates(), verify, effects::cpu_features());
  if (!valid) return invalid(text_of([&](Writer& out) { x509::write_invalid(out, valid.error()); }));

  const auto at_index = [&](x509::CertificateIndex index) -> const x509::Certificate& {
    if (index.in == x509::CertificateIndex::In::anchors) return (*roots)[index.index];
    return index.index == 0 ? leaf : intermediates[index.index - 1];
  };
  const auto path = valid->certificates();
  if (!options.ocsp.empty()) {
    const x509::Certificate& issuer = at_index(path[path.size() > 1 ? 1 : 0]);
    if (auto objection = objection_of_ocsp(ocsp, leaf, issuer, at)) return invalid(*objection);
  }
  if (!options.crl.empty()) {
    std::vector<const x509::Certificate*> certificates;
    for (const x509::CertificateIndex index : path) certificates.push_back(&at_index(index));
    if (auto objection = objection_of_lists(lists, certificates, at)) return invalid(*objection);
  }
  Verdict verdict{true, {}};
  for (const x509::CertificateIndex index : path) {
    verdict.text += (verdict.text.empty() ? "" : " <- ") + short_name(at_index(index));
  }
  return verdict;
}

void check(const Options& options) {
  if (!options.at.empty() && !parse_time(options.at)) {
    throw CLI::ValidationError("--at: '" + options.at + "' is not a time like 2026-01-31T00:00:00Z");
  }
  if (!options.name.empty() && !options.address.empty()) {
    throw CLI::ValidationError("--name and --ip exclude each other; a certificate is judged for one at a time");
  }
  if (!options.name.empty() && !x509::is_dns_name(options.name)) {
    throw CLI::ValidationError("--name: '" + options.name + "' is not a host name" +
                               (x509::parse_ip(options.name) ? "; addresses go with --ip" : ""));
  }
  if (!options.address.empty() && !x509::parse_ip(options.address)) {
    throw CLI::ValidationError("--ip: '" + options.address + "' is not an IP address");
  }
}

}  // namespace

void add_cert_verify(CLI::App& cert, int& status) {
  CLI::App* command = cert.add_subcommand("verify", "judge a certificate: prints 'valid: ...' or 'invalid: why'");
  auto options = std::make_shared<Options>();
  command->add_option("LEAF", options->leaf, "PEM or DER; further certificates in it are taken as --untrusted ones")
      ->required();
  command->add_option("--ca", options->ca, "the certificates to trust")->type_name("FILE")->required();
  command->add_option("--untrusted", options->untrusted, "certificates that may stand between")->type_name("FILE");
  command->add_option("--ocsp", options->ocsp, "an OCSP response (DER), which must say that LEAF is good")
      ->type_name("FILE");
  command->add_option("--crl", options->crl, "revocation lists (PEM or DER) by every issuer of the path")
      ->type_name("FILE");
  command->add_option("--at", options->at, "when (now), as 2026-01-31T00:00:00Z")->type_name("TIME");
  command->add_option("--name", options->name, "the DNS name that it must be for")->type_name("NAME");
  command->add_option("--ip", options->address, "the IP address that it must be for")->type_name("IP");
  command->add_option("--usage", options->usage, "server, client or any (default)")
      ->check(CLI::IsMember({"server", "client", "any"}))
      ->type_name("USAGE");
  command
      ->add_option("--depth", options->depth,
                   "at most so many certificates between LEAF and root (" + std::to_string(options->depth) + ")")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{0}, x509::max_path - 2));
  command->callback([options, &status] {
    check(*options);
    const auto verdict = run(*options);
    if (!verdict) {
      status = complain(verdict.error());
      return;
    }
    std::printf("%s: %s\n", verdict->valid ? "valid" : "invalid", verdict->text.c_str());
    status = verdict->valid ? done : failed;
  });
}

}  // namespace limpid::apps
