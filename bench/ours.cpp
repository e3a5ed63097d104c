#include "bench/ours.hpp"

#include <cstdlib>

#include "bench/stopwatch.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/stack/verify_peer.hpp"

namespace limpid::bench {
namespace {

using Action = tls::Connection::Action;

// Lent to every step, as a driver's worker would.
std::array<Byte, 1 << 15> room_bytes;
std::array<Action, 16> room_actions;

}  // namespace

OurEnd::OurEnd(Credentials& credentials, const tls::Config& config, Budget& budget)
    : credentials_(credentials), config_(config), budget_(budget) {}

std::size_t OurEnd::step(const tls::Connection::Event& event, std::vector<Byte>& out) {
  static const CpuFeatures cpu = effects::cpu_features();
  const Room<Action> room{room_bytes, room_actions, budget_, cpu};
  const Time now{{1}, wall_now()};
  const Stopwatch stopwatch;
  const auto progress = tls::Connection::advance(config_, connection_, now, event, room);
  seconds += stopwatch.elapsed();
  more_ = progress.more || progress.wants == Wants::room;
  for (const Action& action : progress.actions) {
    if (const auto* send = std::get_if<stream::Send>(&action))
      out.insert(out.end(), send->bytes.begin(), send->bytes.end());
    if (const auto* deliver = std::get_if<tls::Deliver>(&action)) delivered += deliver->bytes.size();
    if (std::holds_alternative<tls::Failed>(action)) std::abort();
  }
  return progress.consumed;
}

void OurEnd::take(MutableBytes bytes, std::vector<Byte>& out) {
  for (;;) {
    const std::size_t consumed = step(stream::Received{bytes}, out);
    bytes = bytes.subspan(consumed);
    while (more_) step(Tick{}, out);
    const auto query = connection_.pending();
    if (!query) {
      if (consumed == 0 || bytes.empty()) return;
      continue;
    }
    static const CpuFeatures cpu = effects::cpu_features();
    const Stopwatch stopwatch;
    const auto* verify = std::get_if<tls::VerifyPeer>(&*query);
    const tls::Answer answer = verify != nullptr ? stack::verify_peer(*verify, credentials_.anchors.certificates(),
                                                                      wall_now(), credentials_.budget, cpu)
                                                       .answer
                                                 : credentials_.identities.answer(*query, wall_now(), cpu);
    seconds += stopwatch.elapsed();
    step(tls::Reply{connection_.query_id(), answer}, out);
  }
}

OurPair::OurPair(Credentials& credentials, const tls::Config& client_config, const tls::Config& server_config,
                 Budget& client_budget, Budget& server_budget)
    : client(credentials, client_config, client_budget), server(credentials, server_config, server_budget) {}

void OurPair::shake_hands() {
  std::vector<Byte> ignored;
  server.step(tls::Entropy{effects::entropy()}, to_client);
  client.step(tls::Entropy{effects::entropy()}, to_server);
  while (!client.connected() || !server.connected()) {
    std::vector<Byte> flight;
    flight.swap(to_server);
    server.take(flight, to_client);
    flight.clear();
    flight.swap(to_client);
    client.take(flight, to_server);
  }
}

}  // namespace limpid::bench
