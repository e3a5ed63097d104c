// What a host costs: two of them in memory, with a wire of no delay between. There is no peer here, since nothing else
// runs two stacks without a kernel; beside Linux it stands in the benchmarks over a tap device (tap.py), and what idle
// ones hold in hosts.py.
//
//   build/release/bench/hosts/limpid_bench_hosts [--benchmark_filter=...]
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "limpid/tcpip/host/host.hpp"

namespace limpid::bench {
namespace {

using namespace tcpip;

Host::Config config_of(Byte n, bool superframes) {
  Host::Config config;
  config.ip.mac = {{2, 0, 0, 0, 0, n}};
  config.ip.addresses.push_back({IpAddress::v4({10, 0, 0, n}), 24});
  config.limits.connections = 1 << 20;
  if (superframes) {
    config.ip.offload = {true, true};
    config.tcp.max_superframe = 64'000;
  }
  return config;
}

// A host, its driver, and applications that consume whatever comes.
class End {
 public:
  End(Byte n, bool superframes) : config(config_of(n, superframes)) {
    host::Started started;
    started.entropy.fill(n);
    tell(started);
  }

  void tell(Host::Event event) {
    for (;;) {
      const auto progress = Host::advance(config, state, now, event, {room_, slots_, budget});
      deadline = progress.deadline;
      for (auto& action : progress.actions) {
        if (const auto* frame = std::get_if<Transmit>(&action)) {
          take(*frame);
        } else if (const auto* received = std::get_if<host::Received>(&action)) {
          got += received->bytes.size();
          last = received->id;
          consumed_.emplace_back(received->id, received->bytes.size());
        } else if (const auto* fresh = std::get_if<host::Opened>(&action)) {
          last = fresh->id;
          ++opened;
        } else if (const auto* finished = std::get_if<host::PeerFinished>(&action)) {
          finished_.push_back(finished->id);
        }
      }
      for (const auto& [id, size] : consumed_) state.consumed(context(), id, size);
      consumed_.clear();
      for (const ConnectionId id : finished_) state.finish(context(), id);
      finished_.clear();
      if (progress.consumed != 0) event = Tick{};
      if (!progress.more) return;
    }
  }
  std::size_t write(ConnectionId id, std::size_t size) {
    const MutableBytes lent = state.reserve(context(), id, size);
    if (!lent.empty()) state.commit(context(), id, lent.size());
    return lent.size();
  }
  Host::Context context() { return {config, now, budget}; }

  struct Frame {
    std::size_t begin = 0, size = 0;
    ReceiveOffload offload;
  };
  Host::Config config;
  Budget budget{std::size_t{8} << 30};
  Host state;
  Time now;
  std::optional<Instant> deadline;
  std::vector<Byte> memory;  // of the frames that were sent
  std::vector<Frame> sent;
  std::size_t got = 0, opened = 0;
  ConnectionId last;

 private:
  void take(const Transmit& frame) {
    const std::size_t begin = memory.size();
    memory.insert(memory.end(), frame.header.begin(), frame.header.end());
    for (const Bytes& piece : frame.payload) memory.insert(memory.end(), piece.begin(), piece.end());
    sent.push_back({begin, memory.size() - begin, {frame.offload.checksum_offset != 0, frame.offload.segment_size}});
  }

  std::vector<Byte> room_ = std::vector<Byte>(1 << 16);
  std::vector<Host::Action> slots_ = std::vector<Host::Action>(64);
  std::vector<std::pair<ConnectionId, std::size_t>> consumed_;
  std::vector<ConnectionId> finished_;
};

struct Link {
  End a, b;
  std::uint64_t frames = 0;

