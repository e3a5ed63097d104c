// One seed of a hostile link: a host, a customer that keeps to the rules, and three that do not: puppets that misbehave
// in every TCP state, an attacker who forges, and a server of DHCP, DNS and routes who lies.
#pragma once

#include "limpid/sim/transfer.hpp"

namespace limpid::sim {

enum class HostileOutcome : std::uint8_t {
  withstood,
  not_served,     // the customer did not get what it came for
  wrong_byte,     // it got something else
  unlawful,       // the oracle objects to what the host or the customer sent
  beyond_budget,  // more memory was charged than there was
  left_over,      // something stays behind when all are gone
  not_counted,    // an attack that shows in no counter
};
std::string_view name(HostileOutcome outcome);

struct HostileResult {
  HostileOutcome outcome{};
  std::uint64_t packets = 0;
  Duration took{};
  std::optional<Violation> violation{};
  std::string_view attack{};  // that was not counted
  std::uint32_t served = 0, lost_visits = 0;
  Duration slowest{};  // of the visits
};

// The budget holds all of it; what the host may have of that is drawn.
HostileResult run_hostile(std::uint64_t seed, Budget& budget, const Onlooker& onlooker = {});

}  // namespace limpid::sim
