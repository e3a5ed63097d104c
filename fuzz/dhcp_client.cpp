// Replies from a DHCP server, and whatever else happens to a client. The input is a script; where it says so, a message
// comes whose xid and hardware address are mended, so that the rest of it is looked at.
#include "fuzz/support/machine.hpp"
#include "limpid/tcpip/dhcp/client.hpp"

namespace limpid {
namespace {

using tcpip::dhcp::Client;

// The last message that the client sent.
Bytes last_sent(const Buffer& sent) {
  Reader in(fuzz::view(sent));
  Bytes last;
  while (!in.empty()) {
    last = in.take(in.u32());
    in.skip(2 * 16);  // addresses
  }
  return last;
}

}  // namespace
}  // namespace limpid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  using namespace limpid::tcpip;
  const Bytes input(data, size);
  Reader script(input);

  Budget budget(1 << 10), harness(std::size_t{1} << 30);
  const Client::Config config{};
  sim::Recorder<Client> recorder(config, budget, harness);
  Time now{Instant{seconds(1).microseconds}, UnixTime{1'800'000'000}};
  MacAddress mac{{2, 0, 0, 0, 0, 5}};
  bool lawful = recorder.tell(now, dhcp::Started{{1}, mac}) && recorder.tell(now, LinkChanged{true});
  for (int steps = 0; lawful && steps < 64 && !script.empty(); ++steps) {
    const std::uint8_t op = script.u8();
    if (op < 160) {
      // The front of a reply, in which the script says what is offered, and then options.
      Buffer message(harness);
      Writer out(message);
      dhcp::Message reply;
      reply.operation = dhcp::Operation::reply;
      reply.chaddr = mac;
      reply.yiaddr = IpAddress::v4(script.u32());
      std::array<Byte, 400> room{};
      Writer front{MutableBytes(room)};
      reply.emit(front);
      out.bytes(front.written().first(240));
      out.bytes(script.take(std::min<std::size_t>(script.u16() % 600, script.remaining())));
      Buffer sent(harness);
      if (op < 150 && recorder.log().collect(0, sent) && last_sent(sent).size() >= 8) {
        copy(last_sent(sent).subspan(4, 4), fuzz::view(message).subspan(4));
      }
      lawful = recorder.tell(now, dhcp::Received{fuzz::view(std::as_const(message))});
    } else if (op < 170) {
      const fuzz::Exact message(script.take(std::min<std::size_t>(script.u16() % 600, script.remaining())));
      lawful = recorder.tell(now, dhcp::Received{message.bytes()});
    } else if (op < 220) {
      now.monotonic = now.monotonic + milliseconds(std::int64_t{script.u16()} * (op < 200 ? 1 : 1000));
      lawful = recorder.tell(now, Tick{});
    } else if (op < 240) {
      lawful = recorder.tell(now, LinkChanged{op < 230});
    } else if (op < 252) {
      lawful = recorder.tell(now, dhcp::AddressConflict{});
    } else {
      mac.octets[5] = op;
      lawful = recorder.tell(now, dhcp::HardwareAddress{mac});
    }
  }
  fuzz::check_trace<Client>(recorder, config, input, {}, harness);
  return 0;
}
