#include "limpid/sim/transfer.hpp"

#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid::sim {
namespace {

using tcpip::ConnectionId;
using tcpip::Host;
using tcpip::IpAddress;

constexpr std::uint16_t port = 80;
constexpr Duration end_of_time = seconds(24 * 3600);

Byte byte_at(std::uint64_t offset, bool from_client) {
  const std::uint64_t mixed = (offset + (from_client ? 0 : 77)) * 0x9E3779B97F4A7C15u;
  return static_cast<Byte>(mixed >> 56 ^ offset);
}

// What a seed draws.
struct Draw {
  LinkConditions conditions[2];
  Host::Config config[2];
  std::uint64_t size[2] = {};        // that each end sends; 0 is the client
  std::size_t largest_read[2] = {};  // what the application takes at once
  bool ipv6 = false;
  Time start{};
};

Draw draw(Scenario scenario, Dice& dice) {
  Draw drawn;
  const bool harsh = scenario == Scenario::harsh;
  drawn.ipv6 = dice.chance(500'000);
  const auto up_to = [&](std::uint32_t most) { return static_cast<std::uint32_t>(dice.next() % (most + 1)); };
  const bool gentle = !harsh && dice.chance(300'000);
  for (std::size_t i = 0; i < 2; ++i) {
    LinkConditions& link = drawn.conditions[i];
    link.latency = microseconds(harsh ? 10'000 : 100 + up_to(80'000));
    link.loss = harsh ? 300'000 : gentle ? 0 : up_to(150'000);
    link.reordering = harsh ? 200'000 : gentle ? 0 : up_to(200'000);
    link.reordering_delay = microseconds(harsh ? 20'000 : 1 + up_to(60'000));
    link.duplication = harsh ? 50'000 : gentle ? 0 : up_to(50'000);
    link.corruption = harsh ? 10'000 : gentle ? 0 : up_to(10'000);
    if (!harsh && dice.chance(300'000)) {
      link.bytes_per_second = 20'000 + up_to(2'000'000);
      link.queue = 5'000 + up_to(100'000);
    }
    if (!harsh && dice.chance(300'000)) link.jitter = microseconds(up_to(20'000));
    link.carries_superframes = !harsh && dice.chance(200'000);

    Host::Config& config = drawn.config[i];
    const auto number = static_cast<Byte>(i + 1);
    config.ip.mac = {{2, 0, 0, 0, 0, number}};
    config.ip.addresses.push_back({IpAddress::v4({10, 9, 0, number}), 24});
    config.ip.addresses.push_back({IpAddress{{0xfd, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number}}, 64});
    config.tcp.syn_retries = 15;
    config.tcp.data_retries = 15;
    drawn.size[i] = harsh ? (i == 0 ? 65'536 : 0) : up_to(1) == 0 ? 0 : up_to(200'000);
    drawn.largest_read[i] = harsh || dice.chance(500'000) ? SIZE_MAX : 500 + up_to(20'000);
    if (harsh) continue;
    config.tcp.sack = !dice.chance(150'000);
    config.tcp.timestamps = !dice.chance(150'000);
    config.tcp.window_scale = !dice.chance(150'000);
    config.tcp.ecn = dice.chance(200'000);
    config.tcp.nagle = !dice.chance(200'000);
    config.tcp.pins = dice.chance(500'000);
    config.tcp.congestion =
        dice.chance(300'000) ? tcpip::tcp::CongestionControl::new_reno : tcpip::tcp::CongestionControl::cubic;
    if (dice.chance(300'000)) config.tcp.initial_receive_window = 2'000 + up_to(60'000);
    if (dice.chance(300'000)) config.tcp.send_buffer = 4'000 + up_to(100'000);
    config.ip.offload.checksum = dice.chance(500'000);
    config.ip.offload.segmentation = config.ip.offload.checksum && dice.chance(500'000);
    if (config.ip.offload.segmentation) config.tcp.max_superframe = 65'000;
    config.ip.mtu = static_cast<std::uint16_t>(dice.chance(700'000) ? 1500 : 1280 + up_to(220));
  }
  drawn.config[1].ip.mtu = drawn.config[0].ip.mtu;  // of one link
  drawn.start.monotonic = {1'000'000 + static_cast<std::int64_t>(dice.next() % 1'000'000)};
  drawn.start.wall = {1'790'000'000};
  return drawn;
}

// One end of the transfer.
class End {
 public:
  End(const Draw& drawn, bool is_client)
      : is_client_(is_client),
        to_send_(drawn.size[is_client ? 0 : 1]),
        to_receive_(drawn.size[is_client ? 1 : 0]),
        largest_read_(drawn.largest_read[is_client ? 0 : 1]),
        server_(drawn.config[1].ip.addresses[drawn.ipv6 ? 1 : 0].address) {}

  void see(const Host::Action& action) {
    using namespace tcpip::host;
    if (const auto* opened = std::get_if<Opened>(&action)) id_ = opened->id;
    if (const auto* received = std::get_if<Received>(&action)) take(received->bytes);
    if (std::holds_alternative<PeerFinished>(action)) peer_finished_ = true;
    if (const auto* lost = std::get_if<Reset>(&action)) reset_ = lost->reason;
    if (std::holds_alternative<Closed>(action)) closed_ = true;
  }

  void work(Host& host, const Host::Context& context) {
    if (!begun_) begin(host, context);
    if (!id_ || reset_ || closed_) return;
    // A reader that takes little at a time.
    const std::size_t read = std::min(unread_, largest_read_);
    if (read > 0) {
      unread_ -= read;
      host.consumed(context, *id_, read);
    }
    while (sent_ < to_send_) {
      const MutableBytes room = host.reserve(context, *id_, static_cast<std::size_t>(to_send_ - sent_));
      if (room.empty()) return;
      for (std::size_t i = 0; i < room.size(); ++i) room[i] = byte_at(sent_ + i, is_client_);
      host.commit(context, *id_, room.size());
      sent_ += room.size();
    }
    if (!finished_ && (is_client_ || peer_finished_)) {
      finished_ = true;
      host.finish(context, *id_);
    }
  }

  bool wrong() const { return wrong_; }
  bool complete() const { return received_ == to_receive_ && peer_finished_ && !wrong_; }
  bool closed() const { return closed_; }
  bool over() const { return closed_ || reset_.has_value(); }
  std::optional<stream::ResetReason> reset() const { return reset_; }

 private:
  void begin(Host& host, const Host::Context& context) {
    if (!is_client_) {
      begun_ = host.listen(context, port, 16).has_value();
    } else if (host.interface().source_for(server_)) {
      begun_ = host.connect(context, endpoint(server_, port)).has_value();
    }
  }

  void take(Bytes bytes) {
    for (const Byte byte : bytes) {
      wrong_ = wrong_ || received_ >= to_receive_ || byte != byte_at(received_, !is_client_);
      ++received_;
    }
    unread_ += bytes.size();
  }

  bool is_client_;
  std::uint64_t to_send_, to_receive_, sent_ = 0, received_ = 0;
  std::size_t largest_read_, unread_ = 0;
  IpAddress server_;
  std::optional<ConnectionId> id_;
  std::optional<stream::ResetReason> reset_;
  bool begun_ = false, finished_ = false, peer_finished_ = false, closed_ = false, wrong_ = false;
};

// What both hosts drew from their entropy that the clock moves: where their sequence numbers and timestamps begin.
struct Beginnings {
  std::optional<std::uint32_t> sequence[2], timestamp[2];
};

class Run {
 public:
  Run(const Draw& drawn, std::uint64_t seed, Budget& budget, const Onlooker& onlooker)
      : drawn_(drawn),
        onlooker_(onlooker),
        client_(drawn, true),
        server_(drawn, false),
        simulation_(seed, drawn.start, {.most_connections = 64}, budget),
        nodes_{HostNode<End>(drawn.config[0], client_, entropy(seed, 0), budget, budget),
               HostNode<End>(drawn.config[1], server_, entropy(seed, 1), budget, budget)} {
    for (std::size_t i = 0; i < 2; ++i) {
      if (onlooker.coverage != nullptr) nodes_[i].watch = &watches_[i].emplace(*onlooker.coverage);
      simulation_.attach(nodes_[i], drawn.conditions[i]);
    }
    simulation_.watch = {this, [](void* self, std::size_t from, Instant at, Bytes frame) {
                           static_cast<Run*>(self)->saw(from, at, frame);
                         }};
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Until both ends have begun to speak.
  Beginnings begin() {
    simulation_.begin();
    while (!(beginnings_.sequence[0] && beginnings_.sequence[1]) && simulation_.step(end())) {
    }
    return beginnings_;
  }

  TransferResult to_its_end() {
    simulation_.begin();
    while (!wrong() && !(client_.over() && server_.over()) && simulation_.oracle.report().total() == 0 &&
           simulation_.step(end())) {
    }
    const Instant now = simulation_.now().monotonic;
    simulation_.oracle.finish(now);
    const auto& report = simulation_.oracle.report();
    TransferResult result;
    result.packets = simulation_.network.counts().sent;
    result.took = now - drawn_.start.monotonic;
    result.network = simulation_.network.counts();
    if (report.total() > 0) result.violation = report.violations()[0];
    result.outcome = wrong()              ? Outcome::wrong_byte
                     : report.total() > 0 ? Outcome::unlawful
                     : complete()         ? Outcome::completed
                                          : fate();
    for (std::size_t i = 0; i < 2; ++i) {
      if (nodes_[i].watch != nullptr) watches_[i]->end(nodes_[i].host);
    }
    return result;
  }

 private:
  static std::array<Byte, 32> entropy(std::uint64_t seed, std::uint64_t host) {
    Dice dice(seed * 2 + host);
    std::array<Byte, 32> bytes{};
    for (Byte& byte : bytes) byte = static_cast<Byte>(dice.next());
    return bytes;
  }
  Instant end() const { return drawn_.start.monotonic + end_of_time; }
  bool wrong() const { return client_.wrong() || server_.wrong(); }
  // What happens to a connection when all was said does not matter.
  bool complete() const { return client_.complete() && server_.complete(); }
  Outcome fate() const {
    bool reset = false;
    for (const End* one : {&client_, &server_}) {
      if (one->reset() == stream::ResetReason::timed_out) return Outcome::timed_out;
      reset = reset || one->reset().has_value();
    }
    return reset ? Outcome::reset : Outcome::stuck;
  }

  void saw(std::size_t from, Instant at, Bytes frame) {
    if (onlooker_.frame != nullptr) onlooker_.frame(onlooker_.object, at, frame);
    if (beginnings_.sequence[from]) return;
    const std::size_t segment_at = tcpip::wire::EthernetHeader::size + (drawn_.ipv6 ? 40 : 20);
    const std::size_t protocol_at = tcpip::wire::EthernetHeader::size + (drawn_.ipv6 ? 6 : 9);
    if (frame.size() < segment_at || frame[protocol_at] != static_cast<Byte>(tcpip::Protocol::tcp)) return;
    const auto tcp = tcpip::wire::TcpHeader::parse(frame.subspan(segment_at));
    if (!tcp || !tcp->header.flags.syn) return;
    beginnings_.sequence[from] = tcp->header.sequence;
    if (tcp->header.options.timestamps) beginnings_.timestamp[from] = tcp->header.options.timestamps->value;
  }

  const Draw& drawn_;
  const Onlooker& onlooker_;
  End client_, server_;
  Simulation simulation_;
  HostNode<End> nodes_[2];
  std::optional<HostWatch> watches_[2];
  Beginnings beginnings_;
};

// Moves the beginning of time so that a number of one host passes its wrap while the transfer goes on: sequence numbers
// begin at one more every 4 microseconds (RFC 6528), timestamps at one more every millisecond.
void move_near_a_wrap(Draw& drawn, std::uint64_t seed, Dice& dice, Budget& budget) {
  std::size_t host = dice.next() % 2;
  const bool of_timestamps = dice.chance(300'000);
  // Who sends nothing passes no wrap of sequence numbers.
  if (!of_timestamps && drawn.size[host] == 0) host = 1 - host;
  const auto before = static_cast<std::uint32_t>(dice.next() % (of_timestamps ? 2'000 : drawn.size[host] + 10));
  const Onlooker nobody{};
  const Beginnings beginnings = Run(drawn, seed, budget, nobody).begin();
  const auto& begins = of_timestamps ? beginnings.timestamp[host] : beginnings.sequence[host];
  if (!begins) return;
  const std::uint32_t missing = std::uint32_t{0} - before - *begins;
  drawn.start.monotonic = drawn.start.monotonic + microseconds(std::int64_t{missing} * (of_timestamps ? 1'000 : 4));
}

}  // namespace

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::completed:
      return "completed";
    case Outcome::timed_out:
      return "timed_out";
    case Outcome::wrong_byte:
      return "wrong_byte";
    case Outcome::reset:
      return "reset";
    case Outcome::stuck:
      return "stuck";
    case Outcome::unlawful:
      return "unlawful";
  }
  return "";
}

TransferResult run_transfer(Scenario scenario, std::uint64_t seed, Budget& budget, const Onlooker& onlooker) {
  Dice dice(seed);
  Draw drawn = draw(scenario, dice);
  if (dice.chance(500'000)) move_near_a_wrap(drawn, seed, dice, budget);
  return Run(drawn, seed, budget, onlooker).to_its_end();
}

}  // namespace limpid::sim
