// A tcpip::Host as a node of the simulated network, with the application above it.
#pragma once

#include "limpid/sim/host_watch.hpp"
#include "limpid/sim/simulation.hpp"

namespace limpid::sim {

// The application:
//
//   void see(const Action&)                       every action that is none of the device's, in order; views are dead
//                                                 afterwards; it must not speak to the host
//   void work(tcpip::Host&, const Context&)       after the actions of a step: what it wants to tell the host
//   std::optional<Host::Event> command()          if there is one: at each instant, what it tells the host by event,
//                                                 until it has nothing more to tell
//   std::optional<Instant> next()                 if there is one: when it wants to work, though nothing happens
template <class Application>
class HostNode {
 public:
  using Host = tcpip::Host;

  HostNode(const Host::Config& config, Application& application, std::span<const Byte, 32> entropy, Budget& memory,
           Budget& harness)
      : config_(config), application_(application), memory_(memory), room_(harness), slots_(harness), pins_(harness) {
    copy(Bytes(entropy.data(), entropy.size()), started_.entropy);
  }

  void receive(Time now, const FrameReceived& event, const Outlet& outlet) { tell(now, event, outlet); }
  void wake(Time now, const Outlet& outlet) {
    if (!begun_) {
      begun_ = room_.resize(Host::least_room.bytes + 8192) && slots_.resize(Host::least_room.actions + 16);
      if (!begun_) return;
      tell(now, started_, outlet);
      tell(now, LinkChanged{true}, outlet);
      return;
    }
    tell(now, Tick{}, outlet);
  }
  void settle(Time now, const Outlet& outlet) {
    if constexpr (requires { application_.command(); }) {
      for (std::optional<Host::Event> told; begun_ && (told = application_.command());) tell(now, *told, outlet);
    }
    while (begun_ && host.needs_flush()) {
      tell(now, Flush{}, outlet);
      if (wants_ == Wants::room) return;  // what does not fit now never would
    }
  }
  std::optional<Instant> deadline() const {
    if constexpr (requires { application_.next(); }) {
      const std::optional<Instant> next = begun_ ? application_.next() : std::nullopt;
      if (next && (!deadline_ || *next < *deadline_)) return next;
    }
    return deadline_;
  }

  Host host;
  HostWatch* watch = nullptr;

 private:
  void tell(Time now, Host::Event event, const Outlet& outlet) {
    for (;;) {
      const Room<Host::Action> room{{room_.data(), room_.size()}, {slots_.data(), slots_.size()}, memory_};
      if (watch != nullptr) watch->before(config_, host, now.monotonic, event);
      const auto progress = Host::advance(config_, host, now, event, room);
      if (watch != nullptr) watch->after(host);
      deadline_ = progress.deadline;
      wants_ = progress.wants;
      for (const auto& action : progress.actions) {
        if (const auto* transmit = std::get_if<Transmit>(&action)) {
          outlet.send(*transmit);
          if (transmit->pin.count != 0) (void)pins_.push_back(transmit->pin);
        } else {
          application_.see(action);
        }
      }
      application_.work(host, Host::Context{config_, now, memory_});
      if (progress.consumed != 0) event = Tick{};
      if (progress.more) continue;
      if (pins_.empty()) return;
      event = TransmitDone{pins_.back()};
      pins_.truncate(pins_.size() - 1);
    }
  }

  const Host::Config& config_;
  Application& application_;
  Budget& memory_;
  Buffer room_;
  Vec<Host::Action> slots_;
  Vec<Pin> pins_;
  tcpip::host::Started started_;
  std::optional<Instant> deadline_;
  Wants wants_ = Wants::event;
  bool begun_ = false;
};

}  // namespace limpid::sim
