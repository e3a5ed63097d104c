// A host over a device of several queues, each with its Host, and a client behind the wire, in virtual time. The device
// gives frames to queues as it likes; what the queues say to each other can be lost.
#pragma once

#include <memory>

#include "tests/tcpip/host/crafted.hpp"

namespace limpid::tcpip::test {

class Switchboard {
 public:
  explicit Switchboard(std::uint8_t n, const Host::Config& config = config_of(2), Buffer* traces = nullptr) {
    for (std::uint8_t number = 0; number < n; ++number) {
      Host::Config of_queue = config;
      of_queue.ip.queue = {number, n};
      queues.push_back(std::make_unique<Station>(of_queue, 64 << 20, traces == nullptr ? nullptr : traces + number));
    }
  }
  Station& queue(std::size_t number) { return *queues[number]; }

  // To which queue the device gives a frame; by default to one by chance.
  std::function<std::size_t(const Frame&)> steer = [this](const Frame&) { return dice() % queues.size(); };
  // Whether a message arrives.
  std::function<bool(std::uint8_t from, const Station::Message&)> carries;
  // Called for each frame that a queue sends.
  std::function<void(std::size_t, const Frame&)> inspect;

  bool run(const std::function<bool()>& done, Duration patience = seconds(60)) {
    const Instant end = now_ + patience;
    for (;;) {
      settle();
      if (done()) return true;
      std::optional<Instant> next;
      const auto consider = [&](std::optional<Instant> at) {
        if (at && (!next || *at < *next)) next = at;
      };
      if (!under_way_.empty()) consider(under_way_.begin()->first.first);
      for (Station* station : all()) consider(station->deadline);
      if (!next || *next > end) {
        go_to(end);
        return false;
      }
      go_to(std::max(now_, *next));
      while (!under_way_.empty() && under_way_.begin()->first.first <= now_) {
        auto [to_client, frame] = std::move(under_way_.begin()->second);
        under_way_.erase(under_way_.begin());
        to_client ? client.tell(std::move(frame)) : queue(steer(frame)).tell(std::move(frame));
      }
      for (Station* station : all()) {
        if (station->deadline && *station->deadline <= now_) station->tell(Tick{});
      }
    }
  }
  void run_for(Duration time) {
    run([] { return false; }, time);
  }
  std::uint64_t sum(host::Count count) {
    std::uint64_t sum = 0;
    for (const auto& each : queues) sum += each->state.counted(count);
    return sum;
  }
  std::uint64_t sum(host::Drop drop) {
    std::uint64_t sum = 0;
    for (const auto& each : queues) sum += each->state.dropped(drop);
    return sum;
  }
  // The queue that has a connection with this port of the client's; none if none has.
  std::optional<std::size_t> place_of(std::uint16_t port) {
    for (std::size_t i = 0; i < queues.size(); ++i) {
      for (const auto& [id, stream] : queues[i]->streams) {
        if (stream.open && stream.remote.port == port) return i;
      }
    }
    return std::nullopt;
  }

  std::vector<std::unique_ptr<Station>> queues;
  Station client{config_of(1)};
  std::mt19937 dice{7};
  std::uint64_t messages = 0;

 private:
  std::vector<Station*> all() {
    std::vector<Station*> all{&client};
    for (const auto& each : queues) all.push_back(each.get());
    return all;
  }
  void go_to(Instant now) {
    now_ = now;
    for (Station* station : all()) station->now.monotonic = now;
  }
  void settle() {
    for (bool quiet = false; !quiet;) {
      quiet = true;
      for (std::uint8_t from = 0; from < queues.size(); ++from) {
        queue(from).flush();
        for (Station::Message& message : std::exchange(queue(from).messages, {})) {
          quiet = false;
          ++messages;
          if (carries && !carries(from, message)) continue;
          queue(message.queue).tell(host::FromQueue{from, message.bytes});
        }
      }
    }
    for (std::size_t from = 0; from < queues.size(); ++from) {
      for (Frame& frame : std::exchange(queue(from).sent, {})) {
        if (inspect) inspect(from, frame);
        put(true, std::move(frame));
      }
    }
    client.flush();
    for (Frame& frame : std::exchange(client.sent, {})) put(false, std::move(frame));
  }
  void put(bool to_client, Frame frame) {
    under_way_.emplace(std::pair{now_ + microseconds(100), ++count_}, std::pair{to_client, std::move(frame)});
  }

  Instant now_{};
  std::uint64_t count_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::pair<bool, Frame>> under_way_;
};

}  // namespace limpid::tcpip::test
