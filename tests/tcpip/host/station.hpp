// A host with a driver and applications that tests can look into, and a wire that joins two of them in virtual time.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <vector>

#include "limpid/sim/trace.hpp"
#include "limpid/tcpip/host/host.hpp"
#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid::tcpip::test {

inline IpAddress ip(std::string_view text) { return *parse_ip_address(text); }
inline stream::Endpoint at(std::string_view address, std::uint16_t port) { return endpoint(ip(address), port); }

// Number `n` of a network: 10.0.0.n/24 and fd00::n/64.
inline Host::Config config_of(std::uint8_t n) {
  Host::Config config;
  config.ip.mac = {{2, 0, 0, 0, 0, n}};
  config.ip.addresses.push_back({IpAddress::v4({10, 0, 0, n}), 24});
  IpAddress six = ip("fd00::");
  six.octets[15] = n;
  config.ip.addresses.push_back({six, 64});
  return config;
}

struct Frame {
  std::vector<Byte> bytes;
  ReceiveOffload offload;
};

class Station {
 public:
  // What became of one connection, as its application saw it.
  struct Stream {
    stream::Endpoint local, remote;
    std::uint16_t listener = 0;
    std::vector<Byte> received;
    std::size_t sent = 0;
    bool open = false, peer_finished = false, closed = false, writable = false;
    std::optional<stream::ResetReason> reset;
  };

  // What it is told is written there, if anywhere; then everything is told by events.
  explicit Station(const Host::Config& its_config, std::size_t memory = 256 << 20, Buffer* written_to = nullptr)
      : config(its_config), budget(memory), trace(written_to) {
    host::Started started;
    started.entropy.fill(config.ip.mac.octets[5]);
    tell(started);
  }

  // Told until it is consumed and nothing more is to be done at once.
  void tell(Host::Event event) {
    if (trace != nullptr) {
      ASSERT_TRUE(sim::append_event<Host>(*trace, now, event));
    }
    for (int turns = 0;; ++turns) {
      ASSERT_LT(turns, 1 << 20) << "it never ends";
      const auto progress = Host::advance(config, state, now, event, {room, slots, budget});
      deadline = progress.deadline;
      ASSERT_TRUE(!deadline || *deadline > now.monotonic);
      for (auto& action : progress.actions) std::visit([this](auto& held) { on(held); }, action);
      ++steps;
      if (progress.consumed != 0) event = Tick{};
      if (!progress.more && progress.consumed != 0) break;
      if (!progress.more) {
        ASSERT_NE(progress.wants, Wants::room);
        break;
      }
    }
    settle();
  }
  void tell(Frame frame) { tell(FrameReceived{frame.bytes, frame.offload}); }
  void flush() { tell(Flush{}); }
  Host::Context context() { return {config, now, budget}; }

  ConnectionId connect(const stream::Endpoint& remote) {
    if (trace != nullptr) {
      tell(host::Connect{remote, 1});
      return connecting.value_or(ConnectionId{});
    }
    const auto id = state.connect(context(), remote);
    EXPECT_TRUE(id) << name(id.error());
    return id ? *id : ConnectionId{};
  }
  void listen(std::uint16_t port, std::uint16_t backlog = 128) { tell(host::Listen{port, backlog}); }
  void finish(ConnectionId id) { tell(host::Finish{id}); }
  void abort(ConnectionId id) { tell(host::Abort{id}); }
  // Writes as much of `bytes` as there is room for.
  std::size_t write(ConnectionId id, Bytes bytes) {
    if (trace != nullptr) {
      const std::size_t size = std::min(bytes.size(), state.writable(context(), id));
      if (size != 0) tell(host::Write{id, bytes.first(size)});
      stream(id).sent += size;
      return size;
    }
    std::size_t written = 0;
    while (written < bytes.size()) {
      const MutableBytes reserved = state.reserve(context(), id, bytes.size() - written);
      if (reserved.empty()) break;
      copy(bytes.subspan(written, reserved.size()), reserved);
      state.commit(context(), id, reserved.size());
      written += reserved.size();
    }
    stream(id).sent += written;
    return written;
  }
  Stream& stream(ConnectionId id) { return streams[{id.index, id.generation}]; }
  // Ids of connections that listeners took and that are open.
  std::vector<ConnectionId> accepted() const {
    std::vector<ConnectionId> ids;
    for (const auto& [key, stream] : streams) {
      if (stream.listener != 0 && stream.open) ids.push_back({key.first, key.second});
    }
    return ids;
  }
  // Every step gets so much and no more from now on.
  void narrow(std::size_t bytes, std::size_t actions) {
    room.resize(bytes);
    slots.resize(actions);
  }
  // Saves, loads and goes on with what was loaded.
  void reload() {
    Budget harness(1 << 30);
    const auto saved = save(state, now.monotonic, harness);
    ASSERT_TRUE(saved);
    auto loaded = load<Host>({saved->data(), saved->size()}, {now.monotonic, budget});
    ASSERT_TRUE(loaded) << describe(loaded.error());
    const auto again = save(*loaded, now.monotonic, harness);
    ASSERT_TRUE(again);
    ASSERT_EQ(Bytes(again->data(), again->size()), Bytes(saved->data(), saved->size()));
    state = std::move(*loaded);
  }
  void finish_transmitting() {
    for (const Pin& pin : std::exchange(lent, {})) tell(TransmitDone{pin});
  }

