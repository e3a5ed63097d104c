// Two hosts and a hostile wire between them: the script says which frame is lost, doubled, late or damaged, and when.
// What arrives must be what was sent. When the wire has been good for long enough, all has arrived or the connection
// has ended.
#include "fuzz/support/host.hpp"

namespace limpid {
namespace {

using namespace fuzz;

Byte content_at(std::size_t at) { return static_cast<Byte>(at * 7 + at / 251); }

struct Frame {
  Buffer bytes;
  ReceiveOffload offload;
  int to = 0;
};

}  // namespace
}  // namespace limpid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  Reader script(Bytes(data, size));
  const std::uint8_t options = script.u8() & 0x1f;
  const Host::Config configs[] = {host_config(1, options), host_config(2, script.u8() & 0x1f)};
  Budget harness(std::size_t{1} << 30), first(8 << 20), second(8 << 20);
  Driven ends[] = {{configs[0], first, harness}, {configs[1], second, harness}};
  Time now{Instant{seconds(1).microseconds}, UnixTime{1'800'000'000}};
  Vec<Frame> wire(harness);

  struct Stream {
    ConnectionId id;
    bool open = false, over = false;
    std::size_t sent = 0, received = 0;
  } streams[2];
  const std::size_t content = 1 + script.u16() % 20'000;

  const auto tell = [&](int end, Host::Event event) {
    ends[end].tell(
        now, event,
        [&](Bytes frame, const TransmitOffload& offload) {
          Frame sent{Buffer(harness), {offload.checksum_offset != 0, offload.segment_size}, 1 - end};
          require(sent.bytes.append(frame) && wire.push_back(std::move(sent)), "memory for the harness");
        },
        Overloaded{
            [&](const host::Opened& opened) {
              require(!streams[end].open, "one connection is opened");
              streams[end].id = opened.id;
              streams[end].open = true;
            },
            [&](const host::Received& received) {
              for (const Byte byte : received.bytes) {
                require(byte == content_at(streams[end].received++), "what arrives is what was sent");
              }
            },
            [&](const host::Reset&) { streams[end].over = true; },
            [&](const host::Closed&) { streams[end].over = true; },
            [](const auto&) {},
        });
    for (const Pin& pin : ends[end].take_pins()) ends[end].tell(now, TransmitDone{pin}, [](auto&&...) {});
  };
  const auto work = [&](int end) {
    Stream& stream = streams[end];
    const Host::Context context{configs[end], now, end == 0 ? first : second};
    Host& host = ends[end].state();
    while (stream.open && !stream.over && stream.sent < content) {
      const MutableBytes room = host.reserve(context, stream.id, content - stream.sent);
      if (room.empty()) break;
      for (Byte& byte : room) byte = content_at(stream.sent++);
      host.commit(context, stream.id, room.size());
      if (stream.sent == content) host.finish(context, stream.id);
    }
    if (stream.open && !stream.over) host.consumed(context, stream.id, 1 << 16);
    tell(end, Flush{});
  };

  for (int end = 0; end < 2; ++end) {
    host::Started started;
    started.entropy.fill(static_cast<Byte>(end + 1));
    tell(end, started);
  }
  tell(1, host::Listen{80, static_cast<std::uint16_t>(script.u8() % 3)});
  tell(0, host::Connect{endpoint(ipv4_of(2), 80), 1});

  const auto settled = [&] { return streams[0].over && (streams[1].over || !streams[1].open); };
  for (int turn = 0; turn < 20'000 && !settled(); ++turn) {
    work(0);
    work(1);
    if (!wire.empty()) {
      // While there is a script the wire does as it says; then it is good.
      const std::uint8_t what = script.empty() ? 0 : script.u8();
      const std::size_t which = what >= 0x80 ? (what >> 4 & 3) % wire.size() : 0;
      Frame frame = std::move(wire[which]);
      for (std::size_t i = which + 1; i < wire.size(); ++i) wire[i - 1] = std::move(wire[i]);
      wire.truncate(wire.size() - 1);
      if ((what & 7) == 7) continue;
      if ((what & 7) == 6) {
        Frame twin{Buffer(harness), frame.offload, frame.to};
        require(twin.bytes.append(view(std::as_const(frame.bytes))) && wire.push_back(std::move(twin)),
                "memory for the harness");
      }
      // Damage, which a checksum finds: frames that never were on a wire are not damaged.
      if ((what & 7) == 5 && !frame.offload.checksum_good && !frame.bytes.empty()) {
        frame.bytes[script.u16() % frame.bytes.size()] ^= static_cast<Byte>(1 << (what >> 3 & 7));
      }
      if ((what & 7) == 4) now.monotonic = now.monotonic + milliseconds(what);
      tell(frame.to, FrameReceived{view(frame.bytes), frame.offload});
    } else {
      std::optional<Instant> next;
      for (const Driven& end : ends) {
        if (end.deadline && (!next || *end.deadline < *next)) next = end.deadline;
      }
      if (!next) break;
      now.monotonic = std::max(now.monotonic, *next);
      tell(0, Tick{});
      tell(1, Tick{});
    }
  }
  require(settled() || streams[0].over, "it ends");
  for (const Stream& stream : streams) require(stream.received <= content, "no more arrives than was sent");
  return 0;
}
