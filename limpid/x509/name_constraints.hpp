// Whether a certificate's names are what an issuer above it may speak for (RFC 5280, section 4.2.1.10).
#pragma once

#include "limpid/x509/certificate.hpp"

namespace limpid::x509 {

enum class NameVerdict : std::uint8_t {
  permitted,
  not_permitted,
  unsupported,  // the constraint is on a type of name that is not understood, and the certificate has such a name
  too_many,     // `comparisons_left` was used up
};

// Looks at the subject and all of subjectAltName. Understood: dNSName, iPAddress, directoryName. A wildcard in a
// dNSName is excluded if it could stand for a name that is. Each pair of a name and a subtree takes one
// from `comparisons_left`, and another for each 32 bytes of the subtree's base.
NameVerdict check_names(const Certificate& certificate, const NameConstraints& constraints,
                        std::size_t& comparisons_left);

}  // namespace limpid::x509
