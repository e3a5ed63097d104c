// A certificate's readable account, and the text forms that it consists of.
#pragma once

#include "limpid/x509/certificate.hpp"
#include "limpid/x509/certification_request.hpp"

namespace limpid::x509 {

// Several lines, each ended: subject, issuer, serial, validity (and if `now` is given, how long it lasts), key, names,
// constraints, usages, identifiers, every extension by its name and in words, the fingerprint and the key's (SHA-256).
// Text from the certificate is escaped. What a program wants (JSON) it takes from the Certificate's fields and the
// functions below.
void describe(Writer& out, const Certificate& certificate, CpuFeatures cpu, std::optional<UnixTime> now = std::nullopt);
// The same of a request, and whether its signature is right.
void describe(Writer& out, const CertificationRequest& request, CpuFeatures cpu);

// What stands in an extension that Extended does not hold: policies, where to ask for revocation, timestamps of logs
// and the like in words, others in hexadecimal, of which at most 32 octets are written.
void write_extension_value(Writer& out, const Extension& extension);
// As "88 days left", "expired 3 days ago", "begins in 5 hours".
void write_remaining(Writer& out, Validity validity, UnixTime now);

// "2026-01-31T00:00:00Z".
void write_time(Writer& out, UnixTime time);
// "0a:ff".
void write_hex(Writer& out, Bytes bytes);
// The usual name of an object identifier, or its dotted decimals.
void write_oid_name(Writer& out, Bytes id);

}  // namespace limpid::x509
