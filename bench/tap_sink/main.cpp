// The ceiling for bulk TCP on a tap device: a peer at 10.9.0.2 that acknowledges whatever comes (port 9) or sends as
// much as the window takes (port 19), and does nothing else that TCP asks for. It keeps no state but one connection's
// numbers, looks at no checksum, and believes that nothing is lost.
#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "limpid/effects/tap.hpp"
#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid {
namespace {

namespace wire = tcpip::wire;

constexpr tcpip::IpAddress address = tcpip::IpAddress::v4({10, 9, 0, 2});
constexpr std::uint16_t discard = 9;
constexpr std::uint16_t chargen = 19;
constexpr std::uint16_t mss = 1460;
constexpr std::uint8_t window_scale = 10;
constexpr std::size_t superframe = 44 * mss;
constexpr int frames_per_batch = 64;

class Sink {
 public:
  explicit Sink(effects::Tap tap)
      : tap_(std::move(tap)), mac_(effects::mac_address_for(tap_.name())), input_(effects::Tap::largest_frame) {}

  [[noreturn]] void run() {
    for (;;) {
      pollfd waiting{tap_.descriptor(), POLLIN, 0};
      ::poll(&waiting, 1, -1);
      FrameReceived received;
      for (int n = 0; n < frames_per_batch && tap_.read(input_, received) == effects::Tap::Read::frame; ++n) {
        take(received.frame);
      }
      if (acknowledge_) send({.ack = true}, {}, {});
      while (peer_.source_port != 0 && peer_.destination_port == chargen && established_ &&
             next_ - acknowledged_ + superframe <= window_) {
        send({.psh = true, .ack = true}, {}, Bytes(zeros_));
        next_ += superframe;
      }
    }
  }

 private:
  void take(Bytes frame) {
    const auto ethernet = wire::EthernetHeader::parse(frame);
    if (!ethernet) return;
    const Bytes packet = ethernet->payload(frame);
    if (ethernet->header.ether_type == wire::EtherType::arp) return answer_arp(packet);
    if (ethernet->header.ether_type != wire::EtherType::ipv4) return;
    const auto ip = wire::Ipv4Header::parse(packet);
    if (!ip || ip->header.protocol != tcpip::Protocol::tcp) return;
    const Bytes segment = ip->payload(packet);
    const auto tcp = wire::TcpHeader::parse(segment);
    if (!tcp) return;
    const wire::TcpHeader& header = tcp->header;
    if (header.flags.syn) {
      peer_ = header;
      peer_mac_ = ethernet->header.source;
      peer_address_ = ip->header.source;
      peer_scale_ = header.options.window_scale.value_or(0);
      expected_ = header.sequence + 1;
      next_ = 1;
      acknowledged_ = next_;
      established_ = false;
      send({.syn = true, .ack = true}, {.mss = mss, .window_scale = window_scale}, {});
      return;
    }
    if (header.source_port != peer_.source_port) return;
    established_ = true;
    acknowledged_ = header.acknowledgment;
    window_ = std::size_t{header.window} << peer_scale_;
    const std::size_t taken = tcp->payload_size + (header.flags.fin ? 1 : 0);
    if (taken == 0) return;
    expected_ = header.sequence + static_cast<std::uint32_t>(taken);
    acknowledge_ = true;
    if (header.flags.fin) send({.fin = true, .ack = true}, {}, {});
  }

  void answer_arp(Bytes packet) {
    const auto arp = wire::ArpPacket::parse(packet);
    if (!arp || arp->operation != wire::ArpOperation::request || arp->target_protocol_address != address) return;
    Byte room[64];
    Writer out{MutableBytes(room)};
    wire::EthernetHeader{arp->sender_hardware_address, mac_, wire::EtherType::arp}.emit(out);
    wire::ArpPacket{wire::ArpOperation::reply, mac_, address, arp->sender_hardware_address,
                    arp->sender_protocol_address}
        .emit(out);
    Transmit frame{};
    frame.header = out.written();
    tap_.write(frame);
  }

  void send(wire::TcpFlags flags, const wire::TcpOptions& options, Bytes payload) {
    wire::TcpHeader tcp;
    tcp.source_port = peer_.destination_port;
    tcp.destination_port = peer_.source_port;
    tcp.sequence = flags.syn ? next_ - 1 : next_;
    tcp.acknowledgment = expected_;
    tcp.flags = flags;
    tcp.window = UINT16_MAX;
    tcp.options = options;
    Byte room[128];
    Writer out{MutableBytes(room)};
    wire::EthernetHeader{peer_mac_, mac_, wire::EtherType::ipv4}.emit(out);
    wire::Ipv4Header ip{.dont_fragment = true, .protocol = tcpip::Protocol::tcp, .source = address};
    ip.destination = peer_address_;
    const std::size_t tcp_size = wire::TcpHeader::least_size + options.size();
    ip.total_length = static_cast<std::uint16_t>(wire::Ipv4Header::least_size + tcp_size + payload.size());
    ip.emit(out);
    const std::size_t tcp_start = out.size();
    tcp.emit(out);
    const std::uint16_t sum = wire::pseudo_header(address, peer_address_, tcpip::Protocol::tcp,
                                                  static_cast<std::uint32_t>(tcp_size + payload.size()))
                                  .sum();
    room[tcp_start + wire::TcpHeader::checksum_offset] = static_cast<Byte>(sum >> 8);
    room[tcp_start + wire::TcpHeader::checksum_offset + 1] = static_cast<Byte>(sum);
    Transmit frame{};
    frame.header = out.written();
    if (!payload.empty()) frame.payload.push_back(payload);
    frame.offload = {.checksum_start = static_cast<std::uint16_t>(tcp_start),
                     .checksum_offset = wire::TcpHeader::checksum_offset,
                     .segment_size = payload.size() > mss ? mss : std::uint16_t{0}};
    tap_.write(frame);
    acknowledge_ = false;
  }

  effects::Tap tap_;
  const tcpip::MacAddress mac_;
  std::vector<Byte> input_;
  std::vector<Byte> zeros_ = std::vector<Byte>(superframe);

  // The connection: that of the last SYN.
  wire::TcpHeader peer_;
  tcpip::MacAddress peer_mac_;
  tcpip::IpAddress peer_address_;
  std::uint8_t peer_scale_ = 0;
  std::uint32_t expected_ = 0, next_ = 1, acknowledged_ = 1;
  std::size_t window_ = 0;
  bool established_ = false;
  bool acknowledge_ = false;
};

}  // namespace
}  // namespace limpid

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: limpid_tap_sink DEVICE\n");
    return 2;
  }
  auto tap = limpid::effects::Tap::open(arguments[1]);
  if (!tap) {
    std::fprintf(stderr, "limpid_tap_sink: %s\n", tap.error().text.c_str());
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  limpid::Sink(std::move(*tap)).run();
}
