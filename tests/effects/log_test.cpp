#include "limpid/effects/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "limpid/effects/ring.hpp"
#include "limpid/effects/sockets.hpp"

namespace limpid::effects {
namespace {

constexpr UnixTime at{1763665992};

stream::Endpoint endpoint(std::string_view address, std::uint16_t port) {
  auto endpoint = *parse_address(address);
  endpoint.port = port;
  return endpoint;
}

template <std::size_t N>
http::Excerpt<N> excerpt(std::string_view text) {
  return http::Excerpt<N>(std::span(text.data(), text.size()));
}

http::RequestServed served() {
  http::RequestServed served;
  served.status = http::Status::ok;
  served.body_bytes = 12;
  served.method_name = excerpt<16>("GET");
  served.target = excerpt<255>("/a\"\\?b");
  served.user_agent = excerpt<127>("x\t\x1b\x80\"");
  return served;
}

TEST(AccessLog, Lines) {
  EXPECT_EQ(access_line(LogForm::text, endpoint("10.0.0.1", 80), at, served()),
            "10.0.0.1 - - [20/Nov/2025:19:13:12 +0000] \"GET /a\\x22\\x5c?b HTTP/1.1\" 200 12 \"-\" "
            "\"x\\x09\\x1b\\x80\\x22\"\n");
  EXPECT_EQ(access_line(LogForm::json, endpoint("::1", 80), at, served()),
            "{\"time\":\"2025-11-20T19:13:12Z\",\"peer\":\"[::1]:80\",\"method\":\"GET\",\"target\":\"/a\\\"\\\\?b\","
            "\"version\":\"HTTP/1.1\",\"status\":200,\"bytes\":12,\"user_agent\":\"x\\u0009\\u001b\\u0080\\\"\"}\n");
  http::RequestServed unread;
  unread.abandoned = http::Abandoned::stalled;
  EXPECT_EQ(access_line(LogForm::text, endpoint("::1", 80), at, unread),
            "::1 - - [20/Nov/2025:19:13:12 +0000] \"-\" 400 0 \"-\" \"-\"\n");
  EXPECT_EQ(access_line(LogForm::json, endpoint("::1", 80), at, unread),
            "{\"time\":\"2025-11-20T19:13:12Z\",\"peer\":\"[::1]:80\",\"status\":400,\"bytes\":0,"
            "\"abandoned\":\"stalled\"}\n");
}

TEST(AccessLog, TheLongestLineFitsOneWrite) {
  http::RequestServed longest = served();
  const std::string worst(300, '\x01');
  longest.method_name = excerpt<16>(worst);
  longest.target = excerpt<255>(worst);
  longest.referer = longest.user_agent = excerpt<127>(worst);
  for (const LogForm form : {LogForm::text, LogForm::json}) {
    EXPECT_LT(access_line(form, endpoint("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535), at, longest).size(), 4096u);
  }
}

TEST(AccessLog, APipeThatIsFullTakesWholeLinesOnly) {
  const auto folder = std::filesystem::temp_directory_path();
  std::string name = (folder / "limpid-log-XXXXXX").string();
  const std::filesystem::path root = ::mkdtemp(name.data());
  const std::string path = (root / "pipe").string();
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  ASSERT_FALSE(LogFile::open(path)) << "nobody reads";
  const Descriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK));
  const auto file = LogFile::open(path);
  ASSERT_TRUE(file);
  AccessLog log(*file, LogForm::text);
  Counter lost = 0;
  const std::string line = access_line(LogForm::text, endpoint("::1", 1), at, served());
  std::size_t added = 0;
  for (; lost == 0; ++added) {
    log.add(endpoint("::1", 1), at, served(), lost);
    log.flush();
  }
  EXPECT_EQ(log.flush(), EAGAIN);
  std::string all;
  char piece[4096];
  while (!log.empty()) {
    for (ssize_t n; (n = ::read(reader.get(), piece, sizeof piece)) > 0;)
      all.append(piece, static_cast<std::size_t>(n));
    log.flush();
  }
  for (ssize_t n; (n = ::read(reader.get(), piece, sizeof piece)) > 0;) all.append(piece, static_cast<std::size_t>(n));
  ASSERT_EQ(all.size(), (added - 1) * line.size());
  for (std::size_t i = 0; i < all.size(); i += line.size()) ASSERT_EQ(all.compare(i, line.size(), line), 0);
  std::filesystem::remove_all(root);
}

TEST(OnceASecond, LetsOnePass) {
  OnceASecond once;
  EXPECT_TRUE(once.may(Instant{5'000'000}));
  EXPECT_FALSE(once.may(Instant{5'999'999}));
  EXPECT_TRUE(once.may(Instant{6'000'000}));
  EXPECT_FALSE(once.may(Instant{6'000'001}));
}

TEST(Ring, KeepsTheOrderInWhichElementsCame) {
  struct Element : RingLink {};
  Ring<Element> ring, other;
  Element a, b;
  EXPECT_EQ(ring.front(nullptr), nullptr);
  {
    Element gone;
    ring.push_back(gone);
    ring.push_back(a);
    ring.push_back(b);
    EXPECT_EQ(ring.front(nullptr), &gone);
    EXPECT_EQ(ring.front(&gone), &a);
    EXPECT_EQ(ring.front(&a), &gone);
  }
  EXPECT_EQ(ring.front(nullptr), &a) << "who goes leaves";
  ring.push_back(a);
  EXPECT_EQ(ring.front(nullptr), &b) << "again at the end";
  other.push_back(b);
  EXPECT_EQ(ring.front(nullptr), &a);
  EXPECT_EQ(ring.front(&a), nullptr);
  EXPECT_EQ(other.front(nullptr), &b);
  a.leave();
  a.leave();
  EXPECT_EQ(ring.front(nullptr), nullptr);
}

}  // namespace
}  // namespace limpid::effects
