// A simulated Ethernet segment: what one port sends, every other port may get, late, twice, out of order, damaged or
// never. A seed decides all of it; virtual time is whatever its caller says, and jumps to the next thing that happens.
//
// Whoever is attached is a Node: it takes frames and gives frames. A tcpip::Host is one, a hostile script another.
#pragma once

#include <concepts>

#include "limpid/core/frame.hpp"
#include "limpid/core/time.hpp"
#include "limpid/core/vec.hpp"
#include "limpid/sim/dice.hpp"

namespace limpid::sim {

// Of what one port sends. Chances are in a million, and drawn for each frame and receiver.
struct LinkConditions {
  Duration latency = milliseconds(1);
  Duration jitter{};                   // up to so much is added, by chance; alone it reorders
  std::uint64_t bytes_per_second = 0;  // 0: without limit
  std::size_t queue = 1 << 20;         // bytes that may wait for a limited link; a frame beyond is dropped
  std::uint32_t loss = 0;
  std::uint32_t duplication = 0;
  std::uint32_t reordering = 0;  // such a frame comes later, by up to reordering_delay
  Duration reordering_delay = milliseconds(20);
  std::uint32_t corruption = 0;      // one bit of an IP packet is flipped: what Ethernet's check sequence did not find
  bool cut = false;                  // a partition: nothing gets through
  bool carries_superframes = false;  // as between guests of one host; otherwise they are cut as a device does
};

struct NetworkCounts {
  std::uint64_t sent = 0, delivered = 0, lost = 0, overflowed = 0, duplicated = 0, reordered = 0, corrupted = 0;
  std::uint64_t refused = 0;  // the budget held no more, or what was sent was no frame
};

class Network {
 public:
  static constexpr std::size_t most_ports = 8;

  // A frame that reached a port. It is dead at the next call.
  struct Arrival {
    Instant at;
    std::size_t from = 0, to = 0;
    MutableBytes frame;
    ReceiveOffload offload;
    bool forged = false;
  };

  // The budget holds the frames that are under way, and outlives the network.
  Network(std::uint64_t seed, Budget& budget);

  // A new port; at most most_ports.
  std::size_t attach(const LinkConditions& conditions);
  // May change at any time, for what is sent from then on.
  LinkConditions& conditions(std::size_t port) { return ports_[port].conditions; }

  // Puts a frame of `port` on the wire, cut and its checksums finished. `watch(Bytes frame, segment_size)` sees each
  // frame as it leaves the port, before anything happens to it.
  template <class Watch>
  void send(std::size_t port, Instant now, const Transmit& transmit, Watch&& watch) {
    if (!assemble_from(transmit)) return;
    const bool whole = ports_[port].conditions.carries_superframes;
    for (std::size_t at = 0; next_frame(transmit.offload.segment_size, whole, at);) {
      const std::uint16_t segment_size = whole ? transmit.offload.segment_size : std::uint16_t{0};
      watch(Bytes(frame_.data(), frame_.size()), segment_size);
      carry(port, now, segment_size, false);
      if (last_) break;
    }
  }
  void send(std::size_t port, Instant now, const Transmit& transmit) {
    send(port, now, transmit, [](Bytes, std::uint16_t) {});
  }

  // Puts any bytes on the wire as they are. `forged` comes with them, and means nothing here.
  void speak(std::size_t port, Instant now, Bytes frame, bool forged);

  // When the next frame reaches somebody.
  std::optional<Instant> next() const;
  // The next one that has reached somebody by `now`.
  std::optional<Arrival> arrival(Instant now);

  const NetworkCounts& counts() const { return counts_; }
  std::size_t under_way() const { return flights_.size(); }

 private:
  struct Port {
    LinkConditions conditions;
    Instant busy_until;  // of a limited link
  };
  struct Flight {
    Instant at;
    std::uint64_t serial = 0;  // among those that arrive at once, the first that was sent
    std::size_t from = 0, to = 0;
    Buffer frame;
    ReceiveOffload offload;
    bool forged = false;
    friend bool operator<(const Flight& a, const Flight& b) {
      return a.at > b.at || (a.at == b.at && a.serial > b.serial);  // a heap's front is the largest
    }
  };

  bool assemble_from(const Transmit& transmit);
  bool next_frame(std::uint16_t segment_size, bool whole, std::size_t& at);
  void carry(std::size_t from, Instant now, std::uint16_t segment_size, bool forged);
  void fly(std::size_t from, std::size_t to, Instant at, std::uint16_t segment_size, bool forged);

  Budget* budget_;
  Dice dice_;
  std::array<Port, most_ports> ports_{};
  std::size_t port_count_ = 0;
  Vec<Flight> flights_;  // a heap
  Buffer whole_, frame_, arrived_;
  bool last_ = true;
  std::uint64_t serial_ = 0;
  NetworkCounts counts_;
};

}  // namespace limpid::sim