  explicit Link(bool superframes) : a(1, superframes), b(2, superframes) {
    for (std::uint16_t port = 80; port < 90; ++port) b.tell(host::Listen{port, UINT16_MAX});
  }
  // Carries what was sent to the other side, once each way. False if nothing was.
  bool turn() {
    bool any = false;
    for (End* end : {&a, &b}) {
      End& other = end == &a ? b : a;
      end->tell(Flush{});
      any = any || !end->sent.empty();
      for (const End::Frame& frame : end->sent) {
        other.tell(FrameReceived{{end->memory.data() + frame.begin, frame.size}, frame.offload});
        ++frames;
      }
      end->sent.clear();
      end->memory.clear();
    }
    return any;
  }
  // Until both have nothing more to say; then time passes.
  void settle(Duration later = {}) {
    while (turn()) {
    }
    a.now.monotonic = b.now.monotonic = a.now.monotonic + later;
    if (later.microseconds == 0) return;
    a.tell(Tick{});
    b.tell(Tick{});
  }
  // On both sides.
  std::pair<ConnectionId, ConnectionId> open(std::uint16_t port = 80) {
    const auto id = a.state.connect(a.context(), endpoint(IpAddress::v4({10, 0, 0, 2}), port));
    const std::size_t before = b.opened;
    settle();
    if (!id || b.opened != before + 1) std::abort();
    return {*id, b.last};
  }
};

void bulk(benchmark::State& state, bool superframes) {
  Link link(superframes);
  const auto [sender, receiver] = link.open();
  const std::size_t before = link.b.got;
  link.frames = 0;
  for (auto _ : state) {
    const std::size_t goal = link.b.got + (16 << 20);
    while (link.b.got < goal) {
      while (link.a.write(sender, 1 << 16) != 0) {
      }
      if (!link.turn()) link.settle(milliseconds(50));
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(link.b.got - before));
  state.counters["frames"] = benchmark::Counter(static_cast<double>(link.frames), benchmark::Counter::kIsRate);
}
BENCHMARK_CAPTURE(bulk, frames_of_1500_bytes, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bulk, superframes, true)->Unit(benchmark::kMillisecond);

// A byte there, a byte back, on `range` connections in turn.
void request_response(benchmark::State& state) {
  Link link(false);
  std::vector<std::pair<ConnectionId, ConnectionId>> open;
  for (std::int64_t i = 0; i < state.range(0); ++i) open.push_back(link.open());
  std::size_t at = 0;
  for (auto _ : state) {
    const auto& [a, b] = open[at++ % open.size()];
    link.a.write(a, 1);
    link.turn();
    link.b.write(b, 1);
    link.turn();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(request_response)->Arg(1)->Arg(10'000);

// Opened and closed in both directions.
void new_connections(benchmark::State& state) {
  Link link(false);
  for (auto _ : state) {
    const auto [a, b] = link.open();
    link.a.state.finish(link.a.context(), a);
    link.settle(milliseconds(10));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(new_connections);

// Memory, measured once: heap that the budget was charged.
void idle_connections(benchmark::State& state) {
  for (auto _ : state) {
    Link link(false);
    const std::size_t before = link.b.budget.used();
    for (std::int64_t i = 0; i < state.range(0); ++i) {
      const auto [a, b] = link.open(static_cast<std::uint16_t>(80 + i % 10));
      link.a.write(a, 100);
      link.settle();
    }
    link.settle(seconds(1));
    state.counters["bytes_each"] =
        static_cast<double>(link.b.budget.used() - before) / static_cast<double>(state.range(0));
  }
}
BENCHMARK(idle_connections)->Arg(100'000)->Iterations(1)->Unit(benchmark::kMillisecond);

void idle_hosts(benchmark::State& state) {
  for (auto _ : state) {
    std::size_t heap = 0;
    std::vector<std::unique_ptr<Link>> links;
    for (std::int64_t i = 0; i < state.range(0) / 2; ++i) {
      auto& link = *links.emplace_back(std::make_unique<Link>(false));
      link.settle(seconds(1));
      heap += link.a.budget.used() + link.b.budget.used();
    }
    state.counters["bytes_each"] = sizeof(Host) + static_cast<double>(heap) / static_cast<double>(state.range(0));
  }
}
BENCHMARK(idle_hosts)->Arg(10'000)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace limpid::bench

BENCHMARK_MAIN();