  Host::Config config;
  Budget budget;
  Buffer* trace;
  Host state;
  Time now;
  std::optional<Instant> deadline;
  std::vector<Frame> sent;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Stream> streams;
  std::vector<host::Refused> refused;
  std::vector<dns::Resolved> resolved;
  std::vector<std::pair<IpAddress, bool>> addresses;
  struct Datagram {
    std::uint16_t port;
    stream::Endpoint from, to;
    std::vector<Byte> bytes;
  };
  std::vector<Datagram> datagrams;
  struct Message {
    std::uint8_t queue;
    std::vector<Byte> bytes;
  };
  std::vector<Message> messages;  // for other queues
  std::optional<ConnectionId> connecting;
  bool keep_pins = false;  // TransmitDone is said by finish_transmitting() only
  std::vector<Pin> lent;
  bool consume = true;  // what is received is consumed at once
  std::uint64_t steps = 0;
  // Called after a step for each connection that received something or has room again.
  std::function<void(ConnectionId)> serve;

 private:
  void on(const Transmit& transmit) {
    Frame frame{{transmit.header.begin(), transmit.header.end()}, {}};
    for (const Bytes& piece : transmit.payload) frame.bytes.insert(frame.bytes.end(), piece.begin(), piece.end());
    // It never is on a wire: as a device that offloads would hand it on.
    frame.offload.checksum_good = transmit.offload.checksum_offset != 0;
    frame.offload.segment_size = transmit.offload.segment_size;
    sent.push_back(std::move(frame));
    if (transmit.pin.count != 0) lent.push_back(transmit.pin);
  }
  void on(const host::Opened& opened) {
    Stream& fresh = stream(opened.id);
    fresh.local = opened.local;
    fresh.remote = opened.remote;
    fresh.listener = opened.listener;
    fresh.open = true;
    active_.push_back(opened.id);
  }
  void on(const host::Received& received) {
    auto& to = stream(received.id).received;
    to.insert(to.end(), received.bytes.begin(), received.bytes.end());
    if (consume) owed_.emplace_back(received.id, received.bytes.size());
    active_.push_back(received.id);
  }
  void on(const host::Writable& writable) {
    stream(writable.id).writable = true;
    active_.push_back(writable.id);
  }
  void on(const host::PeerFinished& finished) {
    stream(finished.id).peer_finished = true;
    active_.push_back(finished.id);
  }
  void on(const host::Reset& reset) {
    stream(reset.id).reset = reset.reason;
    stream(reset.id).open = false;
  }
  void on(const host::Closed& closed) {
    stream(closed.id).closed = true;
    stream(closed.id).open = false;
  }
  void on(const host::Connecting& answer) { connecting = answer.id; }
  void on(const host::Refused& answer) { refused.push_back(answer); }
  void on(const host::DatagramReceived& got) {
    datagrams.push_back({got.port, got.from, got.to, {got.bytes.begin(), got.bytes.end()}});
  }
  void on(const dns::Resolved& answer) { resolved.push_back(answer); }
  void on(const host::ConfigurationChanged& changed) { addresses.emplace_back(changed.address, changed.usable); }

  void on(const host::ToQueue& message) {
    messages.push_back({message.queue, {message.head.begin(), message.head.end()}});
    messages.back().bytes.insert(messages.back().bytes.end(), message.rest.begin(), message.rest.end());
  }

