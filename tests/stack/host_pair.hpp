// A stack::HostServer and a client, each with a TCP/IP stack of its own, on a simulated Ethernet.
#pragma once

#include "limpid/sim/network.hpp"
#include "limpid/sim/trace.hpp"
#include "limpid/stack/host_server.hpp"
#include "limpid/stack/live.hpp"
#include "tests/stack/exchange.hpp"

namespace limpid::test {

inline tcpip::IpAddress address_of_host(Byte n) { return tcpip::IpAddress::v4({10, 9, 0, n}); }

inline tcpip::Host::Config host_config(Byte n) {
  tcpip::Host::Config config;
  config.ip.mac = {{2, 0, 0, 0, 0, n}};
  config.ip.addresses.push_back({address_of_host(n), 24});
  config.ip.addresses.push_back({*tcpip::parse_ip_address(n == 1 ? "fd00:9::1" : "fd00:9::2"), 64});
  config.ip.offload = {.checksum = true, .segmentation = true};
  config.tcp.max_superframe = 65000;
  return config;
}

// What a client does over one connection: fetches a target with stack::Client.
struct Fetching {
  Fetching(const stack::Client::Config& its_config, std::string target, std::span<const x509::Certificate> anchors,
           Budget& budget)
      : config(its_config), application(std::move(target), anchors, budget) {}
  const stack::Client::Config& config;
  ClientApplication application;
  stack::Client machine;
  std::string inbox;
  bool asked = false, peer_finished = false, over = false;
  Wants wants = Wants::entropy;
  bool more = false;
  std::optional<Instant> deadline;
};

class HostPair {
 public:
  explicit HostPair(Exchange& exchange, const sim::LinkConditions& conditions = {}, std::uint64_t seed = 1,
                    Buffer* server_trace = nullptr)
      : trace(server_trace), exchange_(exchange), network_(seed, wire_budget_) {
    server_config.host = host_config(2);
    server_config.server = exchange.server_config;
    server_config.services = {{443, stack::HostServer::Application::server},
                              {7, stack::HostServer::Application::echo},
                              {9, stack::HostServer::Application::discard},
                              {19, stack::HostServer::Application::chargen}};
    client_config = host_config(1);
    network_.attach(conditions);
    network_.attach(conditions);
    tell_server(tls::Entropy{{1}});
    tell_client(tcpip::host::Started{{2}});
    tell_server(LinkChanged{true});
    tell_client(LinkChanged{true});
  }

  // Goes on until `done()`, for at most so long. Whether it was.
  template <class Done>
  bool run(Done&& done, Duration most = seconds(120)) {
    const Instant end = now.monotonic + most;
    for (;;) {
      settle();
      if (done()) return true;
      std::optional<Instant> next = network_.next();
      for (const auto& deadline : {server_deadline_, client_deadline_, fetching ? fetching->deadline : std::nullopt}) {
        if (deadline && (!next || *deadline < *next)) next = deadline;
      }
      if (!next || *next > end) return false;
      now.wall.seconds += (next->microseconds - now.monotonic.microseconds) / 1'000'000;
      now.monotonic = std::max(now.monotonic, *next);
      while (const auto arrival = network_.arrival(now.monotonic)) {
        arrival->to == 1 ? tell_server(FrameReceived{arrival->frame, arrival->offload})
                         : tell_client(FrameReceived{arrival->frame, arrival->offload});
      }
      if (server_deadline_ && *server_deadline_ <= now.monotonic) tell_server(Tick{});
      if (client_deadline_ && *client_deadline_ <= now.monotonic) tell_client(Tick{});
      if (fetching && fetching->deadline && *fetching->deadline <= now.monotonic) step_fetching(Tick{});
    }
  }

  tcpip::ConnectionId connect(std::uint16_t port, bool ipv6 = false) {
    const auto address = ipv6 ? *tcpip::parse_ip_address("fd00:9::2") : address_of_host(2);
    const auto connecting = client.connect(context(), tcpip::endpoint(address, port));
    EXPECT_TRUE(connecting.has_value());
    opened = false;
    return connecting.value_or(tcpip::ConnectionId{});
  }

  tcpip::Host::Context context() { return {client_config, now, client_budget}; }

  void tell_server(const stack::HostServer::Event& event) {
    EXPECT_TRUE(trace == nullptr || sim::append_event<stack::HostServer>(*trace, now, event));
    for (;;) {
      const auto progress = step_server(event);
      if (progress.consumed != 0 || !progress.more) break;
      step_server(Tick{});
    }
  }
  void tell_client(const tcpip::Host::Event& event) {
    for (;;) {
      const auto progress =
          tcpip::Host::advance(client_config, client, now, event, {client_bytes_, client_slots_, client_budget, {}});
      client_deadline_ = progress.deadline;
      client_more_ = progress.more;
      for (const auto& action : progress.actions) std::visit([this](const auto& a) { heard(a); }, action);
      if (progress.consumed != 0 || !progress.more) break;
    }
  }

