// A certificate's readable account, and the text forms that it consists of.
#pragma once

#include "limpid/x509/certificate.hpp"

namespace limpid::x509 {

// Several lines, each ended: subject, issuer, serial, validity, key, names, constraints, usages, identifiers, every
// other extension by its name, the SHA-256 fingerprint. Text from the certificate is escaped. What a program wants
// (JSON) it takes from the Certificate's fields and the functions below.
void describe(Writer& out, const Certificate& certificate, CpuFeatures cpu);

// "2026-01-31T00:00:00Z".
void write_time(Writer& out, UnixTime time);
// "0a:ff".
void write_hex(Writer& out, Bytes bytes);
// The usual name of an object identifier, or its dotted decimals.
void write_oid_name(Writer& out, Bytes id);

}  // namespace limpid::x509