  void settle() {
    for (const auto& [id, size] : std::exchange(owed_, {})) {
      if (!stream(id).open) continue;
      trace == nullptr ? state.consumed(context(), id, size)
                       : tell(host::Consumed{id, static_cast<std::uint32_t>(size)});
    }
    for (const ConnectionId id : std::exchange(active_, {})) {
      if (serve && stream(id).open) serve(id);
    }
    if (!keep_pins) finish_transmitting();
  }

  std::vector<Byte> room = std::vector<Byte>(1 << 18);
  std::vector<Host::Action> slots = std::vector<Host::Action>(128);
  std::vector<std::pair<ConnectionId, std::size_t>> owed_;
  std::vector<ConnectionId> active_;
};

// Two stations and what is between them. Frames take `latency`; some are lost, doubled or late, by `seed`.
class Wire {
 public:
  Wire(Station& a, Station& b, Duration latency = microseconds(100)) : ends_{&a, &b}, latency_(latency) {}

  struct Faults {
    unsigned loss = 0, duplication = 0, reordering = 0;  // in thousands
    std::uint32_t seed = 1;
  };
  void set(const Faults& faults) {
    faults_ = faults;
    dice_.seed(faults.seed);
  }
  // Called for each frame that is put on the wire, by which end; false drops it.
  std::function<bool(int, Frame&)> inspect;
  // Called after all that was due at one instant was told.
  std::function<void()> after;

  // Until `done` holds; false if `patience` runs out, or if nothing will ever happen again.
  bool run(const std::function<bool()>& done, Duration patience = seconds(60)) {
    const Instant end = now_ + patience;
    for (;;) {
      settle();
      if (done()) return true;
      std::optional<Instant> next;
      for (const Station* station : ends_) {
        if (station->deadline && (!next || *station->deadline < *next)) next = station->deadline;
      }
      if (!under_way_.empty() && (!next || under_way_.begin()->first.first < *next)) {
        next = under_way_.begin()->first.first;
      }
      if (!next || *next > end) {
        now_ = end;
        for (Station* station : ends_) station->now.monotonic = now_;
        return false;
      }
      now_ = std::max(now_, *next);
      for (Station* station : ends_) station->now.monotonic = now_;
      while (!under_way_.empty() && under_way_.begin()->first.first <= now_) {
        auto [to, frame] = std::move(under_way_.begin()->second);
        under_way_.erase(under_way_.begin());
        ends_[to]->tell(std::move(frame));
      }
      for (Station* station : ends_) {
        if (station->deadline && *station->deadline <= now_) station->tell(Tick{});
      }
      if (after) after();
    }
  }
  void run_for(Duration time) {
    run([] { return false; }, time);
  }
  Instant now() const { return now_; }
  std::uint64_t frames = 0;

 private:
  void settle() {
    for (int end = 0; end < 2; ++end) {
      ends_[end]->flush();
      for (Frame& frame : std::exchange(ends_[end]->sent, {})) send(end, std::move(frame));
    }
  }
  void send(int from, Frame frame) {
    ++frames;
    if (inspect && !inspect(from, frame)) return;
    const auto happens = [this](unsigned thousandths) { return dice_() % 1000 < thousandths; };
    if (happens(faults_.loss)) return;
    if (happens(faults_.duplication)) put(from, frame, {});
    put(from, std::move(frame), happens(faults_.reordering) ? Duration{latency_.microseconds * 3} : Duration{});
  }
  void put(int from, Frame frame, Duration late) {
    under_way_.emplace(std::pair{now_ + latency_ + late, ++count_}, std::pair{1 - from, std::move(frame)});
  }

  Station* ends_[2];
  Duration latency_;
  Faults faults_;
  std::mt19937 dice_;
  Instant now_{};
  std::uint64_t count_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::pair<int, Frame>> under_way_;
};

// Bytes that are a function of their offset.
inline std::vector<Byte> pattern(std::size_t size, std::size_t offset = 0) {
  std::vector<Byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t at = (offset + i) / 8;
    bytes[i] = static_cast<Byte>((at * 0x9e3779b97f4a7c15u) >> (8 * ((offset + i) % 8)));
  }
  return bytes;
}

}  // namespace limpid::tcpip::test
