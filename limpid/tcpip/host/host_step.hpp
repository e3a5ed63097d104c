// One step over a host, or one call of a method. Internal to this folder.
#pragma once

#include "limpid/tcpip/host/host.hpp"
#include "limpid/tcpip/udp/datagram.hpp"

namespace limpid::tcpip {

namespace host {
[[gnu::weak]] void several_queues();  // in queues.cpp: is null if that is not linked
}

class HostStep {
 public:
  using Action = Host::Action;

  HostStep(const Host::Config& config, Host& state, Time now, const Room<Action>& room)
      : config_(config),
        state_(state),
        now_(now),
        budget_(room.budget),
        cpu_(room.cpu),
        actions_(room.actions),
        out_{room.bytes, actions_} {
    state_.last_seen_ = std::max(state_.last_seen_, now.monotonic);
    now_.monotonic = state_.last_seen_;
  }
  // For a method: it has no room, and does nothing that needs any.
  HostStep(const Host::Context& context, Host& state)
      : HostStep(context.config, state, context.now, Room<Action>{{}, {}, context.budget}) {}

  Progress<Action> take(const Host::Event& event);

  std::expected<void, Refusal> listen(std::uint16_t port, std::uint16_t backlog);
  std::expected<void, Refusal> bind_udp(std::uint16_t port);
  // `resolver` is the question that asks for the connection, if it is one of the resolver's.
  std::expected<ConnectionId, Refusal> connect(const stream::Endpoint& remote, Box<host::ResolverStream> resolver);
  // Of a connection that its owner has; others change nothing.
  void tell(ConnectionId id, const tcp::Connection::Event& event);
  void abort(ConnectionId id);

 private:
  // How short of memory the host is; see host.hpp.
  enum class Shortage : std::uint8_t { none, windows, cookies, time_waits, connections };
  Shortage shortage() const;
  // The connections are nearly as many as they may be.
  bool crowded() const;
  void relieve();
  void evict_time_waits(std::size_t most);

  // Whether there is room for whatever one connection's step, or one packet, may report and send.
  bool roomy() const;
  // Whether there is room for whatever an event may cause, a lease above all.
  bool spacious() const;
  MutableBytes carve(std::size_t size);
  // When the first part but the connections is due.
  Instant parts_due() const;

  // What was due before the event; false if it did not end in this step.
  bool catch_up();

  // Events.
  bool on(const Tick&) { return true; }
  bool on(const host::Started& event);
  bool on(const FrameReceived& event);
  bool on(const host::FromQueue& event);
  bool on(const LinkChanged& event);
  bool on(const Flush&);
  bool on(const TransmitDone& event);
  bool on(const host::Entropy& event);
  bool on(const host::Listen& event);
  bool on(const host::StopListening& event);
  bool on(const host::Connect& event);
  bool on(const host::Write& event);
  bool on(const host::Consumed& event);
  bool on(const host::Finish& event);
  bool on(const host::Abort& event);
  bool on(const host::BindUdp& event);
  bool on(const host::CloseUdp& event);
  bool on(const host::SendUdp& event);
  bool on(const host::Resolve& event);
  void refuse(Refusal why, std::uint32_t token = 0) { actions_.push(host::Refused{why, token}); }

  // The network layer.
  void run_ip(const ip::Interface::Event& event);
  void run_frame(const FrameReceived& event);
  void command_ip(const ip::Interface::Event& event);
  void carry_out(ip::Interface::Action& action);
  void delivered(const ip::Deliver& packet);
  void unreachable(const ip::Unreachable& error);
  ip::SendResult send(const ip::Packet& packet);

