#include "limpid/asn1/time.hpp"

namespace limpid::asn1 {
namespace {

constexpr std::int64_t seconds_per_day = 86'400;
constexpr std::int64_t days_per_era = 146'097;       // 400 years
constexpr std::int64_t epoch_in_era_days = 719'468;  // from 0000-03-01 to 1970-01-01

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

constexpr std::int64_t floor_remainder(std::int64_t a, std::int64_t b) { return a % b < 0 ? a % b + b : a % b; }

constexpr bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

constexpr unsigned days_in(std::int64_t year, unsigned month) {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Days before the first of the month, in a year that begins in March.
constexpr std::int64_t days_before(std::int64_t months_since_march) { return (153 * months_since_march + 2) / 5; }

std::optional<unsigned> digits(Bytes text) {
  unsigned value = 0;
  for (const Byte c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// MMDDHHMMSSZ after the year.
std::optional<UnixTime> parse_after_year(unsigned year, Bytes rest) {
  if (rest.size() != 11 || rest[10] != 'Z') return std::nullopt;
  unsigned parts[5];
  for (std::size_t i = 0; i < 5; ++i) {
    const std::optional<unsigned> part = digits(rest.subspan(2 * i, 2));
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  return unix_time({year, parts[0], parts[1], parts[2], parts[3], parts[4]});
}

}  // namespace

CivilTime civil_time(UnixTime time) {
  const std::int64_t days = floor_div(time.seconds, seconds_per_day);
  const std::int64_t second_of_day = floor_remainder(time.seconds, seconds_per_day);
  // Years are counted from March, so that the leap day is a year's last.
  const std::int64_t era = floor_div(days + epoch_in_era_days, days_per_era);
  const std::int64_t day_of_era = days + epoch_in_era_days - era * days_per_era;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t march_month = (5 * day_of_year + 2) / 153;
  const std::int64_t month = march_month < 10 ? march_month + 3 : march_month - 9;
  return {era * 400 + year_of_era + (month <= 2 ? 1 : 0),
          static_cast<unsigned>(month),
          static_cast<unsigned>(day_of_year - days_before(march_month) + 1),
          static_cast<unsigned>(second_of_day / 3'600),
          static_cast<unsigned>(second_of_day / 60 % 60),
          static_cast<unsigned>(second_of_day % 60)};
}

std::optional<UnixTime> unix_time(const CivilTime& civil) {
  if (civil.year < -9'999 || civil.year > 9'999 || civil.month < 1 || civil.month > 12 || civil.day < 1 ||
      civil.day > days_in(civil.year, civil.month) || civil.hour > 23 || civil.minute > 59 || civil.second > 59) {
    return std::nullopt;
  }
  const std::int64_t year = civil.year - (civil.month <= 2 ? 1 : 0);
  const std::int64_t era = floor_div(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t march_month = civil.month > 2 ? civil.month - 3 : civil.month + 9;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + days_before(march_month) + civil.day - 1;
  const std::int64_t days = era * days_per_era + day_of_era - epoch_in_era_days;
  return UnixTime{days * seconds_per_day + civil.hour * 3'600 + civil.minute * 60 + civil.second};
}

std::optional<UnixTime> parse_utc_time(Bytes contents) {
  if (contents.size() != 13) return std::nullopt;
  const std::optional<unsigned> year = digits(contents.first(2));
  if (!year) return std::nullopt;
  return parse_after_year(*year >= 50 ? 1900 + *year : 2000 + *year, contents.subspan(2));
}

std::optional<UnixTime> parse_generalized_time(Bytes contents) {
  if (contents.size() != 15) return std::nullopt;
  const std::optional<unsigned> year = digits(contents.first(4));
  if (!year) return std::nullopt;
  return parse_after_year(*year, contents.subspan(4));
}

}  // namespace limpid::asn1
