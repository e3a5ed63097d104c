// Path building and validation (RFC 5280, section 6): from a leaf by way of intermediates to a trust anchor, for one
// purpose, at one moment, for one name.
//
// Checked on every certificate of the path: signature, validity, CA bit and path length, keyUsage, extKeyUsage (which
// here limits what is below, as browsers have it), name constraints on DNS names, IP addresses and directory names, and
// that no critical extension is left unprocessed. On the leaf: the purpose and the name. An anchor is a certificate
// that the caller trusts: all but its signature is checked. A leaf that is itself an anchor is a path of one.
//
// Not done: revocation beyond a stapled OCSP response about the leaf (revocation_list.hpp has lists, for who calls it),
// certificate policies (a critical
// certificatePolicies is accepted, since no policy is demanded; other critical policy extensions are refused), fetching
// of missing intermediates, keys of certificates below version 3 as issuers (they cannot carry the CA bit).
#pragma once

#include <variant>

#include "limpid/x509/certificate_list.hpp"
#include "limpid/x509/ip_address.hpp"

namespace limpid::x509 {

enum class Purpose : std::uint8_t { server, client, any };

// Whom the leaf must be about: nobody in particular, a host name (RFC 9525, dNSName only, the subject's CN never
// counts), or an address (iPAddress only).
using PeerName = std::variant<std::monostate, std::string_view, IpAddress>;
// An address if `text` is one, with or without brackets, otherwise a host name.
PeerName peer_name(std::string_view text);

// Bounds of the work, whatever the peer sent.
struct VerifyLimits {
  std::size_t chain_bytes = 128 * 1024;    // of leaf and intermediates together
  std::size_t certificates = 16;           // leaf and intermediates
  std::size_t path_certificates = 8;       // leaf and anchor included; at most max_path
  std::size_t signatures = 32;             // verified in all
  std::size_t name_comparisons = 1 << 16;  // of names with name constraints, of up to 32 bytes each
};
inline constexpr std::size_t max_path = 16;

struct VerifyOptions {
  UnixTime at;
  Purpose purpose = Purpose::server;
  PeerName name{};
  VerifyLimits limits{};
  // An OCSP response about the leaf, as a server staples it; empty: none. If there is one, it must be sound and say
  // that the leaf is good. If the leaf is an anchor itself, its issuer must be among the certificates given.
  Bytes ocsp_response{};
};

enum class InvalidReason : std::uint8_t {
  no_certificate,
  malformed_certificate,  // see Invalid::error
  expired,
  not_yet_valid,
  name_mismatch,
  invalid_name,          // the name asked for is no host name
  wrong_purpose,         // extKeyUsage does not allow it
  wrong_key_usage,       // a leaf without digitalSignature
  unknown_issuer,        // no path to a trust anchor
  self_signed,           // and not among the trust anchors
  not_a_ca,              // an issuer without the CA bit
  cannot_sign,           // an issuer without keyCertSign
  path_length_exceeded,  // longer than an issuer allows
  path_too_long,         // longer than VerifyLimits allow
  bad_signature,
  unsupported_signature_algorithm,
  weak_signature_algorithm,  // over SHA-1 or MD5
  unsupported_key_type,
  weak_key,  // RSA below 2048 bits or with a tiny exponent
  invalid_key,
  unprocessed_critical_extension,
  name_not_permitted,           // by an issuer's name constraints
  unsupported_name_constraint,  // on a type of name that is not understood
  revoked,                      // VerifyOptions::ocsp_response says so
  status_unsatisfactory,        // or does not say that it is good
  chain_too_large,              // bytes or certificates
  too_many_signatures,          // the work allowed was not enough
  too_many_names,
  out_of_memory,
};
// What `cert verify` prints behind "invalid: "; and the identifier's own spelling, stable, for programs.
std::string_view describe(InvalidReason reason);
std::string_view reason_name(InvalidReason reason);

// A certificate among those given to `verify`.
struct CertificateIndex {
  enum class In : std::uint8_t { presented, anchors };
  In in = In::presented;
  std::size_t index = 0;  // presented: 0 is the leaf, n the n-th intermediate

  friend bool operator==(const CertificateIndex&, const CertificateIndex&) = default;
};

struct ValidChain {
  std::array<CertificateIndex, max_path> path{};  // leaf first, anchor last
  std::size_t size = 0;
  // The leaf's key, for CertificateVerify. With Purpose::any it may be absent: of a type that limpid cannot use.
  std::optional<crypto::PublicKey> leaf_key;

  std::span<const CertificateIndex> certificates() const { return std::span(path).first(size); }
};

struct Invalid {
  InvalidReason reason{};
  CertificateIndex certificate;  // that it is about
  CertificateError error;        // for malformed_certificate
};
// As "the certificate has expired (certificate 2 of the chain)": one line.
void write_invalid(Writer& out, const Invalid& invalid);

// `intermediates` may come in any order and hold what is not needed. Where several paths fail, the reason is that of
// the first that failed for another cause than a missing issuer. Allocates nothing.
std::expected<ValidChain, Invalid> verify(const Certificate& leaf, std::span<const Certificate> intermediates,
                                          std::span<const Certificate> anchors, const VerifyOptions& options,
                                          CpuFeatures cpu);
// Of a chain as TLS carries it, the leaf first. A malformed leaf is refused; other malformed certificates are passed
// over, since they may be superfluous, and are the reason if there is no path without them.
std::expected<ValidChain, Invalid> verify_chain(std::span<const Bytes> chain, std::span<const Certificate> anchors,
                                                const VerifyOptions& options, Budget& budget, CpuFeatures cpu);

}  // namespace limpid::x509
