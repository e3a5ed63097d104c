// An interface in a test: what it was told, what it did. Actions are copied, since views die with the next step.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "limpid/tcpip/ip/interface.hpp"
#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"
#include "tests/support/hex.hpp"

namespace limpid::tcpip::ip::test {

using namespace limpid::test;
using Frame = std::vector<Byte>;

inline constexpr MacAddress our_mac{{2, 0, 0, 0, 0, 2}};
inline constexpr MacAddress peer_mac{{2, 0, 0, 0, 0, 1}};
inline IpAddress address(std::string_view text) { return *parse_ip_address(text); }

inline std::string text(const IpAddress& address) {
  std::string out;
  if (address.is_ipv4()) {
    for (const Byte octet : address.as_v4()) out += (out.empty() ? "" : ".") + std::to_string(octet);
    return out;
  }
  return to_hex(address.octets);
}

inline ip::Config config_with(std::initializer_list<std::string_view> addresses) {
  ip::Config config;
  config.mac = our_mac;
  for (const std::string_view cidr : addresses) config.addresses.push_back(*parse_cidr(cidr));
  return config;
}

class Link {
 public:
  explicit Link(ip::Config with = config_with({"10.9.0.2/24", "fd00:9::2/64"}), std::size_t memory = 4 << 20)
      : config(with), budget(memory), room_(1 << 18), slots_(128), state_(std::make_unique<ip::Interface>()) {}

  // One step; whether there is more to be done at once.
  bool step(const ip::Interface::Event& event) {
    const auto progress = ip::Interface::advance(config, *state_, now(), event, room());
    EXPECT_EQ(progress.consumed, 1u);
    for (const auto& action : progress.actions) note(action);
    deadline = progress.deadline;
    return progress.more;
  }
  // Steps until there is nothing to be done at once.
  void tell(ip::Interface::Event event) {
    for (int steps = 0; steps < 1000; ++steps) {
      if (!step(event)) return;
      event = Tick{};
    }
    ADD_FAILURE() << "`more` does not end";
  }
  void start(Byte seed = 1) { tell(ip::Started{{seed}}); }
  void receive(Frame frame, ReceiveOffload offload = {}) {
    last_frame_ = std::move(frame);
    tell(FrameReceived{last_frame_, offload});
  }
  void receive(std::string_view hex) { receive(from_hex(hex)); }
  // Lets time pass, deadline by deadline.
  void wait(Duration duration) {
    const Instant end = at + duration;
    for (int steps = 0; deadline && *deadline <= end; ++steps) {
      ASSERT_LT(steps, 10000) << "it spins";
      at = *deadline;
      tell(Tick{});
    }
    at = end;
  }
  // Past announcements and duplicate address detection, with what was said about it forgotten.
  void settle() {
    start();
    wait(seconds(10));
    forget();
  }
  void forget() {
    sent.clear();
    delivered.clear();
    told.clear();
    offloads.clear();
  }

  ip::SendResult send(const ip::Packet& packet, std::size_t most_room = 1 << 18, std::size_t most_actions = 128) {
    ActionList<ip::Interface::Action> actions(std::span<ip::Interface::Action>(slots_).first(most_actions));
    ip::Outlet<ip::Interface::Action> out{MutableBytes(room_).first(most_room), actions};
    const auto result = state_->send(config, now(), packet, out);
    for (const auto& action : actions.all()) note(action);
    deadline = state_->deadline();
    return result;
  }
  // The interface answers what it delivered last, which was the frame received last.
  void refuse() {
    ActionList<ip::Interface::Action> actions(slots_);
    ip::Outlet<ip::Interface::Action> out{room_, actions};
    state_->refuse(config, now(), last_delivered_, out);
    for (const auto& action : actions.all()) note(action);
  }

  Time now() const { return {at, {}}; }
  Room<ip::Interface::Action> room() { return {room_, slots_, budget}; }
  ip::Interface& state() { return *state_; }
  std::uint64_t drops(ip::Drop drop) const { return state_->drops()[drop]; }

  struct Delivered {
    Protocol protocol;
    IpAddress source, destination;
    Frame payload;
    bool checksum_good;
    std::uint16_t segment_size;
    std::uint8_t ecn;
  };

  ip::Config config;
  Budget budget;
  Instant at{1'000'000};
  std::optional<Instant> deadline;
  std::vector<Frame> sent;
  std::vector<TransmitOffload> offloads;  // of what was sent
  std::vector<Delivered> delivered;
  std::vector<std::string> told;  // the other actions, in words

