// Looks at a host before and after each of its steps, and counts in tables what it saw. It sees what is saved (the
// fields), so the host needs nothing for it.
#pragma once

#include <array>

#include "limpid/sim/coverage.hpp"
#include "limpid/tcpip/host/host.hpp"

namespace limpid::sim {

class HostWatch {
 public:
  using Host = tcpip::Host;

  explicit HostWatch(Coverage& coverage) : coverage_(coverage) {}

  void before(const Host::Config& config, const Host& host, Instant now, const Host::Event& event);
  void after(const Host& host);
  // When no more steps come: adds the counters.
  void end(const Host& host);

 private:
  // What is known of the connection that a segment is for.
  struct Receiver;

  void timers(const Host::Config& config, const Host& host, Instant now);
  void connection_timers(const tcpip::tcp::Config& config, const tcpip::tcp::Connection& connection, Instant now);
  void frame(const Host& host, Bytes frame, const ReceiveOffload& offload);
  void segment(const Host& host, const tcpip::host::Flow& flow, const tcpip::wire::TcpHeader& header,
               std::size_t payload_size);
  void wraps(const Receiver& to, const tcpip::wire::TcpHeader& header, std::uint32_t length);
  void error(const Host& host, Bytes quoted, bool ipv4, SegmentKind kind);
  void datagram(const Host& host, Bytes datagram);
  void call(const Host& host, Call call, const tcpip::ConnectionId& id);

  struct Known {
    tcpip::IpAddress address;
    tcpip::ip::Reachability state{};
  };
  static constexpr std::size_t most_neighbours = 160;

  Coverage& coverage_;
  InlineList<Known, most_neighbours> neighbours_;
  bool neighbours_known_ = false;  // they were few enough to be remembered
  struct Pressed {
    bool on = false;
    TcpRow row = TcpRow::closed;
  };
  std::array<Pressed, 1024> pressed_{};  // of connections, by index
  std::uint64_t conflicts_ = 0;
  std::optional<DhcpRow> dhcp_;
  bool leased_ = false;
  std::size_t servers_ = 0;
  std::array<bool, 3> inquiries_{};  // ResolverRow
};

}  // namespace limpid::sim
