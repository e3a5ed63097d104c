#include "limpid/asn1/oid.hpp"

namespace limpid::asn1 {

std::string_view oid_name(Bytes id) {
  using namespace oids;
  struct Named {
    Bytes id;
    const char* name;
  };
  static constexpr Named named[] = {
      {ec_public_key, "id-ecPublicKey"},
      {secp256r1, "P-256"},
      {secp384r1, "P-384"},
      {secp521r1, "P-521"},
      {ed25519, "Ed25519"},
      {ed448, "Ed448"},
      {rsa_encryption, "RSA"},
      {ecdsa_with_sha1, "ecdsa-with-SHA1"},
      {ecdsa_with_sha256, "ecdsa-with-SHA256"},
      {ecdsa_with_sha384, "ecdsa-with-SHA384"},
      {ecdsa_with_sha512, "ecdsa-with-SHA512"},
      {dsa_with_sha1, "dsa-with-SHA1"},
      {md2_with_rsa, "md2WithRSAEncryption"},
      {md5_with_rsa, "md5WithRSAEncryption"},
      {sha1_with_rsa, "sha1WithRSAEncryption"},
      {sha256_with_rsa, "sha256WithRSAEncryption"},
      {sha384_with_rsa, "sha384WithRSAEncryption"},
      {sha512_with_rsa, "sha512WithRSAEncryption"},
      {rsassa_pss, "RSASSA-PSS"},
      {common_name, "CN"},
      {serial_number, "serialNumber"},
      {country, "C"},
      {locality, "L"},
      {state, "ST"},
      {street, "street"},
      {organization, "O"},
      {organizational_unit, "OU"},
      {domain_component, "DC"},
      {email_address, "emailAddress"},
      {subject_directory_attributes, "subjectDirectoryAttributes"},
      {subject_key_identifier, "subjectKeyIdentifier"},
      {key_usage, "keyUsage"},
      {subject_alt_name, "subjectAltName"},
      {issuer_alt_name, "issuerAltName"},
      {basic_constraints, "basicConstraints"},
      {name_constraints, "nameConstraints"},
      {crl_distribution_points, "cRLDistributionPoints"},
      {certificate_policies, "certificatePolicies"},
      {policy_mappings, "policyMappings"},
      {authority_key_identifier, "authorityKeyIdentifier"},
      {policy_constraints, "policyConstraints"},
      {ext_key_usage, "extKeyUsage"},
      {freshest_crl, "freshestCRL"},
      {crl_reason, "cRLReasons"},
      {delta_crl_indicator, "deltaCRLIndicator"},
      {issuing_distribution_point, "issuingDistributionPoint"},
      {certificate_issuer, "certificateIssuer"},
      {inhibit_any_policy, "inhibitAnyPolicy"},
      {authority_info_access, "authorityInfoAccess"},
      {subject_info_access, "subjectInfoAccess"},
      {tls_feature, "tlsFeature"},
      {signed_certificate_timestamps, "signedCertificateTimestampList"},
      {any_extended_key_usage, "anyExtendedKeyUsage"},
      {server_auth, "serverAuth"},
      {client_auth, "clientAuth"},
      {code_signing, "codeSigning"},
      {email_protection, "emailProtection"},
      {time_stamping, "timeStamping"},
      {ocsp_signing, "OCSPSigning"},
  };
  for (const Named& entry : named) {
    if (entry.id == id) return entry.name;
  }
  return {};
}

void write_oid(Writer& out, Bytes id) {
  std::uint64_t value = 0;
  bool overflow = false;
  bool first = true;
  for (const Byte byte : id) {
    overflow = overflow || value >> 57 != 0;
    value = value << 7 | (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (first) {
      // X.690, 8.19.4: the first two arcs share a subidentifier, 40 times the one (0, 1 or 2) plus the other.
      const std::uint64_t root = value < 40 ? 0 : value < 80 ? 1 : 2;
      out.decimal(overflow ? 2 : root);
      value -= root * 40;
      first = false;
    }
    out.text(".");
    if (overflow) {
      out.text("?");
    } else {
      out.decimal(value);
    }
    value = 0;
    overflow = false;
  }
}

}  // namespace limpid::asn1
