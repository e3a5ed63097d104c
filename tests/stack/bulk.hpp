// Bytes both ways at once through TLS over the in-memory driver, cut at random.
#pragma once

#include <gtest/gtest.h>

#include "limpid/sim/memory_transport.hpp"
#include "limpid/stack/verify_peer.hpp"
#include "limpid/tls/connection/connection.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/cpu.hpp"

namespace limpid::test {

// tls::Connection over the stream contract, and nothing above it.
struct BareTls {
  using Config = tls::Config;
  using Event = std::variant<Tick, stream::Opened, stream::Received, stream::PeerFinished, stream::Reset, tls::Write,
                             tls::Close, tls::Reply>;
  using Action = std::variant<stream::Send, stream::Finish, stream::Abort, tls::Deliver, tls::PeerClosed,
                              tls::Truncated, tls::Failed>;
  static constexpr LeastRoom least_room = tls::Connection::least_room;

  tls::Connection connection;

  auto pending() const { return connection.pending(); }

  static Progress<Action> advance(const Config& config, BareTls& state, Time now, const Event& event,
                                  const Room<Action>& room) {
    ActionList<Action> actions(room.actions);
    const auto run = [&](const tls::Connection::Event& inner) {
      std::array<tls::Connection::Action, 16> slots;
      const auto progress = tls::Connection::advance(
          config, state.connection, now, inner,
          {room.bytes, std::span(slots).first(std::min<std::size_t>(16, actions.free() - 1)), room.budget, room.cpu});
      for (const auto& action : progress.actions) {
        std::visit(
            [&]<class A>(const A& a) {
              if constexpr (std::constructible_from<Action, A>) actions.push(a);
            },
            action);
      }
      if (std::holds_alternative<tls::Close>(inner) && progress.consumed == 1) actions.push(stream::Finish{});
      return Progress<Action>{progress.consumed, actions.all(), progress.more, progress.wants, progress.deadline};
    };
    return std::visit(Overloaded{
                          [&](const stream::Opened& opened) { return run(tls::Entropy{opened.entropy}); },
                          [&](const stream::Reset&) { return Progress<Action>{1, {}, false, Wants::nothing}; },
                          [&](const auto& same) { return run(same); },
                      },
                      event);
  }
};

// A byte of the stream is a function of its offset and its direction.
inline Byte byte_at(std::uint64_t offset, bool by_server) {
  return static_cast<Byte>((offset * 167 + (offset >> 13)) ^ (by_server ? 0x55 : 0));
}

class Mover {
 public:
  Mover(bool server, std::uint64_t total, stack::Identities& identities, std::span<const x509::Certificate> anchors,
        Budget& budget, CpuFeatures cpu)
      : server_(server),
        total_(total),
        identities_(identities),
        anchors_(anchors),
        budget_(budget),
        cpu_(cpu),
        piece_(50'000) {}

  const tls::Connection* connection = nullptr;

  std::optional<BareTls::Event> answer(const tls::Query& query) {
    const QueryId id = connection->query_id();
    if (server_) return tls::Reply{id, identities_.answer(query, certificate_epoch, cpu_)};
    return tls::Reply{
        id, stack::verify_peer(std::get<tls::VerifyPeer>(query), anchors_, certificate_epoch, budget_, cpu_).answer};
  }
  std::optional<BareTls::Event> next(const BareTls& state) {
    if (!state.connection.may_write()) return {};
    if (sent == total_) {
      if (std::exchange(closed_, true)) return {};
      return tls::Close{};
    }
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(piece_.size(), total_ - sent));
    for (std::size_t i = 0; i < n; ++i) piece_[i] = byte_at(sent + i, server_);
    writing_ = true;
    return tls::Write{Bytes(piece_).first(n)};
  }
  void taken(std::size_t consumed) {
    if (std::exchange(writing_, false)) {
      sent += consumed;
    } else if (consumed == 0) {
      closed_ = false;
    }
  }
  void see(const BareTls::Action& action) {
    if (const auto* deliver = std::get_if<tls::Deliver>(&action)) {
      for (const Byte byte : deliver->bytes) wrong += byte == byte_at(received++, !server_) ? 0 : 1;
    }
    peer_closed = peer_closed || std::holds_alternative<tls::PeerClosed>(action);
    truncated = truncated || std::holds_alternative<tls::Truncated>(action);
    failed = failed || std::holds_alternative<tls::Failed>(action);
  }

  std::uint64_t sent = 0, received = 0, wrong = 0;
  bool peer_closed = false, truncated = false, failed = false;

 private:
  bool server_;
  std::uint64_t total_;
  stack::Identities& identities_;
  std::span<const x509::Certificate> anchors_;
  Budget& budget_;
  CpuFeatures cpu_;
  std::vector<Byte> piece_;
  bool writing_ = false, closed_ = false;
};

// Moves `total` bytes each way and judges what arrived.
inline void move_both_ways(std::uint64_t total, const sim::TransportOptions& options) {
  Authority authority;
  stack::Identities identities(authority.budget());
  ASSERT_TRUE(identities.add(authority.identity("site.test")));
  Budget harness(1 << 24), client_budget(1 << 20), server_budget(1 << 20);
  const auto client_config = *tls::Config::make({.role = tls::Role::client, .server_name = "site.test"});
  const auto server_config = *tls::Config::make({.role = tls::Role::server});
  Mover client(false, total, identities, authority.anchors(), harness, options.cpu);
  Mover server(true, total, identities, authority.anchors(), harness, options.cpu);
  sim::TransportEnd<BareTls, Mover> client_end(client_config, client, client_budget, harness);
  sim::TransportEnd<BareTls, Mover> server_end(server_config, server, server_budget, harness);
  client.connection = &client_end.state.connection;
  server.connection = &server_end.state.connection;
  sim::MemoryTransport transport(options, client_end, server_end, {{1}, certificate_epoch}, harness);
  EXPECT_TRUE(transport.run());
  for (const Mover* mover : {&client, &server}) {
    EXPECT_EQ(mover->sent, total);
    EXPECT_EQ(mover->received, total);
    EXPECT_EQ(mover->wrong, 0u);
    EXPECT_TRUE(mover->peer_closed);
    EXPECT_FALSE(mover->truncated || mover->failed);
  }
  EXPECT_LT(client_budget.peak(), 64u * 1024);
  EXPECT_LT(server_budget.peak(), 64u * 1024);
}

}  // namespace limpid::test
