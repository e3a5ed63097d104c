// One connection under test, with what it was told and what it answered.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "limpid/sim/laws.hpp"
#include "limpid/tcpip/tcp/connection.hpp"
#include "limpid/tcpip/tcp/initial_sequence.hpp"
#include "limpid/tcpip/tcp/stray.hpp"
#include "limpid/tcpip/tcp/syn_cookie.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip::tcp {

// A segment on its way: what an Emit held, copied.
struct Packet {
  wire::TcpHeader header;
  std::vector<Byte> payload;
  std::uint8_t ecn = 0;
  std::uint16_t segment_size = 0;
  Pin pin;
};

// The byte of a stream at an offset: a function of both, so that every byte can be judged where it arrives.
inline Byte byte_at(std::uint64_t seed, std::uint64_t offset) {
  return static_cast<Byte>((offset * 0x9E3779B97F4A7C15u + seed) >> 56 ^ offset >> 8);
}

inline std::vector<Byte> stream_piece(std::uint64_t seed, std::uint64_t offset, std::size_t size) {
  std::vector<Byte> piece(size);
  for (std::size_t i = 0; i < size; ++i) piece[i] = byte_at(seed, offset + i);
  return piece;
}

inline const stream::Endpoint here = endpoint(IpAddress::v4({10, 9, 0, 2}), 80);
inline const stream::Endpoint there = endpoint(IpAddress::v4({10, 9, 0, 1}), 40000);

class End {
 public:
  explicit End(Config c = {}) : config(c) {}

  // Steps until the machine asks for nothing at once.
  void tell(Connection::Event event) {
    if (trace != nullptr) {
      ASSERT_TRUE(sim::append_event<Connection>(*trace, {now, {}}, event));
    }
    for (int steps = 0;; ++steps) {
      ASSERT_LT(steps, 100000) << "`more` does not end";
      const Room<Connection::Action> room{{}, slots, budget};
      const auto progress = Connection::advance(config, connection, {now, {}}, event, room);
      for (const auto& action : progress.actions) note(action);
      if (progress.deadline) {
        EXPECT_GT(progress.deadline->microseconds, now.microseconds);
      }
      deadline = progress.deadline;
      wants = progress.wants;
      consumed = progress.consumed;
      if (!progress.more) return;
      if (progress.consumed > 0) event = Tick{};
    }
  }
  void flush() {
    if (connection.needs_flush()) tell(Flush{});
  }
  void arrive(Packet packet) { tell(SegmentArrived{packet.header, packet.payload, packet.ecn, packet.segment_size}); }
  void pass(Duration d) { now = now + d; }
  // The next deadline comes, if it is within `most`.
  void wait(Duration most) {
    if (deadline && *deadline <= now + most) {
      now = *deadline;
      tell(Tick{});
      flush();
    } else {
      now = now + most;
    }
  }
  std::size_t write(Bytes bytes) {
    tell(Write{bytes});
    return consumed;
  }
  const Synchronized& t() const { return *connection.synchronized(); }
  bool t_is_here() const { return connection.synchronized() != nullptr; }

  const Config config;
  Budget budget{1 << 26};
  Connection connection;
  Instant now{1'000'000};
  std::optional<Instant> deadline;
  Wants wants = Wants::event;
  std::size_t consumed = 0;
  std::vector<Connection::Action> slots = std::vector<Connection::Action>(Connection::least_room.actions + 8);

  Buffer* trace = nullptr;  // if there is one, what is told is written down
  std::deque<Packet> sent;
  std::vector<Byte> received;
  std::vector<Ignored> ignored;
  bool established = false, peer_finished = false, writable = false;
  std::optional<stream::ResetReason> was_reset;
  std::optional<Closed> closed;

 private:
  void note(const Connection::Action& action) {
    std::visit(Overloaded{
                   [&](const Emit& emit) {
                     Packet packet{emit.header, {}, emit.ecn, emit.segment_size, emit.pin};
                     for (const Bytes& piece : emit.payload) {
                       packet.payload.insert(packet.payload.end(), piece.begin(), piece.end());
                     }
                     sent.push_back(std::move(packet));
                   },
                   [&](const Established&) { established = true; },
                   [&](const stream::Received& r) { received.insert(received.end(), r.bytes.begin(), r.bytes.end()); },
                   [&](const Writable&) { writable = true; },
                   [&](const stream::PeerFinished&) { peer_finished = true; },
                   [&](const stream::Reset& r) { was_reset = r.reason; },
                   [&](const Closed& c) { closed = c; },
                   [&](const SegmentIgnored& i) { ignored.push_back(i.why); },
               },
               action);
  }
};

}  // namespace limpid::tcpip::tcp
