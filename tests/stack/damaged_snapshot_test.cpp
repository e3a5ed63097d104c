// Whatever bytes are loaded: they are refused, or what they give is a state like any other.
#include <gtest/gtest.h>

#include "tests/stack/exchange.hpp"

namespace limpid {
namespace {

// Tells a state everything that a driver could.
template <class M>
void exercise(const typename M::Config& config, M& state, Budget& budget) {
  std::vector<Byte> room(40'000);
  std::array<typename M::Action, 64> slots;
  const auto step = [&](const typename M::Event& event, Instant now) {
    return M::advance(config, state, {now, test::certificate_epoch}, event, {room, slots, budget, {}});
  };
  std::string text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  const Instant now = test::epoch.monotonic;
  step(Tick{}, now);
  std::vector<Byte> bytes(text.begin(), text.end());
  step(stream::Received{bytes}, now);
  if constexpr (requires { typename M::Query; }) {
    if (state.pending()) {
      for (std::uint32_t id = 0; id < 4; ++id) {
        if constexpr (std::constructible_from<typename M::Event, http::Reply>) {
          step(http::Reply{{id}, http::Found{{id}, 9, {}, 1}}, now);
          step(http::Reply{{id}, http::Piece{as_bytes("abcdefghi")}}, now);
        }
      }
    }
  }
  step(stream::PeerFinished{}, now);
  const auto save_again = save(state, now, budget);
  EXPECT_TRUE(save_again);
  step(Tick{}, now + seconds(1000));
  step(stream::Reset{}, now + seconds(1000));
}

template <class M>
void damage(const typename M::Config& config, const typename M::Config& other, const M& state, std::size_t stride) {
  Budget budget(1 << 22);
  const Instant now = test::epoch.monotonic;
  const auto saved = save(state, now, budget);
  ASSERT_TRUE(saved);
  std::vector<Byte> bytes(saved->begin(), saved->end());
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit += stride) {
    bytes[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    for (const auto* c : {&config, &other}) {
      if (auto loaded = load<M>(bytes, {now, budget})) {
        const auto again = save(*loaded, now, budget);
        ASSERT_TRUE(again);
        ASSERT_EQ(Bytes(again->data(), again->size()), Bytes(bytes)) << bit;
        exercise(*c, *loaded, budget);
      }
    }
    bytes[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
  }
  for (std::size_t n = 0; n < bytes.size(); n += 1 + bytes.size() / 200) {
    EXPECT_FALSE(load<M>(Bytes(bytes).first(n), {now, budget})) << n;
  }
}

TEST(DamagedSnapshot, OfAnyStateIsRefusedOrSound) {
  for (const bool with_tls : {false, true}) {
    sim::TransportOptions options;
    options.largest_delivery = 3000;
    options.largest_room = 4096;
    options.pipe = 4096;
    test::Exchange exchange("/big.bin", options, with_tls);
    stack::Server::Config other_server;
    stack::Client::Config other_client;
    if (!with_tls) {
      other_server.tls = *tls::Config::make({.role = tls::Role::server});
      other_client.tls = *tls::Config::make({.role = tls::Role::client, .server_name = "site.test"});
    }
    exchange.client.emplace(exchange.client_config, exchange.client_app, exchange.client_budget, exchange.harness);
    exchange.server.emplace(exchange.server_config, exchange.server_app, exchange.server_budget, exchange.harness);
    exchange.transport.emplace(options, *exchange.client, *exchange.server, test::epoch, exchange.harness);
    for (int turn = 0; turn < 24; ++turn) {
      exchange.transport->run(1);
      damage(exchange.server_config, other_server, exchange.server->state, with_tls ? 37 : 3);
      damage(exchange.client_config, other_client, exchange.client->state, with_tls ? 41 : 3);
    }
  }
}

}  // namespace
}  // namespace limpid
