// Hosts under fuzz: what they send is looked at, so that a script can answer it.
#pragma once

#include "fuzz/support/machine.hpp"
#include "limpid/tcpip/host/host.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"

namespace limpid::fuzz {

using namespace tcpip;

inline constexpr MacAddress mac_of(std::uint8_t n) { return {{2, 0, 0, 0, 0, n}}; }
inline constexpr IpAddress ipv4_of(std::uint8_t n) { return IpAddress::v4({10, 9, 0, n}); }

// Number n of 10.9.0.0/24, small enough for limits to be met.
inline Host::Config host_config(std::uint8_t n, std::uint8_t options) {
  Host::Config config;
  config.ip.mac = mac_of(n);
  config.ip.addresses.push_back({ipv4_of(n), 24});
  config.ip.gateway = ipv4_of(1);
  config.limits.connections = 8;
  config.limits.time_wait = 2;
  config.limits.listeners = 2;
  config.limits.udp_sockets = 2;
  config.tcp.send_buffer = 32 * 1024;
  config.tcp.initial_receive_window = 16 * 1024;
  config.tcp.max_receive_window = 64 * 1024;
  config.tcp.ecn = (options & 1) != 0;
  config.tcp.timestamps = (options & 2) == 0;
  config.tcp.sack = (options & 4) == 0;
  config.tcp.pins = (options & 8) != 0;
  if ((options & 16) != 0) {
    config.ip.offload = {true, true};
    config.tcp.max_superframe = 20'000;
  }
  config.dhcp = (options & 32) != 0;
  config.dns_servers.push_back(ipv4_of(1));
  return config;
}

// A segment that was sent, and where.
struct Sent {
  IpAddress source, destination;
  wire::TcpHeader header;
  std::size_t payload_size = 0;
};

inline std::optional<Sent> segment_in(Bytes frame) {
  const auto ethernet = wire::EthernetHeader::parse(frame);
  if (!ethernet || ethernet->header.ether_type != wire::EtherType::ipv4) return {};
  const Bytes packet = ethernet->payload(frame);
  const auto ip = wire::Ipv4Header::parse(packet);
  if (!ip || ip->header.protocol != Protocol::tcp) return {};
  const auto tcp = wire::TcpHeader::parse(ip->payload(packet));
  if (!tcp) return {};
  return Sent{ip->header.source, ip->header.destination, tcp->header, tcp->payload_size};
}

// A host and what a driver does for it.
class Driven {
 public:
  Driven(const Host::Config& config, Budget& budget, Budget& harness)
      : config_(config),
        budget_(budget),
        frame_(harness),
        ids_(harness),
        pins_(harness),
        room_(harness),
        slots_(harness) {
    require(room_.resize(1 << 18) && slots_.resize(96), "memory for the harness");
  }

  // `send` is called with each frame, and what was left to the device in it; `hear` with every other action.
  template <class Send>
  void tell(Time now, Host::Event event, Send&& send) {
    tell(now, std::move(event), send, [](const auto&) {});
  }
  template <class Send, class Hear>
  void tell(Time now, Host::Event event, Send&& send, Hear&& hear) {
    for (int steps = 0;; ++steps) {
      require(steps < 10'000, "`more` ends");
      const auto progress =
          Host::advance(config_, state_, now, event, {view(room_), {slots_.data(), slots_.size()}, budget_});
      require(!progress.deadline || *progress.deadline > now.monotonic, "the deadline is later than now");
      deadline = progress.deadline;
      for (const auto& action : progress.actions) {
        if (const auto* transmit = std::get_if<Transmit>(&action)) {
          frame_.clear();
          require(frame_.append(transmit->header), "memory for the harness");
          for (const Bytes& piece : transmit->payload) require(frame_.append(piece), "memory for the harness");
          if (transmit->pin.count != 0) require(pins_.push_back(transmit->pin), "memory for the harness");
          send(MutableBytes(frame_.data(), frame_.size()), transmit->offload);
        } else if (const auto* opened = std::get_if<host::Opened>(&action)) {
          require(ids_.push_back(opened->id), "memory for the harness");
        } else if (const auto* connecting = std::get_if<host::Connecting>(&action)) {
          require(ids_.push_back(connecting->id), "memory for the harness");
        } else if (const auto* received = std::get_if<host::Received>(&action)) {
          require(state_.is_open(received->id), "what is received is of a connection that is open");
        }
        std::visit(hear, action);
      }
      if (progress.consumed != 0) event = Tick{};
      if (!progress.more) return;
    }
  }

  // One of those that it has heard of; an invented one if there is none.
  ConnectionId id(std::uint8_t choice) const {
    return ids_.empty() ? ConnectionId{choice, 0} : ids_[choice % ids_.size()];
  }
  Pin pin(std::uint8_t choice) const { return pins_.empty() ? Pin{choice, choice, 1} : pins_[choice % pins_.size()]; }
  // All that were lent and not asked for before.
  Vec<Pin> take_pins() { return std::exchange(pins_, Vec<Pin>(*pins_.budget())); }
  Host& state() { return state_; }

  std::optional<Instant> deadline;

 private:
  const Host::Config& config_;
  Budget& budget_;
  Host state_;
  Buffer frame_;
  Vec<ConnectionId> ids_;
  Vec<Pin> pins_;
  Buffer room_;
  Vec<Host::Action> slots_;
};

}  // namespace limpid::fuzz
