// Civil time and its two encodings in certificates (RFC 5280, section 4.1.2.5).
#pragma once

#include <optional>

#include "limpid/core/bytes.hpp"
#include "limpid/core/time.hpp"

namespace limpid::asn1 {

// In the Gregorian calendar extended both ways, in GMT. There are no leap seconds.
struct CivilTime {
  std::int64_t year = 1970;
  unsigned month = 1;  // 1 to 12
  unsigned day = 1;    // 1 to 31
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;

  friend constexpr bool operator==(const CivilTime&, const CivilTime&) = default;
};

// Defined for years -9999 to 9999; total for all.
CivilTime civil_time(UnixTime time);
// Nothing if there is no such moment (February 30, hour 24, second 60).
std::optional<UnixTime> unix_time(const CivilTime& civil);

// The contents of a UTCTime, "YYMMDDHHMMSSZ". RFC 5280: "Where YY is greater than or equal to 50, the year SHALL be
// interpreted as 19YY; and where YY is less than 50, the year SHALL be interpreted as 20YY."
std::optional<UnixTime> parse_utc_time(Bytes contents);
// The contents of a GeneralizedTime, "YYYYMMDDHHMMSSZ", without fractional seconds.
std::optional<UnixTime> parse_generalized_time(Bytes contents);

}  // namespace limpid::asn1
