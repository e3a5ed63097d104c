// Making certificates: a certification authority of one's own, and leaves below it.
#pragma once

#include "limpid/x509/certificate.hpp"
#include "limpid/x509/ip_address.hpp"

namespace limpid::x509 {

// What to certify. All views are borrowed for the call.
struct CertificateContents {
  std::string_view common_name;   // UTF-8, at most 64 bytes (RFC 5280's ub-common-name); empty leaves it out
  std::string_view organization;  // likewise
  std::span<const std::string_view> dns_names;  // patterns as dns_name_matches takes them
  std::span<const IpAddress> ip_addresses;
  Validity validity;
  std::array<Byte, 16> serial_entropy{};  // fresh for each certificate; becomes a positive serial number
  bool is_ca = false;
  std::optional<std::uint32_t> path_length;  // of a CA
  bool server_auth = true;                   // extKeyUsage of a leaf
  bool client_auth = false;
};

enum class IssueFault : std::uint8_t {
  bad_name,             // a DNS name that is none, or a text that is too long or not UTF-8
  no_name,              // neither subject nor alternative name, or a CA without a subject
  bad_validity,         // ends before it begins, or outside of the years 0 to 9999
  issuer_not_a_ca,      // no CA bit, or a key usage without keyCertSign
  issuer_key_mismatch,  // the key is not the issuing certificate's
  issuer_path_length,   // the issuer must not have a CA below it
  signing_failed,       // the signature did not verify: the key, or the machine, is damaged
  out_of_memory,
};
std::string_view describe(IssueFault fault);

// Appends the DER of a self-signed certificate: version 3 with subjectKeyIdentifier; CAs with critical basicConstraints
// and keyUsage {keyCertSign, cRLSign}; leaves with keyUsage {digitalSignature} (RSA: and {keyEncipherment}),
// extKeyUsage and subjectAltName (critical if the subject is empty). On a fault `out` is as before. `hedge` as in
// PrivateKey::sign.
std::expected<void, IssueFault> issue_self_signed(Buffer& out, const CertificateContents& contents,
                                                  const crypto::PrivateKey& key, std::span<const Byte, 32> hedge,
                                                  CpuFeatures cpu);
// The same for somebody's public key, signed by an issuer whose subject and key identifier it carries. That the
// validity lies within the issuer's is the caller's to see to.
std::expected<void, IssueFault> issue(Buffer& out, const CertificateContents& contents,
                                      const crypto::PublicKey& subject_key, const Certificate& issuer,
                                      const crypto::PrivateKey& issuer_key, std::span<const Byte, 32> hedge,
                                      CpuFeatures cpu);
// Appends a certification request (PKCS #10) for the same, but for validity, serial number and the issuer's identifier,
// which are the CA's to choose. On a fault `out` is as before.
std::expected<void, IssueFault> request_certificate(Buffer& out, const CertificateContents& contents,
                                                    const crypto::PrivateKey& key, std::span<const Byte, 32> hedge,
                                                    CpuFeatures cpu);

}  // namespace limpid::x509
