// Frames into the network layer of a link, and whatever else happens to it. The input is a script. A frame comes as it
// is, or with lengths, addresses and checksums mended, so that what lies behind them is looked at. One interface obeys
// the laws over what it was told; another one, told the same, sends as well, and refuses what it is delivered.
#include "fuzz/support/machine.hpp"
#include "limpid/tcpip/ip/interface.hpp"
#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"

namespace limpid {
namespace {

using namespace tcpip;
using ip::Interface;

constexpr MacAddress ours{{2, 0, 0, 0, 0, 2}}, theirs{{2, 0, 0, 0, 0, 1}};

ip::Config configuration() {
  ip::Config config;
  config.mac = ours;
  config.addresses.push_back(*parse_cidr("10.9.0.2/24"));
  config.addresses.push_back(*parse_cidr("fd00:9::2/64"));
  config.gateway = parse_ip_address("10.9.0.1");
  config.slaac = true;
  config.limits.neighbours = 8;
  config.limits.unresolved = 4;
  config.limits.path_mtus = 4;
  config.limits.reassemblies = 3;
  config.limits.reassembly_bytes = 8192;
  return config;
}

IpAddress known_address(std::uint8_t choice, bool ipv4) {
  constexpr std::string_view of_ipv4[] = {"10.9.0.2", "10.9.0.1", "10.9.0.255", "255.255.255.255", "192.0.2.1"};
  constexpr std::string_view of_ipv6[] = {"fd00:9::2", "fd00:9::1", "fe80::1", "ff02::1", "ff02::1:ff00:2", "::"};
  return *parse_ip_address(ipv4 ? of_ipv4[choice % std::size(of_ipv4)] : of_ipv6[choice % std::size(of_ipv6)]);
}

// A packet between known addresses whose payload is the script's.
void write_packet(Writer& out, Reader& script) {
  const std::uint8_t choice = script.u8();
  const bool v4 = (choice & 1) != 0;
  const IpAddress source = known_address(choice >> 1 & 7, v4), destination = known_address(choice >> 4, v4);
  const auto protocol = static_cast<Protocol>(script.u8());
  const std::uint16_t fragment = script.u16();
  const Bytes said = script.take(std::min<std::size_t>(script.u16() % 1500, script.remaining()));
  const MacAddress to = destination.is_multicast() ? wire::multicast_mac(destination) : ours;
  wire::EthernetHeader{to, theirs, v4 ? wire::EtherType::ipv4 : wire::EtherType::ipv6}.emit(out);
  if (v4) {
    wire::Ipv4Header header;
    header.source = source;
    header.destination = destination;
    header.protocol = protocol;
    header.more_fragments = (fragment & 1) != 0;
    header.fragment_offset = fragment & 0xfff8;
    header.identification = fragment & 6;
    header.total_length = static_cast<std::uint16_t>(header.size() + said.size());
    header.emit(out);
  } else {
    wire::Ipv6Header header;
    header.source = source;
    header.destination = destination;
    header.next_header = protocol;
    header.hop_limit = fragment == 0 ? 255 : fragment == 1 ? 1 : 64;
    header.payload_length = static_cast<std::uint16_t>(said.size());
    header.emit(out);
  }
  const std::size_t at = out.size();
  out.bytes(said);
  // ICMP's checksum, also behind one extension header of eight bytes.
  const bool icmp = protocol == Protocol::icmp || protocol == Protocol::icmpv6;
  const bool behind = protocol == Protocol::hop_by_hop_options || protocol == Protocol::fragment;
  const std::size_t skipped = icmp ? 0 : 8;
  if (out.failed() || !(icmp || behind) || said.size() < skipped + 4) return;
  const MutableBytes message = out.written().subspan(at + skipped);
  copy(Bytes(std::array<Byte, 2>{}), message.subspan(2));
  const Protocol sums = v4 ? Protocol::icmp : Protocol::icmpv6;
  Writer(message.subspan(2)).u16(wire::transport_checksum(source, destination, sums, message));
}

// What an owner does between steps.
class Owner {
 public:
  Owner(const ip::Config& config, Budget& budget) : config_(config), budget_(budget) {}

  void tell(Time now, Interface::Event event) {
    for (int steps = 0;; ++steps) {
      fuzz::require(steps < 1000, "`more` ends");
      const auto progress = Interface::advance(config_, state_, now, event, {room_, slots_, budget_});
      fuzz::require(!progress.deadline || *progress.deadline > now.monotonic, "the deadline is later than now");
      for (const auto& action : progress.actions) {
        if (const auto* told = std::get_if<ip::Unreachable>(&action); told != nullptr && told->mtu) {
          state_.confirm_path_mtu(config_, now, told->destination, *told->mtu);
        } else if (const auto* delivered = std::get_if<ip::Deliver>(&action)) {
          ActionList<Interface::Action> actions(more_slots_);
          ip::Outlet<Interface::Action> out{more_room_, actions};
          state_.refuse(config_, now, *delivered, out);
        }
      }
      if (!progress.more) return;
      event = Tick{};
    }
  }

