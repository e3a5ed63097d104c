#include <cstdio>
#include <nlohmann/json.hpp>

#include "cert.hpp"
#include "common.hpp"
#include "limpid/crypto/hash.hpp"
#include "limpid/effects/clock.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/effects/files.hpp"
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

std::string sha256(Bytes bytes) {
  return hex(crypto::hash(crypto::HashAlgorithm::sha256, bytes, effects::cpu_features()).bytes());
}

// What certificates and requests have in common.
void add_extended(ordered_json& json, const x509::Extended& extended) {
  json["is_ca"] = extended.is_ca();
  if (extended.is_ca() && extended.basic_constraints->path_length) {
    json["path_length"] = *extended.basic_constraints->path_length;
  }
  json["names"] = alt_names(extended.subject_alt_name.value_or(x509::GeneralNames{}));
  if (extended.key_usage) {
    ordered_json usages = ordered_json::array();
    for (int bit = 0; bit <= static_cast<int>(x509::KeyUsageBit::decipher_only); ++bit) {
      const auto usage = static_cast<x509::KeyUsageBit>(bit);
      if (extended.key_usage->has(usage)) usages.push_back(x509::describe(usage));
    }
    json["key_usage"] = usages;
  }
  if (extended.ext_key_usage) {
    ordered_json purposes = ordered_json::array();
    for (const x509::KeyPurpose& purpose : *extended.ext_key_usage) purposes.push_back(oid_text(purpose.id));
    json["extended_key_usage"] = purposes;
  }
  if (extended.subject_key_identifier) json["subject_key_identifier"] = hex(*extended.subject_key_identifier);
  if (extended.authority_key_identifier && extended.authority_key_identifier->key_identifier) {
    json["authority_key_identifier"] = hex(*extended.authority_key_identifier->key_identifier);
  }
  ordered_json extensions = ordered_json::array();
  for (const x509::Extension& extension : extended.extensions) {
    extensions.push_back({{"id", oid_text(extension.id)},
                          {"critical", extension.critical},
                          {"value", text_of([&](Writer& out) { x509::write_extension_value(out, extension); })}});
  }
  json["extensions"] = extensions;
}

ordered_json to_json(const x509::Certificate& certificate) {
  ordered_json json{
      {"type", "certificate"},
      {"version", certificate.version},
      {"subject", name_text(certificate.subject)},
      {"issuer", name_text(certificate.issuer)},
      {"serial", hex(certificate.serial)},
      {"not_before", time_text(certificate.validity.not_before)},
      {"not_after", time_text(certificate.validity.not_after)},
      {"key", text_of([&](Writer& out) { x509::write_key_type(out, certificate.public_key_info); })},
      {"signature_algorithm",
       text_of([&](Writer& out) { x509::write_signature_algorithm_name(out, certificate.signature_algorithm); })},
      {"seconds_left", certificate.validity.not_after.seconds - effects::now().wall.seconds},
  };
  add_extended(json, certificate);
  json["sha256"] = sha256(certificate.der);
  json["public_key_sha256"] = sha256(certificate.public_key_info.der);
  return json;
}

ordered_json to_json(const x509::CertificationRequest& request) {
  ordered_json json{
      {"type", "request"},
      {"subject", name_text(request.subject)},
      {"key", text_of([&](Writer& out) { x509::write_key_type(out, request.public_key_info); })},
      {"signature_algorithm",
       text_of([&](Writer& out) { x509::write_signature_algorithm_name(out, request.signature_algorithm); })},
      {"signed_by_its_key", x509::is_signed_by_its_key(request, effects::cpu_features())},
  };
  add_extended(json, request);
  json["public_key_sha256"] = sha256(request.public_key_info.der);
  return json;
}

// A certificate's text may be in no encoding at all.
void print(const ordered_json& json) {
  std::puts(json.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

// The first request for a certificate of a PEM or DER file; nothing if there is none, or it is damaged.
std::optional<std::vector<Byte>> find_request(const std::string& path) {
  const auto file = effects::read_file(path, x509::max_certificate_size * 2);
  if (!file) return std::nullopt;
  x509::PemReader pem(as_bytes(*file));
  for (auto block = pem.next(); block && *block; block = pem.next()) {
    if (!(*block)->label.ends_with("CERTIFICATE REQUEST")) continue;
    Buffer der(effects::startup_budget());
    Writer out(der);
    if ((*block)->decode(out)) return std::vector<Byte>(der.begin(), der.end());
  }
  if (!x509::parse_certification_request(as_bytes(*file))) return std::nullopt;
  return std::vector<Byte>(file->begin(), file->end());
}

Result<void> show_request(const std::string& path, const std::vector<Byte>& der, bool as_json) {
  const auto request = x509::parse_certification_request(der);
  if (!request) {
    return effects::fail("cannot use the request in '" + path + "': " +
                         text_of([&](Writer& out) { x509::write_error(out, request.error()); }) + "; make it again");
  }
  if (as_json) {
    print(ordered_json::array({to_json(*request)}));
  } else {
    std::fputs(text_of([&](Writer& out) { x509::describe(out, *request, effects::cpu_features()); }).c_str(), stdout);
  }
  return {};
}

Result<void> run(const std::string& path, bool as_json) {
  auto certificates = effects::load_certificates(path);
  if (!certificates) {
    if (const auto request = find_request(path)) return show_request(path, *request, as_json);
    return std::unexpected(certificates.error());
  }
  if (as_json) {
    ordered_json all = ordered_json::array();
    for (const x509::Certificate& each : certificates->certificates()) all.push_back(to_json(each));
    print(all);
    return {};
  }
  const UnixTime now = effects::now().wall;
  for (std::size_t i = 0; i < certificates->size(); ++i) {
    if (i > 0) std::puts("");
    std::fputs(
        text_of([&](Writer& out) { x509::describe(out, (*certificates)[i], effects::cpu_features(), now); }).c_str(),
        stdout);
  }
  return {};
}

}  // namespace

void add_cert_show(CLI::App& cert, int& status) {
  CLI::App* command = cert.add_subcommand("show", "a readable account of the certificates in a file, or of a request");
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
