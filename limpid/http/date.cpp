#include "limpid/http/date.hpp"

#include <algorithm>

#include "limpid/http/syntax.hpp"

namespace limpid::http {
namespace {

constexpr std::string_view month_names = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::string_view day_names = "SunMonTueWedThuFriSat";

struct Civil {
  std::int64_t year;
  int month, day;  // from 1
};

// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, and back. Years begin in March, so that the leap
// day is the last of its year; an era is 400 years, which is 146097 days.
constexpr std::int64_t days_from_civil(Civil c) {
  const std::int64_t year = c.month <= 2 ? c.year - 1 : c.year;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * ((c.month + 9) % 12) + 2) / 5 + c.day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

constexpr Civil civil_from_days(std::int64_t days) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t day_of_era = days - era * 146097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const int month = static_cast<int>((month_from_march + 2) % 12 + 1);
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0), month,
          static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1)};
}

constexpr bool is_leap(std::int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }
constexpr int days_in_month(std::int64_t year, int month) {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Reads a date from its front; the first thing that is not as expected makes it fail for good.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  void literal(std::string_view expected) {
    if (rest_.starts_with(expected)) return rest_.remove_prefix(expected.size());
    failed_ = true;
  }
  std::int64_t digits(std::size_t n) {
    if (n > rest_.size()) failed_ = true;
    const auto value = failed_ ? std::nullopt : parse_decimal(first(rest_, n));
    if (!value) failed_ = true;
    if (failed_) return 0;
    rest_.remove_prefix(n);
    return static_cast<std::int64_t>(*value);
  }
  // The index of one of the three-letter names. Case-sensitive (RFC 9110, section 5.6.7).
  int name(std::string_view names) {
    for (std::size_t i = 0; i * 3 < names.size(); ++i) {
      if (!failed_ && rest_.starts_with(first(from(names, i * 3), 3))) {
        rest_.remove_prefix(3);
        return static_cast<int>(i);
      }
    }
    failed_ = true;
    return 0;
  }
  bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }
  void skip(std::size_t n) { rest_.remove_prefix(std::min(n, rest_.size())); }
  bool finished() const { return !failed_ && rest_.empty(); }
  void fail() { failed_ = true; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

struct Clock {
  std::int64_t hour, minute, second;
};

Clock read_clock(DateReader& in) {
  Clock clock{};
  clock.hour = in.digits(2);
  in.literal(":");
  clock.minute = in.digits(2);
  in.literal(":");
  clock.second = in.digits(2);
  return clock;
}

std::optional<UnixTime> assemble(const DateReader& in, Civil date, Clock clock) {
  if (!in.finished() || date.day < 1 || date.day > days_in_month(date.year, date.month)) return {};
  if (clock.hour > 23 || clock.minute > 59 || clock.second > 60) return {};
  return UnixTime{days_from_civil(date) * 86400 + clock.hour * 3600 + clock.minute * 60 +
                  std::min<std::int64_t>(clock.second, 59)};
}

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<UnixTime> parse_fixdate(std::string_view text) {
  DateReader in(text);
  Civil date{};
  in.name(day_names);
  in.literal(", ");
  date.day = static_cast<int>(in.digits(2));
  in.literal(" ");
  date.month = in.name(month_names) + 1;
  in.literal(" ");
  date.year = in.digits(4);
  in.literal(" ");
  const Clock clock = read_clock(in);
  in.literal(" GMT");
  return assemble(in, date, clock);
}

// Sunday, 06-Nov-94 08:49:37 GMT. `text` begins behind the weekday.
std::optional<UnixTime> parse_rfc850(std::string_view text, UnixTime now) {
  DateReader in(text);
  Civil date{};
  in.literal(", ");
  date.day = static_cast<int>(in.digits(2));
  in.literal("-");
  date.month = in.name(month_names) + 1;
  in.literal("-");
  const std::int64_t two_digits = in.digits(2);
  in.literal(" ");
  const Clock clock = read_clock(in);
  in.literal(" GMT");
  // RFC 9110, section 5.6.7: "a timestamp that appears to be more than 50 years in the future" means "the most recent
  // year in the past that had the same last two digits".
  const std::int64_t this_year =
      civil_from_days(std::clamp(now.seconds / 86400, std::int64_t{0}, std::int64_t{2932896})).year;
  date.year = this_year - this_year % 100 + two_digits;
  if (date.year > this_year + 50) date.year -= 100;
  return assemble(in, date, clock);
}

// Sun Nov  6 08:49:37 1994
std::optional<UnixTime> parse_asctime(std::string_view text) {
  DateReader in(text);
  Civil date{};
  in.name(day_names);
  in.literal(" ");
  date.month = in.name(month_names) + 1;
  in.literal(" ");
  if (in.next_is(' ')) {
    in.skip(1);
    date.day = static_cast<int>(in.digits(1));
  } else {
    date.day = static_cast<int>(in.digits(2));
  }
  in.literal(" ");
  const Clock clock = read_clock(in);
  in.literal(" ");
  date.year = in.digits(4);
  return assemble(in, date, clock);
}

std::string_view long_day_name(std::string_view text) {
  static constexpr std::string_view names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                               "Thursday", "Friday", "Saturday"};
  for (const std::string_view name : names) {
    if (text.starts_with(name)) return name;
  }
  return {};
}

}  // namespace

DateText imf_fixdate(UnixTime time) {
  // 0000-01-01 and 9999-12-31T23:59:59.
  const std::int64_t seconds = std::clamp(time.seconds, std::int64_t{-62167219200}, std::int64_t{253402300799});
  const std::int64_t days = seconds >= 0 ? seconds / 86400 : -((86399 - seconds) / 86400);
  const std::int64_t of_day = seconds - days * 86400;
  const Civil date = civil_from_days(days);
  const auto weekday = static_cast<std::size_t>(((days + 4) % 7 + 7) % 7);

  DateText out{{"Sun, 06 Nov 1994 08:49:37 GM"}};
  out.characters[28] = 'T';
  const auto number = [&](std::size_t at, std::int64_t value, std::size_t digits) {
    for (std::size_t i = digits; i-- > 0; value /= 10) out.characters[at + i] = static_cast<char>('0' + value % 10);
  };
  std::copy_n(day_names.data() + weekday * 3, 3, out.characters.data());
  number(5, date.day, 2);
  std::copy_n(month_names.data() + (date.month - 1) * 3, 3, out.characters.data() + 8);
  number(12, date.year, 4);
  number(17, of_day / 3600, 2);
  number(20, of_day / 60 % 60, 2);
  number(23, of_day % 60, 2);
  return out;
}

std::optional<UnixTime> parse_date(std::string_view text, UnixTime now) {
  const std::string_view day = long_day_name(text);
  if (!day.empty()) return parse_rfc850(from(text, day.size()), now);
  if (text.size() > 3 && text[3] == ',') return parse_fixdate(text);
  return parse_asctime(text);
}

}  // namespace limpid::http
