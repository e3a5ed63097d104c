// Nodes on a network in virtual time, which jumps to the next thing that happens, with the oracle watching every frame.
#pragma once

#include <array>
#include <optional>

#include "limpid/sim/network.hpp"
#include "limpid/sim/oracle.hpp"

namespace limpid::sim {

// Sees each frame as it leaves a port.
struct FrameWatch {
  void* object = nullptr;
  void (*saw)(void* object, std::size_t from, Instant at, Bytes frame) = nullptr;
};

// Where a node's frames go.
class Outlet {
 public:
  Outlet(Network& network, Oracle& oracle, const FrameWatch& watch, std::uint64_t& packets, std::size_t port,
         Instant now)
      : network_(network), oracle_(oracle), watch_(watch), packets_(packets), port_(port), now_(now) {}
  // The device is done with the frame when this returns.
  void send(const Transmit& transmit) const {
    network_.send(port_, now_, transmit, [&](Bytes frame, std::uint16_t segment_size) {
      oracle_.sent({++packets_, now_, frame, frame.size(), segment_size, false});
      if (watch_.saw != nullptr) watch_.saw(watch_.object, port_, now_, frame);
    });
  }
  // Any bytes, of whoever keeps to no rule. The oracle takes note of them, and holds them against nobody; not of what
  // is `forged`: what it says is not so, neither that somebody sent it nor that it is part of a connection.
  void speak(Bytes frame, bool forged) const {
    if (!forged) oracle_.noted({++packets_, now_, frame, frame.size(), 0, false});
    if (watch_.saw != nullptr) watch_.saw(watch_.object, port_, now_, frame);
    network_.speak(port_, now_, frame, forged);
  }

 private:
  Network& network_;
  Oracle& oracle_;
  const FrameWatch& watch_;
  std::uint64_t& packets_;
  std::size_t port_;
  Instant now_;
};

// Whatever takes frames and gives frames.
template <class N>
concept Node = requires(N& node, Time now, const FrameReceived& event, const Outlet& outlet) {
  node.receive(now, event, outlet);
  node.wake(now, outlet);    // its deadline has come, or it is the beginning
  node.settle(now, outlet);  // nothing more happens at this instant
  { node.deadline() } -> std::same_as<std::optional<Instant>>;
};

class AnyNode {
 public:
  AnyNode() = default;
  template <Node N>
  explicit AnyNode(N& node)
      : object_(&node),
        receive_([](void* object, Time now, const FrameReceived& event, const Outlet& outlet) {
          static_cast<N*>(object)->receive(now, event, outlet);
        }),
        wake_([](void* object, Time now, const Outlet& outlet) { static_cast<N*>(object)->wake(now, outlet); }),
        settle_([](void* object, Time now, const Outlet& outlet) { static_cast<N*>(object)->settle(now, outlet); }),
        deadline_([](void* object) { return static_cast<N*>(object)->deadline(); }) {}

  void receive(Time now, const FrameReceived& event, const Outlet& outlet) { receive_(object_, now, event, outlet); }
  void wake(Time now, const Outlet& outlet) { wake_(object_, now, outlet); }
  void settle(Time now, const Outlet& outlet) { settle_(object_, now, outlet); }
  std::optional<Instant> deadline() const { return deadline_(object_); }

 private:
  void* object_ = nullptr;
  void (*receive_)(void*, Time, const FrameReceived&, const Outlet&) = nullptr;
  void (*wake_)(void*, Time, const Outlet&) = nullptr;
  void (*settle_)(void*, Time, const Outlet&) = nullptr;
  std::optional<Instant> (*deadline_)(void*) = nullptr;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Time start, const OracleOptions& options, Budget& harness)
      : network(seed, harness), oracle(options, harness), now_(start), start_(start) {}

  template <Node N>
  std::size_t attach(N& node, const LinkConditions& conditions) {
    const std::size_t port = network.attach(conditions);
    nodes_[port] = AnyNode(node);
    count_ = port + 1;
    return port;
  }

  void begin() {
    for (std::size_t i = 0; i < count_; ++i) nodes_[i].wake(now_, outlet(i));
    settle();
  }

  // Goes to the next thing that happens, unless that is later than `until`. False if nothing did.
  bool step(Instant until) {
    std::optional<Instant> next = network.next();
    for (std::size_t i = 0; i < count_; ++i) {
      const auto deadline = nodes_[i].deadline();
      if (deadline && (!next || *deadline < *next)) next = deadline;
    }
    if (!next || *next > until) return false;
    now_.monotonic = std::max(now_.monotonic, *next);
    now_.wall.seconds = start_.wall.seconds + (now_.monotonic - start_.monotonic).microseconds / 1'000'000;
    while (auto arrival = network.arrival(now_.monotonic)) {
      const SeenFrame seen{
          ++packets_, now_.monotonic, arrival->frame, arrival->frame.size(), arrival->offload.segment_size, false};
      arrival->forged ? oracle.intruded(seen) : oracle.received(seen);
      nodes_[arrival->to].receive(now_, {arrival->frame, arrival->offload}, outlet(arrival->to));
    }
    for (std::size_t i = 0; i < count_; ++i) {
      const auto deadline = nodes_[i].deadline();
      if (deadline && *deadline <= now_.monotonic) nodes_[i].wake(now_, outlet(i));
    }
    settle();
    return true;
  }

  Time now() const { return now_; }

  Network network;
  Oracle oracle;
  FrameWatch watch;

 private:
  Outlet outlet(std::size_t port) { return {network, oracle, watch, packets_, port, now_.monotonic}; }
  void settle() {
    for (std::size_t i = 0; i < count_; ++i) nodes_[i].settle(now_, outlet(i));
  }

  std::array<AnyNode, Network::most_ports> nodes_;
  std::size_t count_ = 0;
  Time now_, start_;
  std::uint64_t packets_ = 0;
};

}  // namespace limpid::sim
