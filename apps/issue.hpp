// Making key pairs and certificates, and writing them to files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/x509/issue.hpp"

namespace limpid::apps {

struct CertificateRequest {
  std::string common_name;
  std::string organization;
  std::vector<std::string> dns_names;
  std::vector<x509::IpAddress> ip_addresses;
  x509::Validity validity;
  bool is_ca = false;
};

struct Issued {
  std::string certificate_pem;
  std::string key_pem;  // wiped by forget()
  void forget();
};

// Who signs: a certificate that is a CA, and its key.
struct Issuer {
  const x509::Certificate& certificate;
  const crypto::PrivateKey& key;
};

// A new key of this type and a certificate for it, signed by `issuer`, or by itself if there is none.
Result<Issued> issue(const CertificateRequest& request, crypto::KeyType key_type, std::optional<Issuer> issuer);

// Writes both, the key readable by its owner only; neither if one of them cannot be written.
Result<void> write_pair(const Issued& issued, const std::string& certificate_path, const std::string& key_path);

// Beginning an hour ago, since clocks differ, and lasting so many days.
x509::Validity validity_for(std::int64_t days);

}  // namespace limpid::apps
