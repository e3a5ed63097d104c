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

// What kind of key to make.
struct KeyKind {
  crypto::KeyType type = crypto::KeyType::p256;
  std::size_t rsa_bits = 0;  // of RSA
};
// "p256", "p384", "ed25519", "rsa2048", "rsa3072", "rsa4096".
std::optional<KeyKind> key_kind(std::string_view name);

struct Issued {
  std::string certificate_pem;  // or the request for one
  std::string key_pem;          // wiped by forget()
  void forget();
};

// Who signs: a certificate that is a CA, and its key.
struct Issuer {
  const x509::Certificate& certificate;
  const crypto::PrivateKey& key;
};

// A new key of this kind and a certificate for it, signed by `issuer`, or by itself if there is none.
Result<Issued> issue(const CertificateRequest& request, KeyKind kind, std::optional<Issuer> issuer);
// A new key of this kind and a certification request for it; the validity does not matter.
Result<Issued> make_certification_request(const CertificateRequest& request, KeyKind kind);

// Writes both, the key readable by its owner only; neither if one of them cannot be written.
Result<void> write_pair(const Issued& issued, const std::string& certificate_path, const std::string& key_path);

// Beginning an hour ago, since clocks differ, and lasting so many days.
x509::Validity validity_for(std::int64_t days);

}  // namespace limpid::apps
