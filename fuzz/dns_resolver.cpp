// Answers from a DNS server, and whatever else happens to a resolver. The input is a script; where it says so, an
// answer comes to the question asked last, with its id and the question repeated, so that the rest of it is looked at.
#include "fuzz/support/machine.hpp"
#include "limpid/tcpip/dns/resolver.hpp"

namespace limpid {
namespace {

using tcpip::dns::Resolver;

// What the resolver asked last: by UDP or by TCP.
struct Asked {
  stream::Endpoint server;
  std::uint16_t port = 0;
  QueryId question;
  Bytes message;
};

Asked last_asked(const Buffer& sent, bool over_tcp) {
  Reader in(fuzz::view(sent));
  Asked asked;
  while (!in.empty()) {
    if (over_tcp) asked.question.value = in.u32();
    copy(in.take(16), asked.server.address);
    asked.server.port = in.u16();
    if (!over_tcp) asked.port = in.u16();
    asked.message = in.take(in.u32());
    if (over_tcp) asked.message = asked.message.subspan(2);
  }
  return asked;
}

}  // namespace
}  // namespace limpid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  using namespace limpid::tcpip;
  const Bytes input(data, size);
  Reader script(input);

  Budget budget(1 << 20), harness(std::size_t{1} << 30);
  const Resolver::Config config{.most_lookups = 3, .largest_answer = 600};
  sim::Recorder<Resolver> recorder(config, budget, harness);
  Time now{Instant{seconds(1).microseconds}, UnixTime{1'800'000'000}};
  bool lawful = recorder.tell(now, dns::Started{{1}}) &&
                recorder.tell(now, dns::Servers{{IpAddress::v4({10, 9, 0, 1}), IpAddress::v4({10, 9, 0, 2})}}) &&
                recorder.tell(now, dns::Resolve{1, "a.test", dns::Family::any});
  for (int steps = 0; lawful && steps < 48 && !script.empty(); ++steps) {
    const std::uint8_t op = script.u8();
    if (op < 180) {
      const bool over_tcp = op >= 120;
      Buffer sent(harness), answer(harness);
      if (!recorder.log().collect(over_tcp ? 1 : 0, sent)) break;
      const Asked asked = last_asked(sent, over_tcp);
      if (asked.message.size() < 12) continue;
      Writer out(answer);
      const Bytes rest = script.take(std::min<std::size_t>(script.u16() % 600, script.remaining()));
      const auto write = [&] {
        out.bytes(asked.message.first(2));
        out.u16(script.u16());  // flags, response code
        out.u16(1);
        out.u16(script.u8());  // answers
        out.u32(0);
        out.bytes(asked.message.subspan(12));
        out.bytes(rest);
      };
      if (over_tcp) {
        out.vector16(write);
        lawful = recorder.tell(now, dns::TcpReceived{asked.question, fuzz::view(std::as_const(answer))});
      } else {
        write();
        lawful = recorder.tell(now, dns::Datagram{asked.server, asked.port, fuzz::view(std::as_const(answer))});
      }
    } else if (op < 190) {
      const fuzz::Exact bytes(script.take(std::min<std::size_t>(script.u8(), script.remaining())));
      lawful = recorder.tell(now, dns::TcpReceived{{script.u8()}, bytes.bytes()});
    } else if (op < 200) {
      lawful = recorder.tell(now, dns::TcpEnded{{script.u8()}});
    } else if (op < 220) {
      now.monotonic = now.monotonic + milliseconds(script.u16());
      lawful = recorder.tell(now, Tick{});
    } else if (op < 230) {
      lawful = recorder.tell(now, dns::Cancel{op % 4u});
    } else if (op < 245) {
      const Bytes name = script.take(std::min<std::size_t>(script.u8(), script.remaining()));
      lawful = recorder.tell(now, dns::Resolve{op % 4u, as_text(name), static_cast<dns::Family>(op % 3)});
    } else {
      lawful = recorder.tell(now, op < 250 ? dns::Servers{} : dns::Servers{{IpAddress::v4({10, 9, 0, 3})}});
    }
  }
  fuzz::check_trace<Resolver>(recorder, config, input, {}, harness);
  return 0;
}