  void send(Time now, Reader& script) {
    const std::uint8_t choice = script.u8();
    const bool v4 = (choice & 1) != 0;
    ip::Packet packet;
    packet.destination = known_address(choice >> 4, v4);
    packet.source = state_.source_for(packet.destination).value_or(known_address(0, v4));
    packet.protocol = Protocol::udp;
    packet.dont_fragment = (choice & 2) != 0;
    packet.copied = (choice & 4) != 0;
    const std::array<Byte, 8> header{};
    packet.header = header;
    packet.checksum_offset = 6;
    const Bytes payload[] = {Bytes(content_).first(script.u16() % (sizeof content_ + 1)), {}};
    packet.payload = payload;
    ActionList<Interface::Action> actions(slots_);
    ip::Outlet<Interface::Action> out{MutableBytes(room_).first(script.u16()), actions};
    const std::size_t before = out.room.size();
    const auto result = state_.send(config_, now, packet, out);
    fuzz::require(result == ip::SendResult::sent || (actions.all().empty() && out.room.size() == before),
                  "what was not sent took no room");
    for (const auto& action : actions.all()) {
      const auto& frame = std::get<Transmit>(action);
      std::size_t size = frame.header.size();
      for (const Bytes& piece : frame.payload) size += piece.size();
      fuzz::require(size <= wire::EthernetHeader::size + std::size_t{state_.mtu()},
                    "no frame is larger than the link's");
    }
  }

  // Saves and loads again what came of it.
  void finish(Time now, Budget& harness) {
    const auto saved = save(state_, now.monotonic, harness);
    fuzz::require(saved.has_value(), "a reachable state saves");
    auto loaded = load<Interface>(fuzz::view(*saved), {now.monotonic, budget_});
    fuzz::require(loaded.has_value(), "a saved state loads");
  }

 private:
  const ip::Config& config_;
  Budget& budget_;
  Interface state_;
  Byte content_[3000]{};
  Byte room_[1 << 16], more_room_[1 << 12];
  Interface::Action slots_[64], more_slots_[4];
};

}  // namespace
}  // namespace limpid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  const Bytes input(data, size);
  Reader script(input);
  const ip::Config config = configuration();
  Budget budget(1 << 20), other_budget(1 << 20), harness(std::size_t{1} << 30);
  sim::Recorder<Interface> recorder(config, budget, harness);
  Owner owner(config, other_budget);
  Time now{Instant{seconds(1).microseconds}, UnixTime{1'800'000'000}};
  bool lawful = true;
  const auto tell = [&](Interface::Event event) { lawful = recorder.tell(now, event); };
  Interface::Event started;
  started.emplace<ip::Started>().entropy = {1};
  tell(started);
  owner.tell(now, started);
  for (int steps = 0; lawful && steps < 64 && !script.empty(); ++steps) {
    const std::uint8_t op = script.u8();
    if (op < 160) {
      Buffer frame(harness);
      Writer out(frame);
      if (op < 40) {
        out.bytes(script.take(std::min<std::size_t>(script.u16() % 1600, script.remaining())));
      } else {
        write_packet(out, script);
      }
      const fuzz::Exact twin(fuzz::view(std::as_const(frame)));
      const fuzz::Exact mine(fuzz::view(std::as_const(frame)));
      tell(FrameReceived{twin.bytes(), {.checksum_good = (op & 1) != 0}});
      owner.tell(now, FrameReceived{mine.bytes(), {}});
    } else if (op < 200) {
      now.monotonic = now.monotonic + milliseconds(std::int64_t{script.u16()} * (op < 190 ? 1 : 100));
      tell(Tick{});
      owner.tell(now, Tick{});
    } else if (op < 220) {
      owner.send(now, script);
    } else {
      const bool v4 = (op & 1) != 0;
      const IpAddress address = known_address(script.u8(), v4);
      Interface::Event event;
      if (op < 225) {
        event.emplace<LinkChanged>().up = (op & 2) != 0;
      } else if (op < 235) {
        auto& added = event.emplace<ip::AddAddress>();
        added.cidr = {address, 24};
        added.lifetime.emplace(seconds(script.u16()));
        added.probe = (op & 2) != 0;
      } else if (op < 240) {
        event.emplace<ip::RemoveAddress>().address = address;
      } else if (op < 245) {
        event.emplace<ip::SetGateway>(!v4, address);
      } else if (op < 250) {
        event.emplace<ip::SetMtu>().mtu = script.u16();
      } else {
        event.emplace<ip::Started>().entropy = {op};
      }
      tell(event);
      owner.tell(now, event);
    }
  }
  fuzz::check_trace<Interface>(recorder, config, input, {}, harness);
  owner.finish(now, harness);
  return 0;
}
