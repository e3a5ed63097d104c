#include "tests/stack/exchange.hpp"

#include <gtest/gtest.h>

namespace limpid {
namespace {

using test::Exchange;

TEST(StackExchange, ServesAPageOverTls) {
  Exchange exchange("/");
  EXPECT_TRUE(exchange.run());
  EXPECT_EQ(exchange.client_app.status, 200);
  EXPECT_EQ(exchange.client_app.body, "<h1>hello</h1>\n");
  ASSERT_TRUE(exchange.client_app.done);
  EXPECT_FALSE(exchange.client_app.done->ended_by_close);
  EXPECT_FALSE(exchange.client_app.truncated || exchange.server_app.truncated);
  EXPECT_EQ(exchange.server_app.server_name, "site.test");
  ASSERT_EQ(exchange.server_app.served.size(), 1u);
  EXPECT_TRUE(exchange.server_app.finished);
  EXPECT_FALSE(exchange.server_app.aborted);
  EXPECT_EQ(exchange.server_budget.used(), 0u);
}

TEST(StackExchange, ServesAPageWithoutTls) {
  Exchange exchange("/", {}, false);
  EXPECT_TRUE(exchange.run());
  EXPECT_EQ(exchange.client_app.body, "<h1>hello</h1>\n");
  EXPECT_TRUE(exchange.client_app.done);
  EXPECT_TRUE(exchange.server_app.finished);
}

TEST(StackExchange, ALargeFileArrivesAtEveryCutAndInEveryRoom) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    for (const bool with_tls : {false, true}) {
      sim::TransportOptions options;
      options.seed = seed;
      options.largest_delivery = std::size_t{1} << seed;
      options.largest_room = std::size_t{2048} << seed % 6;
      options.pipe = std::size_t{4096} << seed % 5;
      Exchange exchange("/big.bin", options, with_tls);
      ASSERT_TRUE(exchange.run()) << seed;
      ASSERT_EQ(exchange.client_app.body, exchange.site.files["big.bin"].content) << seed;
      ASSERT_TRUE(exchange.client_app.done);
      ASSERT_TRUE(exchange.site.open.empty());
      ASSERT_EQ(exchange.server_budget.used(), 0u);
    }
  }
}

}  // namespace
}  // namespace limpid
