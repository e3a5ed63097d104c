#include <cstdio>
#include <nlohmann/json.hpp>

#include "cert.hpp"
#include "common.hpp"
#include "limpid/crypto/hash.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/x509/describe.hpp"
#include "limpid/x509/ip_address.hpp"

namespace limpid::apps {
namespace {

using effects::text_of;
using nlohmann::ordered_json;

std::string hex(Bytes bytes) {
  return text_of([&](Writer& out) { x509::write_hex(out, bytes); });
}
std::string time_text(UnixTime time) {
  return text_of([&](Writer& out) { x509::write_time(out, time); });
}
std::string name_text(x509::Name name) {
  return text_of([&](Writer& out) { x509::write_name(out, name); });
}
std::string oid_text(Bytes id) {
  return text_of([&](Writer& out) { x509::write_oid_name(out, id); });
}

ordered_json alt_names(const x509::GeneralNames& names) {
  ordered_json dns = ordered_json::array(), ip = ordered_json::array(), other = ordered_json::array();
  for (const x509::GeneralName& name : names) {
    switch (name.type) {
      case x509::GeneralNameType::dns_name:
        dns.push_back(as_text(name.value));
        break;
      case x509::GeneralNameType::ip_address:
        ip.push_back(text_of([&](Writer& out) { x509::write_ip(out, name.value); }));
        break;
      default:
        other.push_back(text_of([&](Writer& out) { x509::write_general_name(out, name); }));
    }
  }
  return {{"dns", dns}, {"ip", ip}, {"other", other}};
}

ordered_json to_json(const x509::Certificate& certificate) {
  const CpuFeatures cpu = effects::cpu_features();
  ordered_json json{
      {"version", certificate.version},
      {"subject", name_text(certificate.subject)},
      {"issuer", name_text(certificate.issuer)},
      {"serial", hex(certificate.serial)},
      {"not_before", time_text(certificate.validity.not_before)},
      {"not_after", time_text(certificate.validity.not_after)},
      {"key", text_of([&](Writer& out) { x509::write_key_type(out, certificate.public_key_info); })},
      {"signature_algorithm", oid_text(certificate.signature_algorithm.algorithm)},
      {"is_ca", certificate.is_ca()},
  };
  if (certificate.is_ca() && certificate.basic_constraints->path_length) {
    json["path_length"] = *certificate.basic_constraints->path_length;
  }
  json["names"] = alt_names(certificate.subject_alt_name.value_or(x509::GeneralNames{}));
  if (certificate.key_usage) {
    ordered_json usages = ordered_json::array();
    for (int bit = 0; bit <= static_cast<int>(x509::KeyUsageBit::decipher_only); ++bit) {
      const auto usage = static_cast<x509::KeyUsageBit>(bit);
      if (certificate.key_usage->has(usage)) usages.push_back(x509::describe(usage));
    }
    json["key_usage"] = usages;
  }
  if (certificate.ext_key_usage) {
    ordered_json purposes = ordered_json::array();
    for (const x509::KeyPurpose& purpose : *certificate.ext_key_usage) purposes.push_back(oid_text(purpose.id));
    json["extended_key_usage"] = purposes;
  }
  if (certificate.subject_key_identifier) json["subject_key_identifier"] = hex(*certificate.subject_key_identifier);
  if (certificate.authority_key_identifier && certificate.authority_key_identifier->key_identifier) {
    json["authority_key_identifier"] = hex(*certificate.authority_key_identifier->key_identifier);
  }
  ordered_json extensions = ordered_json::array();
  for (const x509::Extension& extension : certificate.extensions) {
    extensions.push_back({{"id", oid_text(extension.id)}, {"critical", extension.critical}});
  }
  json["extensions"] = extensions;
  json["sha256"] = hex(crypto::hash(crypto::HashAlgorithm::sha256, certificate.der, cpu).bytes());
  return json;
}

Result<void> run(const std::string& path, bool as_json) {
  auto certificates = effects::load_certificates(path);
  if (!certificates) return std::unexpected(certificates.error());
  if (as_json) {
    ordered_json all = ordered_json::array();
    for (const x509::Certificate& each : certificates->certificates()) all.push_back(to_json(each));
    // A certificate's text may be in no encoding at all.
    std::puts(all.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
    return {};
  }
  for (std::size_t i = 0; i < certificates->size(); ++i) {
    if (i > 0) std::puts("");
    std::fputs(text_of([&](Writer& out) { x509::describe(out, (*certificates)[i], effects::cpu_features()); }).c_str(),
               stdout);
  }
  return {};
}

}  // namespace

void add_cert_show(CLI::App& cert, int& status) {
  CLI::App* command = cert.add_subcommand("show", "a readable account of the certificates in a file");
  auto path = std::make_shared<std::string>();
  auto as_json = std::make_shared<bool>(false);
  command->add_option("FILE", *path, "PEM or DER")->required();
  command->add_flag("--json", *as_json, "the same for programs: an array with an object for each");
  command->callback([path, as_json, &status] {
    const auto shown = run(*path, *as_json);
    status = shown ? done : complain(shown.error());
  });
}

}  // namespace limpid::apps
