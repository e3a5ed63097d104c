// Segments into one connection in each of its states, among what the application and the clock do. The input is a
// script; sequence and acknowledgment numbers are said relative to where the connection stands, so that small numbers
// are near what is acceptable.
#include "fuzz/support/machine.hpp"
#include "limpid/tcpip/tcp/connection.hpp"

namespace limpid {
namespace {

using namespace tcpip;
using namespace tcpip::tcp;

constexpr wire::SeqNumber iss = 0xfffff000;
constexpr wire::SeqNumber irs = 0x7ffffff0;

// Where the connection stands, or would.
struct Edges {
  wire::SeqNumber rcv_nxt = irs + 1;
  wire::SeqNumber snd_una = iss + 1;
  std::uint32_t timestamp = 1000;
};

Edges edges_of(const Connection& connection) {
  Edges edges;
  if (const Synchronized* t = connection.synchronized()) {
    edges.rcv_nxt = t->rcv_nxt;
    edges.snd_una = t->snd_una();
    if (t->timestamps) edges.timestamp = t->timestamps->ts_recent;
  }
  return edges;
}

wire::TcpHeader header_from(Reader& script, const Edges& edges) {
  wire::TcpHeader header;
  header.flags = wire::TcpFlags::from_byte(script.u8());
  const std::uint8_t has = script.u8();
  header.sequence = edges.rcv_nxt + static_cast<std::uint32_t>(static_cast<std::int16_t>(script.u16()));
  header.acknowledgment = edges.snd_una + static_cast<std::uint32_t>(static_cast<std::int16_t>(script.u16()));
  header.window = script.u16();
  if (has & 1) header.options.mss = script.u16();
  if (has & 2) header.options.window_scale = script.u8();
  if (has & 4) header.options.sack_permitted = true;
  if (has & 8) {
    const std::uint32_t value = edges.timestamp + static_cast<std::uint32_t>(static_cast<std::int8_t>(script.u8()));
    header.options.timestamps = wire::TcpTimestamps{value, script.u8()};
  }
  for (int i = 0; i < (has >> 4 & 3); ++i) {
    const wire::SeqNumber left = edges.snd_una + static_cast<std::uint32_t>(static_cast<std::int16_t>(script.u16()));
    header.options.sack.push_back({left, left + script.u16()});
  }
  return header;
}

Config config_from(std::uint8_t bits) {
  Config config;
  config.ecn = bits & 1;
  config.pins = bits & 2;
  config.max_superframe = bits & 4 ? 65536 : 0;
  config.sack = !(bits & 8);
  config.congestion = bits & 16 ? CongestionControl::new_reno : CongestionControl::cubic;
  config.keepalive_idle = seconds(bits & 32 ? 5 : 0);
  config.user_timeout = seconds(bits & 64 ? 30 : 0);
  config.send_buffer = 1 << 15;
  return config;
}

}  // namespace
}  // namespace limpid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  const Bytes input(data, size);
  Reader script(input);

  Budget budget(1 << 20), harness(std::size_t{1} << 30);
  const Config config = config_from(script.u8());
  sim::Recorder<Connection> recorder(config, budget, harness);
  Time now{Instant{seconds(1).microseconds}, {}};
  const Birth birth{{{}, 80}, {{}, 4000}, iss, script.u32(), 1460};
  const std::uint8_t way = script.u8();
  bool lawful = true;
  if (way < 80) {
    lawful = recorder.tell(now, Connect{birth});
  } else if (way < 200) {
    wire::TcpHeader syn = header_from(script, {irs, 0, 0});
    syn.sequence = irs;
    syn.flags.syn = true;
    lawful = recorder.tell(now, Accept{birth, syn});
  } else {
    const Negotiated negotiated{script.u16(), static_cast<std::uint8_t>(script.u8() % 15), true, (way & 1) != 0, false};
    lawful = negotiated.mss < config.min_mss || recorder.tell(now, AcceptCookie{birth, irs, negotiated});
  }
  lawful = lawful && recorder.tell(now, Flush{});

  for (int steps = 0; lawful && steps < 200 && !script.empty(); ++steps) {
    const std::uint8_t op = script.u8();
    if (op < 120) {
      SegmentArrived segment;
      segment.header = header_from(script, edges_of(recorder.state()));
      const fuzz::Exact payload(
          script.take(std::min<std::size_t>(script.u8() * (op < 20 ? 16u : 1u), script.remaining())));
      segment.payload = payload.bytes();
      segment.ecn = op & 3;
      lawful = recorder.tell(now, segment);
    } else if (op < 150) {
      lawful = recorder.tell(now, Flush{});
    } else if (op < 185) {
      now.monotonic = now.monotonic + milliseconds(std::int64_t{script.u8()} * (op < 175 ? 1 : 500));
      lawful = recorder.tell(now, Tick{}) && recorder.tell(now, Flush{});
    } else if (op < 215) {
      const fuzz::Exact written(script.take(std::min<std::size_t>(script.u16(), script.remaining())));
      lawful = recorder.tell(now, Write{written.bytes()});
    } else if (op < 230) {
      lawful = recorder.tell(now, Consumed{script.u16()});
    } else if (op < 236) {
      lawful = recorder.tell(now, Finish{});
    } else if (op < 240) {
      lawful = recorder.tell(now, PathMtu{script.u16()});
    } else if (op < 244) {
      lawful = recorder.tell(now, PinsDone{{0, script.u8(), script.u8()}});
    } else if (op < 248) {
      lawful = recorder.tell(now, MemoryPressure{(op & 1) != 0});
    } else if (op < 252) {
      lawful = recorder.tell(now, Unreachable{(op & 1) != 0, iss + script.u8()});
    } else {
      lawful = recorder.tell(now, Abort{});
    }
  }
  fuzz::check_trace<Connection>(recorder, config, input, {.budget = 1 << 20}, harness);
  return 0;
}
