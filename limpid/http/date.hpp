// Timestamps of HTTP (RFC 9110, section 5.6.7).
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "limpid/core/time.hpp"

namespace limpid::http {

struct DateText {
  std::array<char, 29> characters;
  std::string_view text() const { return {characters.data(), characters.size()}; }
};

// "Sun, 06 Nov 1994 08:49:37 GMT". Years 0 to 9999; beyond them the nearest representable moment.
DateText imf_fixdate(UnixTime time);

// All three forms that a recipient must accept: IMF-fixdate, RFC 850 and asctime. A two-digit year is the one not more
// than 50 years after `now`. Empty if it is none of them; the weekday must be a name but need not be the right one.
std::optional<UnixTime> parse_date(std::string_view text, UnixTime now);

}  // namespace limpid::http
