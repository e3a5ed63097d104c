// The application of a host that is attacked: it serves whoever comes to one port, and does at another only what it is
// told, so that a script can bring its connections into every state.
#pragma once

#include "limpid/sim/host_node.hpp"

namespace limpid::sim {

// What is sent is a function of the offset.
constexpr Byte pattern_at(std::uint64_t offset) {
  return static_cast<Byte>(offset * 0x9E3779B97F4A7C15u >> 56 ^ offset);
}

class Subject {
 public:
  using Host = tcpip::Host;
  static constexpr std::uint16_t service = 80, silent = 81, flooded = 83, datagrams = 7, nobodys = 82;
  static constexpr std::uint64_t answer = 60'000, request = 20'000;  // bytes of the service, which come at once

  Subject(std::uint16_t backlog, Budget& harness);

  void see(const Host::Action& action);
  void work(Host& host, const Host::Context& context);
  std::optional<Host::Event> command();

  // Told to the host at this instant. What a view points to must stay.
  void tell(const Host::Event& event) { (void)commands_.push_back(event); }
  void connect(const stream::Endpoint& remote);
  // The silent connection with this end; one that is no more has an id that finds nothing.
  tcpip::ConnectionId of(const stream::Endpoint& remote) const;
  std::size_t unread(const stream::Endpoint& remote) const;
  // Aborts all that are silent, and serves nobody any more.
  void give_up();

  std::uint64_t resolved = 0;  // look-ups that came to an end

 private:
  struct Connection {
    tcpip::ConnectionId id;
    stream::Endpoint remote;
    bool served = false;
    bool peer_finished = false, finished = false;
    std::uint64_t sent = 0;
    std::size_t unread = 0;
  };
  Connection* find(const tcpip::ConnectionId& id);
  void forget(const tcpip::ConnectionId& id);

  Vec<Connection> connections_;  // silent ones are kept when they are over
  Vec<Host::Event> commands_;
};

// A client that keeps to the rules: it comes again and again, and wants its answer every time.
class Customer {
 public:
  using Host = tcpip::Host;
  Customer(const tcpip::IpAddress& server, std::uint32_t visits, Duration pause)
      : server_(server), visits_(visits), pause_(pause) {}

  void see(const Host::Action& action);
  void work(Host& host, const Host::Context& context);
  // When it wants to work without being told anything.
  std::optional<Instant> next() const { return id_ || content() ? std::nullopt : next_; }

  std::uint32_t served() const { return served_; }
  std::uint32_t failed() const { return failed_; }  // visits that ended otherwise
  bool content() const { return served_ == visits_; }
  bool wrong() const { return wrong_; }
  Duration slowest() const { return slowest_; }

 private:
  tcpip::IpAddress server_;
  std::uint32_t visits_, served_ = 0, failed_ = 0;
  Duration pause_, slowest_{};
  std::optional<tcpip::ConnectionId> id_;
  std::optional<Instant> next_;
  Instant begun_{};
  std::uint64_t sent_ = 0, received_ = 0;
  std::size_t unread_ = 0;
  bool finished_ = false, peer_finished_ = false, over_ = false, wrong_ = false;
};

}  // namespace limpid::sim
