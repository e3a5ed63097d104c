// One seed of the network simulator: two hosts, a network that a seed makes bad, and a transfer between them, in which
// every byte is a function of its offset.
#pragma once

#include "limpid/sim/host_node.hpp"

namespace limpid::sim {

enum class Scenario : std::uint8_t {
  swarm,  // conditions, configurations, sizes and directions are drawn
  harsh,  // 30 % loss, 20 % reordering, 5 % duplication, 1 % corruption; 64 KiB from client to server
};

enum class Outcome : std::uint8_t {
  completed,   // both ends got all, and said farewell
  timed_out,   // an end gave up after the retries that its configuration grants
  wrong_byte,  // what was delivered is not what was sent
  reset,       // a connection ended that nobody ended
  stuck,       // nothing would ever happen again, or the end of time was reached
  unlawful,    // the oracle objects
};
std::string_view name(Outcome outcome);
constexpr bool is_failure(Outcome outcome) { return outcome != Outcome::completed && outcome != Outcome::timed_out; }

struct TransferResult {
  Outcome outcome{};
  std::uint64_t packets = 0;
  Duration took{};  // in virtual time
  std::optional<Violation> violation{};
  NetworkCounts network{};
};

// For those who want to look: frames as they leave a node, and what was reached of the hosts.
struct Onlooker {
  void* object = nullptr;
  void (*frame)(void* object, Instant at, Bytes frame) = nullptr;
  Coverage* coverage = nullptr;
};

// The budget holds all of it; what a host may have of that is drawn.
TransferResult run_transfer(Scenario scenario, std::uint64_t seed, Budget& budget, const Onlooker& onlooker = {});

}  // namespace limpid::sim