  // Other queues, in queues.cpp, which need not be linked: what is weak is called only if we are not alone().
  bool alone() const { return config_.ip.queue.alone() || host::several_queues == nullptr; }
  bool leads() const { return config_.ip.queue.leads(); }
  [[gnu::weak]] bool owns(const host::Flow& flow) const;
  [[gnu::weak]] bool is_for_another(const FrameReceived& event);
  [[gnu::weak]] bool is_for_another(const ip::Deliver& packet);
  [[gnu::weak]] void heard(const host::FromQueue& event);
  [[gnu::weak]] void say(const ip::NeighbourWanted& wanted);
  [[gnu::weak]] void say(const ip::NeighbourFound& found);
  [[gnu::weak]] void say_reached(const IpAddress& neighbour);
  [[gnu::weak]] void tell_news();  // the leader's
  void look_for_news();
  void heard(std::uint8_t queue, host::QueueMessage kind, MutableBytes body);
  void pass_on(std::uint8_t queue, const ReceiveOffload& offload, Bytes packet, bool has_ethernet);
  template <class Message>
  void say_to(std::uint8_t queue, host::QueueMessage kind, const Message& message);

  // TCP.
  struct Segment {
    const ip::Deliver& packet;
    host::Flow flow;
    std::uint64_t hash;
    wire::TcpHeader header;
    MutableBytes payload;
  };
  void delivered_tcp(const ip::Deliver& packet);
  void arrive(std::uint32_t index, const Segment& segment);
  void arrive_in_time_wait(std::uint32_t index, const Segment& segment);
  void arrive_for_nobody(const Segment& segment, std::optional<wire::SeqNumber> least_iss);
  void syn(Host::Listener& listener, const Segment& segment, std::optional<wire::SeqNumber> least_iss);
  bool redeem(const Segment& segment);
  void answer_stray(const Segment& segment);
  ip::SendResult send_tcp(const host::Flow& flow, const wire::TcpHeader& header, std::span<const Bytes> payload,
                          std::uint16_t segment_size, std::uint8_t ecn, Pin pin);
  tcp::Birth birth(const host::Flow& flow) const;
  std::uint16_t mss_for(const IpAddress& remote) const;
  std::uint32_t insert(host::Entry entry, std::uint64_t hash);
  std::uint32_t insert_half_open(Host::Listener& listener, const Segment& segment);
  std::uint16_t choose_port(const IpAddress& local, const stream::Endpoint& remote);

  // What gives no actions.
  void tell(std::uint32_t index, const tcp::Connection::Event& event);
  // One step of a connection, and what it asks for.
  void step(std::uint32_t index, const tcp::Connection::Event& event);
  void carry_out(std::uint32_t index, tcp::Connection::Action& action);
  void emit(std::uint32_t index, const tcp::Emit& segment);
  void established(std::uint32_t index);
  void got_somewhere(std::uint32_t index);
  void ended(std::uint32_t index);
  void leave(std::uint32_t index);
  void wait_in_time_wait(const host::Entry& entry, const tcp::TimeWaitRecord& record);
  void left_half_open(const host::Entry& entry);

  // UDP and what speaks it.
  void delivered_udp(const ip::Deliver& packet);
  bool send_udp(const IpAddress& source, std::uint16_t source_port, const stream::Endpoint& to, Bytes payload);
  void run_dhcp(const dhcp::Client::Event& event);
  void carry_out(const dhcp::Client::Action& action);
  void run_resolver(const dns::Resolver::Event& event);
  void carry_out(const dns::Resolver::Action& action);
  void set_mtu();
  void tell_servers();

  void drop(host::Drop why) { state_.drops_.add(why); }
  void count(host::Count what) { state_.counts_.add(what); }

  const Host::Config& config_;
  Host& state_;
  Time now_;
  Budget& budget_;
  CpuFeatures cpu_;
  ActionList<Action> actions_;
  ip::Outlet<Action> out_;
  bool more_ = false;
  bool learned_ = false;      // the network layer did something that other queues might have to know
  bool segment_ = false;      // it delivered one of TCP
  bool over_ = false;         // of the connection that is being stepped: it said Reset or Closed
  bool established_ = false;  // of the same: it said Established
};

}  // namespace limpid::tcpip
