#include "limpid/http/date.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <random>

namespace limpid::http {
namespace {

constexpr UnixTime now{1763665992};  // 2025

TEST(Date, FormatsAsTheLibraryDoes) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t seconds = static_cast<std::int64_t>(random() % 320'000'000'000) - 62'000'000'000;
    if (seconds > 253402300799) continue;
    const std::time_t time = seconds;
    std::tm fields{};
    gmtime_r(&time, &fields);
    char expected[64];
    std::strftime(expected, sizeof expected, "%a, %d %b ", &fields);
    char rest[32];
    std::snprintf(rest, sizeof rest, "%04d %02d:%02d:%02d GMT", fields.tm_year + 1900, fields.tm_hour, fields.tm_min,
                  fields.tm_sec);
    ASSERT_EQ(imf_fixdate({seconds}).text(), std::string(expected) + rest);
    ASSERT_EQ(parse_date(imf_fixdate({seconds}).text(), now), UnixTime{seconds});
  }
  EXPECT_EQ(imf_fixdate({INT64_MAX}).text(), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(imf_fixdate({INT64_MIN}).text(), "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST(Date, ReadsAllThreeForms) {
  constexpr UnixTime example{784111777};
  EXPECT_EQ(parse_date("Sun, 06 Nov 1994 08:49:37 GMT", now), example);
  EXPECT_EQ(parse_date("Sunday, 06-Nov-94 08:49:37 GMT", now), example);
  EXPECT_EQ(parse_date("Sun Nov  6 08:49:37 1994", now), example);
  EXPECT_EQ(parse_date("Sun Nov 16 08:49:37 1994", now), UnixTime{784111777 + 10 * 86400});
  // More than fifty years ahead is in the past.
  EXPECT_EQ(parse_date("Monday, 06-Jan-75 00:00:00 GMT", now), UnixTime{3313958400});
  EXPECT_EQ(parse_date("Tuesday, 06-Jan-76 00:00:00 GMT", now), UnixTime{189734400});
  EXPECT_EQ(parse_date("Thu, 29 Feb 2024 00:00:60 GMT", now), UnixTime{1709164859});
  EXPECT_EQ(parse_date("Tue, 29 Feb 2000 00:00:00 GMT", now), UnixTime{951782400});
}

TEST(Date, RefusesWhatIsNoDate) {
  for (const std::string_view text : {"",
                                      "Sun",
                                      "Sun,",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 UTC",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "sun, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Sun, 00 Nov 1994 08:49:37 GMT",
                                      "Sun, 31 Nov 1994 08:49:37 GMT",
                                      "Sun, 29 Feb 2023 08:49:37 GMT",
                                      "Mon, 29 Feb 2100 00:00:00 GMT",
                                      "Sun, 06 Nov 1994 24:00:00 GMT",
                                      "Sun, 06 Nov 1994 08:60:00 GMT",
                                      "Sun, 06 Nov 1994 08:49:61 GMT",
                                      "Sun, 06 NOV 1994 08:49:37 GMT",
                                      "Sun, +6 Nov 1994 08:49:37 GMT",
                                      "Sunday, 06-Nov-1994 08:49:37 GMT",
                                      "Sun Nov 6 08:49:37 1994",
                                      "0",
                                      "-1"}) {
    EXPECT_EQ(parse_date(text, now), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace limpid::http
