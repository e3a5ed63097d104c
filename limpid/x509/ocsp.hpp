// What an OCSP responder says about a certificate (RFC 6960): a response as a server staples it.
#pragma once

#include "limpid/x509/certificate.hpp"

namespace limpid::x509 {

enum class OcspFault : std::uint8_t {
  malformed_der,   // see OcspError::der
  too_large,       // above max_ocsp_response_size
  not_successful,  // the responder had no answer: it says tryLater, unauthorized, ...
  unknown_type,    // not a basic response of version 1
  other_certificate,
  unknown_critical_extension,
  unknown_responder,  // neither the issuer nor one with extKeyUsage OCSPSigning that the issuer certified, at this
                      // moment
  unsupported_signature_algorithm,
  weak_signature_algorithm,  // over SHA-1 or MD5
  bad_signature,
  not_yet_valid,  // thisUpdate is in the future
  expired,        // nextUpdate is in the past, or missing and thisUpdate too long ago
};
std::string_view describe(OcspFault fault);

struct OcspError {
  OcspFault fault{};
  asn1::DerError der;

  friend bool operator==(const OcspError&, const OcspError&) = default;
};
// One line.
void write_error(Writer& out, const OcspError& error);

inline constexpr std::size_t max_ocsp_response_size = 64 * 1024;
// Clocks differ by so much.
inline constexpr std::int64_t ocsp_tolerance_seconds = 300;
// RFC 6960, section 4.2.2.1: without nextUpdate "newer revocation information is available all the time".
inline constexpr std::int64_t ocsp_lifetime_seconds = 86'400;

enum class OcspStatus : std::uint8_t { good, revoked, unknown };

//     SingleResponse ::= SEQUENCE {
//        certID           CertID,
//        certStatus       CertStatus,
//        thisUpdate       GeneralizedTime,
//        nextUpdate       [0] EXPLICIT GeneralizedTime OPTIONAL,
//        singleExtensions [1] EXPLICIT Extensions OPTIONAL }
struct OcspAnswer {
  OcspStatus status = OcspStatus::unknown;
  UnixTime revoked_at;                  // if revoked
  std::optional<std::uint32_t> reason;  // CRLReason (RFC 5280, section 5.3.1), if revoked and stated
  UnixTime this_update;
  std::optional<UnixTime> next_update;

  // When it has grown old, but for the tolerance.
  UnixTime until() const { return next_update.value_or(UnixTime{this_update.seconds + ocsp_lifetime_seconds}); }
};

// The answer about `certificate`, which `issuer` signed, in an OCSPResponse, if it was signed by who may and holds at
// this moment. At most eight certificates in the response are looked at and nine signatures verified. That `unknown` is
// no good news is for the caller to see. Nonces are not looked at: a staple answers nobody in particular.
std::expected<OcspAnswer, OcspError> check_ocsp(Bytes response, const Certificate& certificate,
                                                const Certificate& issuer, UnixTime at, CpuFeatures cpu);

}  // namespace limpid::x509
