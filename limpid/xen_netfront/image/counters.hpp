// What a guest has counted, and how it tells: one line of JSON on the console, like the one that `limpid serve` prints
// at SIGUSR1.
#pragma once

#include "limpid/stack/host_server.hpp"
#include "limpid/xen_netfront/platform/xen/netfront.hpp"

namespace limpid::xen_netfront::image {

class Counters {
 public:
  using Machine = stack::HostServer;

  void count(const Machine::Action& action);

  void print(const Machine& machine, const Budget& budget, const platform::Netfront& network,
             const platform::Store& store) const;

 private:
  std::uint64_t accepted_ = 0;
  std::uint64_t handshakes_ = 0;    // completed
  std::uint64_t tls_failures_ = 0;  // before or after that
  std::uint64_t requests_ = 0;
  std::array<std::uint64_t, 5> answers_{};  // by the first digit of their status, 1 to 5
  std::uint64_t body_bytes_ = 0;
  std::uint64_t reset_by_peer_ = 0;
  std::uint64_t aborted_ = 0;             // by the machine
  std::uint64_t refused_for_memory_ = 0;  // connections that were dropped because the budget was used up
};

}  // namespace limpid::xen_netfront::image
