// xenstore: its ring, and the client machine that speaks over it.
#pragma once

#include "limpid/xen_netfront/platform/xen/byte_ring.hpp"
#include "limpid/xen_netfront/platform/xen/event_channels.hpp"
#include "limpid/xen_netfront/protocol/ring.hpp"
#include "limpid/xen_netfront/protocol/xenstore_client.hpp"

namespace limpid::xen_netfront::platform {

class Store {
 public:
  explicit Store(Budget& budget);

  Port port() const { return port_; }

  void request(Time now, const xenstore::Request& request) { step(now, request, sending_); }
  void publish(Time now, const xenstore::Publish& publication) { step(now, publication, sending_); }

  // What the store answered: calls handle(const Answer&) and handle(const Fired&), which may ask again. False if there
  // was nothing.
  template <class Handle>
  bool serve(Time now, Handle&& handle) {
    const std::uint32_t asked_before = requests_;
    send_unsent(now);
    const MutableBytes came = ring_of_responses_.read(came_);
    for (MutableBytes left = came; !left.empty();) {
      const auto progress = step(now, stream::Received{left}, receiving_);
      for (const auto& action : progress.actions) {
        if (const auto* answer = std::get_if<xenstore::Answer>(&action)) handle(*answer);
        if (const auto* fired = std::get_if<xenstore::Fired>(&action)) handle(*fired);
      }
      if (progress.consumed == 0 && !progress.more) break;
      left = left.subspan(progress.consumed);
    }
    const bool refused = !refused_.empty();
    for (const xenstore::Answer& answer : std::exchange(refused_, {})) handle(answer);
    if (came.size() == ring_of_responses_.size) notify(port_);  // there is room again
    if (requests_ != asked_before) ++round_trips_;
    return refused || !came.empty();
  }

  std::uint32_t requests() const { return requests_; }
  // How often what the store said led to more requests, and once before that.
  std::uint32_t round_trips() const { return round_trips_; }

 private:
  struct Lent {
    xenstore::Client::Action actions[8];
    Byte bytes[2 * xenstore::largest_payload];
  };
  using Progressed = Progress<xenstore::Client::Action>;

  Progressed step(Time now, const xenstore::Client::Event& event, Lent& lent);
  void send_unsent(Time now);

  Budget& budget_;
  Port port_;
  ByteRing ring_of_requests_, ring_of_responses_;
  xenstore::Client client_;
  // A request is often made while an answer is being looked at: each has its own room.
  Lent sending_, receiving_;
  Byte came_[xenstore_ring_size];
  InlineList<xenstore::Answer, 2 * xenstore::Client::most_open> refused_;  // answered by the client itself, at once
  std::uint32_t requests_ = 0;
  std::uint32_t round_trips_ = 1;
};

}  // namespace limpid::xen_netfront::platform
