// A frame, taken apart by every parser of tcpip/wire that its types lead to. What was parsed is emitted again and must
// be read back as the same value. Checksums of transport protocols are not judged, so they stop nobody.
#include "fuzz/support/input.hpp"
#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/icmpv4.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"
#include "limpid/tcpip/wire/mld.hpp"
#include "limpid/tcpip/wire/ndp.hpp"
#include "limpid/tcpip/wire/tcp.hpp"
#include "limpid/tcpip/wire/udp.hpp"

namespace limpid::fuzz {
namespace {

using namespace tcpip;
using namespace tcpip::wire;

// What a message says of all its bytes; no view of it lies outside them.
template <class Message>
void message(Bytes bytes) {
  const auto parsed = Message::parse(bytes);
  if (!parsed) return;
  Byte room[4096];
  Writer out{MutableBytes(room)};
  parsed->emit(out);
  if (out.failed()) return;  // a list of sources, as long as the frame
  require(Message::parse(out.written()) == *parsed, "a message that was emitted is read back");
}

// What a header says, and the payload behind it.
template <class Header>
Bytes header(Bytes bytes, const ParseResult<Header>& parsed, ParseResult<Header> (*parse)(Bytes)) {
  if (!parsed) return {};
  require(parsed->payload_offset + parsed->payload_size <= bytes.size(), "the payload lies in the bytes");
  Byte room[64 + (1 << 16)] = {};
  Writer out{MutableBytes(room)};
  parsed->header.emit(out);
  require(!out.failed(), "a header is short");
  const Bytes again(room, std::min(sizeof(room), out.size() + parsed->payload_size));
  const auto reparsed = parse(again);
  require(reparsed && reparsed->header == parsed->header, "a header that was emitted is read back");
  return parsed->payload(bytes);
}

template <class Header>
Bytes header(Bytes bytes) {
  return header<Header>(bytes, Header::parse(bytes), &Header::parse);
}

void tcp(Bytes segment) {
  const auto parsed = TcpHeader::parse(segment);
  if (!parsed) return;
  Byte room[TcpHeader::most_size];
  Writer out{MutableBytes(room)};
  parsed->header.emit(out);
  require(!out.failed() && out.size() == parsed->header.size(), "size() is what emit writes");
  auto again = TcpHeader::parse(out.written());
  require(again.has_value(), "a header that was emitted is read back");
  // A peer may pack options more tightly than they are emitted here; then the last SACK blocks are left out.
  const auto& before = parsed->header.options.sack;
  require(std::equal(again->header.options.sack.begin(), again->header.options.sack.end(), before.begin()),
          "SACK blocks are kept in order");
  again->header.options.sack = before;
  require(again->header == parsed->header, "a header that was emitted is the same");
}

void icmpv6(Bytes bytes);

void transport(Protocol protocol, Bytes bytes, bool quoted) {
  switch (protocol) {
    case Protocol::tcp:
      return tcp(bytes);
    case Protocol::udp:
      header<UdpHeader>(bytes);
      return;
    case Protocol::icmp: {
      const auto parsed = Icmpv4Header::parse(bytes);
      const Bytes behind = header<Icmpv4Header>(bytes);
      if (parsed && parsed->header.is_error() && !quoted) {
        const auto packet = Ipv4Header::parse_quoted(behind);
        if (packet) transport(packet->header.protocol, packet->payload(behind), true);
      }
      return;
    }
    case Protocol::icmpv6:
      return quoted ? void() : icmpv6(bytes);
    default:
      return;
  }
}

void extensions(Protocol first, Bytes payload, bool quoted) {
  const auto walked = walk_extensions(first, payload);
  if (!walked) {
    require(walked.error().pointer <= payload.size(), "a problem lies in the packet");
    return;
  }
  require(walked->offset <= payload.size(), "the upper layer lies in the packet");
  if (walked->fragment) return extensions(walked->protocol, payload.subspan(walked->offset), quoted);
  transport(walked->protocol, payload.subspan(walked->offset), quoted);
}

void icmpv6(Bytes bytes) {
  const auto parsed = Icmpv6Header::parse(bytes);
  const Bytes behind = header<Icmpv6Header>(bytes);
  if (parsed && parsed->header.is_error()) {
    const auto packet = Ipv6Header::parse_quoted(behind);
    if (packet) extensions(packet->header.next_header, packet->payload(behind), true);
  }
  message<RouterSolicitation>(bytes);
  message<RouterAdvertisement>(bytes);
  message<NeighborSolicitation>(bytes);
  message<NeighborAdvertisement>(bytes);
  message<Redirect>(bytes);
  message<MldQuery>(bytes);
  message<MldReport>(bytes);
  message<MldVersion1Message>(bytes);
}

}  // namespace
}  // namespace limpid::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  using namespace limpid::fuzz;
  const Exact input(Bytes(data, std::min<std::size_t>(size, 1 << 16)));
  const Bytes frame = input.bytes();
  const auto ethernet = EthernetHeader::parse(frame);
  if (!ethernet) return 0;
  const Bytes packet = ethernet->payload(frame);
  switch (ethernet->header.ether_type) {
    case EtherType::arp:
      message<ArpPacket>(packet);
      break;
    case EtherType::ipv4: {
      // The checksum is not to stop a fuzzer; Ipv4Header::parse differs in nothing else but the end of the payload.
      (void)Ipv4Header::parse(packet);
      const auto parsed = Ipv4Header::parse_quoted(packet);
      const Bytes payload = header<Ipv4Header>(packet, parsed, &Ipv4Header::parse_quoted);
      if (parsed && parsed->header.fragment_offset == 0) transport(parsed->header.protocol, payload, false);
      break;
    }
    case EtherType::ipv6: {
      const auto parsed = Ipv6Header::parse(packet);
      const Bytes payload = header<Ipv6Header>(packet);
      if (parsed) extensions(parsed->header.next_header, payload, false);
      break;
    }
    default:
      break;
  }
  return 0;
}
