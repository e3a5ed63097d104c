// Frames into a host, its checksums taken as good, and whatever its driver and applications do. The input is a script:
// most of it answers what the host sent last, with numbers that are right or a little wrong.
#include "fuzz/support/host.hpp"

namespace limpid {
namespace {

using namespace fuzz;

// A segment from host 1 or from far away, as an answer to `last` or out of the blue.
void write_segment(Writer& out, Reader& script, const std::optional<Sent>& last) {
  const std::uint8_t how = script.u8();
  wire::TcpHeader header;
  IpAddress source = (how & 1) != 0 ? ipv4_of(1) : IpAddress::v4({192, 0, 2, static_cast<Byte>(how >> 4)});
  header.source_port = static_cast<std::uint16_t>(1024 + (how >> 6));
  header.destination_port = (how & 2) != 0 ? 80 : 81;
  header.flags = wire::TcpFlags::from_byte(script.u8());
  if (last && (how & 4) == 0) {
    source = last->destination;
    header.source_port = last->header.destination_port;
    header.destination_port = last->header.source_port;
    header.sequence = last->header.acknowledgment;
    header.acknowledgment = last->header.sequence + last->header.sequence_length(last->payload_size);
    if (last->header.options.timestamps) {
      header.options.timestamps =
          wire::TcpTimestamps{last->header.options.timestamps->echo + 1, last->header.options.timestamps->value};
    }
  }
  if ((how & 8) != 0) {
    header.sequence += script.u16() - 0x4000u;
    header.acknowledgment += script.u8() - 0x80u;
  }
  header.window = script.u16();
  if (header.flags.syn) {
    header.options.mss = script.u16();
    header.options.window_scale = script.u8();
    header.options.sack_permitted = true;
  } else if ((how & 16) != 0) {
    const wire::SeqNumber left = header.acknowledgment + script.u16();
    header.options.sack.push_back({left, left + script.u16()});
  }
  const Bytes payload = script.take(std::min<std::size_t>(script.u8() * (how & 32 ? 16u : 1u), script.remaining()));
  wire::EthernetHeader{mac_of(2), mac_of(1), wire::EtherType::ipv4}.emit(out);
  wire::Ipv4Header ip;
  ip.source = source;
  ip.destination = ipv4_of(2);
  ip.protocol = Protocol::tcp;
  ip.ecn = how >> 6;
  ip.dont_fragment = true;
  ip.total_length = static_cast<std::uint16_t>(ip.size() + header.size() + payload.size());
  ip.emit(out);
  header.emit(out);
  out.bytes(payload);
}

void write_packet(Writer& out, Reader& script) {
  const std::uint8_t how = script.u8();
  const Bytes said = script.take(std::min<std::size_t>(script.u8(), script.remaining()));
  wire::EthernetHeader{mac_of(2), mac_of(1), wire::EtherType::ipv4}.emit(out);
  wire::Ipv4Header ip;
  ip.source = (how & 1) != 0 ? ipv4_of(1) : IpAddress::v4({192, 0, 2, 1});
  ip.destination = (how & 2) != 0 ? ipv4_of(2) : IpAddress::v4(0xffffffff);
  ip.protocol = (how & 4) != 0 ? Protocol::udp : (how & 8) != 0 ? Protocol::icmp : static_cast<Protocol>(how);
  ip.total_length = static_cast<std::uint16_t>(ip.size() + said.size());
  ip.emit(out);
  out.bytes(said);
}

}  // namespace
}  // namespace limpid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  const Bytes input(data, size);
  Reader script(input);
  Host::Config config = host_config(2, script.u8());
  const std::uint8_t circumstances = script.u8();
  // Enough for all that limits allow, or so little that memory is always short.
  const std::size_t memory = circumstances % 4 == 0 ? 96 << 10 : 4 << 20;
  // Alone, or one of two hosts of a device.
  if (circumstances >= 128 && host::most_queues() > 1)
    config.ip.queue = {static_cast<std::uint8_t>(circumstances >> 6 & 1), 2};
  Budget budget(memory), other_budget(memory), harness(std::size_t{1} << 30);
  sim::Recorder<Host> recorder(config, budget, harness);
  Driven driven(config, other_budget, harness);
  Time now{Instant{seconds(1).microseconds}, UnixTime{1'800'000'000}};
  std::optional<Sent> last;
  bool lawful = true;
  const auto look = [&](Bytes frame, const TransmitOffload&) {
    if (const auto sent = segment_in(frame)) last = sent;
  };
  const auto tell = [&](const Host::Event& event) {
    lawful = lawful && recorder.tell(now, event);
    driven.tell(now, event, look);
  };
  const auto tell_frame = [&](Bytes frame, ReceiveOffload offload) {
    const Exact mine(frame), twin(frame);
    lawful = lawful && recorder.tell(now, FrameReceived{mine.bytes(), offload});
    driven.tell(now, FrameReceived{twin.bytes(), offload}, look);
  };
  const auto tell_message = [&](std::uint8_t from, Bytes message) {
    const Exact mine(message), twin(message);
    lawful = lawful && recorder.tell(now, host::FromQueue{from, mine.bytes()});
    driven.tell(now, host::FromQueue{from, twin.bytes()}, look);
  };
  host::Started started;
  started.entropy.fill(1);
  tell(started);
  if (!config.ip.queue.leads()) {
    Host::Config first = config;
    first.ip.queue.number = 0;
    Budget first_budget(4 << 20);
    Driven leader(first, first_budget, harness);
    leader.tell(
        now, started, [](auto&&...) {},
        Overloaded{[&](const host::ToQueue& message) { tell_message(0, message.head); }, [](const auto&) {}});
  }
  tell(host::Listen{80, 2});
  tell(host::BindUdp{7});
  // Host 1 is known, so that what is sent leaves.
  const Byte arp[] = {2, 0, 0, 0, 0, 2, 2, 0,  0, 0, 0, 1, 8, 6, 0, 1, 8, 0,  6, 4, 0,
                      1, 2, 0, 0, 0, 0, 1, 10, 9, 0, 1, 0, 0, 0, 0, 0, 0, 10, 9, 0, 2};
  tell_frame(arp, {});

  for (int steps = 0; lawful && steps < 96 && !script.empty(); ++steps) {
    const std::uint8_t op = script.u8();
    if (op < 150) {
      Buffer frame(harness);
      Writer out(frame);
      if (op < 120) {
        write_segment(out, script, last);
      } else if (op < 140) {
        write_packet(out, script);
      } else {
        out.bytes(script.take(std::min<std::size_t>(script.u8(), script.remaining())));
      }
      const auto merged = static_cast<std::uint16_t>((op & 2) != 0 && op < 120 ? script.u8() * 4 : 0);
      tell_frame(view(std::as_const(frame)), {.checksum_good = true, .segment_size = merged});
    } else if (op < 180) {
      tell(Flush{});
    } else if (op < 195) {
      now.monotonic = now.monotonic + milliseconds(std::int64_t{script.u16()} * (op < 190 ? 1 : 50));
      tell(Tick{});
    } else if (op < 210) {
      Buffer bytes(harness);
      require(bytes.resize(script.u16() % 9000), "memory for the harness");
      tell(host::Write{driven.id(script.u8()), view(std::as_const(bytes))});
    } else {
      const std::uint8_t choice = script.u8();
      const ConnectionId id = driven.id(choice);
      const stream::Endpoint remote = endpoint(ipv4_of(choice & 1 ? 1 : 9), 1000 + choice % 4);
      switch (op % 16) {
        case 0:
        case 1:
          tell(host::Consumed{id, script.u16()});
          break;
        case 2:
          tell(host::Finish{id});
          break;
        case 3:
          tell(host::Abort{id});
          break;
        case 4:
          tell(host::Connect{remote, choice});
          break;
        case 5:
          tell(TransmitDone{driven.pin(choice)});
          break;
        case 6:
          tell(host::Listen{static_cast<std::uint16_t>(80 + choice % 3), choice});
          break;
        case 7:
          tell(host::StopListening{80});
          break;
        case 8:
          tell(host::BindUdp{choice});
          break;
        case 9:
          tell(host::CloseUdp{7});
          break;
        case 10:
          tell(host::SendUdp{7, remote, input.first(std::min<std::size_t>(input.size(), choice))});
          break;
        case 11:
          tell(host::Resolve{choice, "a.example", static_cast<dns::Family>(choice % 3)});
          break;
        case 12:
          tell(LinkChanged{(choice & 1) != 0});
          break;
        case 13:
          started.entropy.fill(choice);
          tell(started);
          break;
        case 14:
          tell_message(choice % 3, script.take(std::min<std::size_t>(script.u8(), script.remaining())));
          break;
        default:
          tell(host::Entropy{});
      }
    }
  }
  check_trace<Host>(recorder, config, input, {.budget = memory}, harness);

  const auto saved = save(driven.state(), now.monotonic, harness);
  require(saved.has_value(), "a reachable state saves");
  Budget fresh(16 << 20);
  require(load<Host>(view(*saved), {now.monotonic, fresh}).has_value(), "a saved state loads");
  return 0;
}