  Time now = epoch;
  Buffer* trace = nullptr;  // gets what the server is told from now on
  Budget server_budget{64 << 20}, client_budget{64 << 20};
  stack::HostServer::Config server_config;
  tcpip::Host::Config client_config;
  stack::HostServer server;
  tcpip::Host client;
  std::optional<Fetching> fetching;
  tcpip::ConnectionId id;  // of the client's connection
  bool opened = false, finished = false, closed = false;
  std::optional<stream::ResetReason> reset;
  std::string received;  // by the client, if nothing is fetched
  std::vector<stack::HostServer::Ended> ended;
  std::vector<http::RequestServed> served;
  std::size_t open_files() const { return exchange_.site.open.size(); }

 private:
  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      while (const auto query = server.pending()) {
        auto answer = exchange_.server_app.answer(query->question);
        if (const auto* reply = std::get_if<http::Reply>(&*answer)) {
          tell_server(stack::HostServer::Reply{query->from, *reply});
        } else {
          tell_server(stack::HostServer::Reply{query->from, std::get<tls::Reply>(*answer)});
        }
        moved = true;
      }
      do tell_server(Flush{});
      while (server_more_);
      if (fetching && opened) moved = run_fetching() || moved;
      do tell_client(Flush{});
      while (client_more_);
    }
  }

  Progress<stack::HostServer::Action> step_server(const stack::HostServer::Event& event) {
    const auto progress = stack::HostServer::advance(server_config, server, now, event,
                                                     {server_bytes_, server_slots_, server_budget, {}});
    server_deadline_ = progress.deadline;
    server_more_ = progress.more;
    for (const auto& action : progress.actions) {
      if (const auto* transmit = std::get_if<Transmit>(&action)) network_.send(1, now.monotonic, *transmit);
      if (const auto* end = std::get_if<stack::HostServer::Ended>(&action)) ended.push_back(*end);
      if (const auto* report = std::get_if<stack::HostServer::Report>(&action)) {
        if (const auto* request = std::get_if<http::RequestServed>(&report->report)) served.push_back(*request);
        exchange_.server_app.see(report->report);
      }
    }
    return progress;
  }

  void heard(const Transmit& transmit) { network_.send(0, now.monotonic, transmit); }
  void heard(const tcpip::host::Opened& o) { opened = o.id == id; }
  void heard(const tcpip::host::Received& r) {
    (fetching ? fetching->inbox : received) += as_text(r.bytes);
    if (!fetching) taken_ += r.bytes.size();
    if (!fetching) client.consumed(context(), r.id, r.bytes.size());
  }
  void heard(const tcpip::host::PeerFinished&) {
    finished = true;
    if (fetching) fetching->peer_finished = true;
  }
  void heard(const tcpip::host::Reset& r) { reset = r.reason; }
  void heard(const tcpip::host::Closed&) { closed = true; }
  void heard(const auto&) {}

  bool run_fetching() {
    Fetching& f = *fetching;
    bool moved = false;
    for (int n = 0; n < 1000 && f.wants != Wants::nothing; ++n) {
      if (f.wants == Wants::entropy) {
        step_fetching(stream::Opened{{}, {}, {7}});
      } else if (f.wants == Wants::reply) {
        step_fetching(*f.application.answer(*f.machine.pending()));
      } else if (!std::exchange(f.asked, true)) {
        step_fetching(*f.application.next(f.machine));
      } else if (f.more || f.wants == Wants::room) {
        step_fetching(Tick{});
      } else if (f.inbox.size() > offered_) {
        std::vector<Byte> bytes(f.inbox.begin(), f.inbox.end());
        const std::size_t consumed = step_fetching(stream::Received{bytes});
        f.inbox.erase(0, consumed);
        client.consumed(context(), id, consumed);
        offered_ = f.wants == Wants::event && !f.more ? f.inbox.size() : 0;
      } else if (f.peer_finished && f.inbox.empty()) {
        f.peer_finished = false;
        step_fetching(stream::PeerFinished{});
      } else {
        break;
      }
      moved = true;
    }
    return moved;
  }

  std::size_t step_fetching(const stack::Client::Event& event) {
    Fetching& f = *fetching;
    const MutableBytes room = client.reserve(context(), id, 1 << 16);
    std::array<stack::Client::Action, 32> slots;
    const auto progress = stack::Client::advance(f.config, f.machine, now, event, {room, slots, client_budget, {}});
    f.wants = progress.wants;
    f.more = progress.more;
    f.deadline = progress.deadline;
    std::size_t sent = 0;
    for (const auto& action : progress.actions) {
      f.application.see(action);
      if (const auto* send = std::get_if<stream::Send>(&action)) {
        copy(send->bytes, room.subspan(sent));
        sent += send->bytes.size();
      }
      if (std::holds_alternative<stream::Finish>(action)) finish_ = true;
    }
    client.commit(context(), id, sent);
    if (std::exchange(finish_, false)) client.finish(context(), id);
    return progress.consumed;
  }

  Exchange& exchange_;
  Budget wire_budget_{256 << 20};
  sim::Network network_;
  std::optional<Instant> server_deadline_, client_deadline_;
  bool server_more_ = false, client_more_ = false, finish_ = false;
  std::size_t taken_ = 0, offered_ = 0;
  std::vector<Byte> server_bytes_ = std::vector<Byte>(256 << 10), client_bytes_ = std::vector<Byte>(256 << 10);
  std::vector<stack::HostServer::Action> server_slots_ = std::vector<stack::HostServer::Action>(192);
  std::vector<tcpip::Host::Action> client_slots_ = std::vector<tcpip::Host::Action>(192);
};

}  // namespace limpid::test