 private:
  void note(const ip::Interface::Action& action) {
    std::visit(
        Overloaded{
            [this](const Transmit& t) {
              Frame frame(t.header.begin(), t.header.end());
              for (const Bytes& piece : t.payload) frame.insert(frame.end(), piece.begin(), piece.end());
              sent.push_back(std::move(frame));
              offloads.push_back(t.offload);
            },
            [this](const ip::Deliver& d) {
              last_delivered_ = d;
              delivered.push_back({d.protocol, d.source, d.destination, Frame(d.payload.begin(), d.payload.end()),
                                   d.checksum_good, d.segment_size, d.ecn});
            },
            [this](const ip::Unreachable& u) {
              constexpr std::string_view kinds[] = {"soft", "hard", "too big"};
              told.push_back("unreachable " + text(u.destination) + " " +
                             std::string(kinds[static_cast<std::size_t>(u.kind)]) +
                             (u.mtu ? " " + std::to_string(*u.mtu) : ""));
            },
            [this](const ip::Resolved& r) { told.push_back("resolved " + text(r.next_hop)); },
            [this](const ip::AddressReady& r) { told.push_back("ready " + text(r.address)); },
            [this](const ip::AddressLost& l) {
              constexpr std::string_view reasons[] = {"duplicate", "expired", "removed"};
              told.push_back("lost " + text(l.address) + " " + std::string(reasons[static_cast<std::size_t>(l.why)]));
            },
            [this](const ip::RouterFound& r) { told.push_back("router " + text(r.router)); },
            [this](const ip::DnsServersFound& d) {
              told.push_back("dns " + std::to_string(d.servers.size()) + " for " +
                             std::to_string(d.lifetime.microseconds / 1'000'000));
            },
            [](const ip::NeighbourWanted&) {},
            [](const ip::NeighbourFound&) {},
        },
        action);
  }

  std::vector<Byte> room_;
  std::vector<ip::Interface::Action> slots_;
  Frame last_frame_;
  ip::Deliver last_delivered_;
  std::unique_ptr<ip::Interface> state_;  // dies before the budget
};

// Frames as a peer sends them.

struct From {
  MacAddress mac = peer_mac;
  MacAddress to = our_mac;
};

inline Frame ethernet(wire::EtherType type, Bytes payload, From from = {}) {
  Frame frame(wire::EthernetHeader::size);
  Writer out{MutableBytes(frame)};
  wire::EthernetHeader{from.to, from.mac, type}.emit(out);
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

inline Frame ipv4(wire::Ipv4Header header, Bytes payload, From from = {}) {
  header.total_length = static_cast<std::uint16_t>(header.size() + payload.size());
  Frame packet(header.size());
  Writer out{MutableBytes(packet)};
  header.emit(out);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return ethernet(wire::EtherType::ipv4, packet, from);
}

inline Frame ipv4(std::string_view source, std::string_view destination, Protocol protocol, Bytes payload,
                  From from = {}) {
  wire::Ipv4Header header;
  header.source = address(source);
  header.destination = address(destination);
  header.protocol = protocol;
  return ipv4(header, payload, from);
}

inline Frame ipv6(wire::Ipv6Header header, Bytes payload, From from = {}) {
  header.payload_length = static_cast<std::uint16_t>(payload.size());
  Frame packet(wire::Ipv6Header::size);
  Writer out{MutableBytes(packet)};
  header.emit(out);
  packet.insert(packet.end(), payload.begin(), payload.end());
  return ethernet(wire::EtherType::ipv6, packet, from);
}

inline Frame ipv6(std::string_view source, std::string_view destination, Protocol protocol, Bytes payload,
                  std::uint8_t hop_limit = 64, From from = {}) {
  wire::Ipv6Header header;
  header.source = address(source);
  header.destination = address(destination);
  header.next_header = protocol;
  header.hop_limit = hop_limit;
  return ipv6(header, payload, from);
}

// An ICMPv6 message, its checksum filled in.
inline Frame icmpv6(std::string_view source, std::string_view destination, Frame message, std::uint8_t hop_limit = 255,
                    From from = {}) {
  Writer(MutableBytes(message).subspan(2, 2))
      .u16(wire::transport_checksum(address(source), address(destination), Protocol::icmpv6, message));
  return ipv6(source, destination, Protocol::icmpv6, message, hop_limit, from);
}

template <class Message>
Frame emitted(const Message& message) {
  Frame bytes(1024);
  Writer out{MutableBytes(bytes)};
  message.emit(out);
  bytes.resize(out.size());
  return bytes;
}

// A frame with IPv4's identification as 0: what is drawn there is not foreseen.
inline Frame anonymous(Frame frame) {
  const MutableBytes packet = MutableBytes(frame).subspan(wire::EthernetHeader::size);
  auto header = wire::Ipv4Header::parse_quoted(packet)->header;
  header.identification = 0;
  Writer out(packet);
  header.emit(out);
  return frame;
}

}  // namespace limpid::tcpip::ip::test
