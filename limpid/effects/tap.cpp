#include "limpid/effects/tap.hpp"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <fstream>

#include "limpid/crypto/hash.hpp"

namespace limpid::effects {
namespace {

// What stands in front of every frame (virtio 1.1, section 5.1.6), in this host's byte order. <linux/virtio_net.h> is
// not C++.
struct VirtioHeader {
  static constexpr std::uint8_t needs_checksum = 1, checksum_valid = 2;
  static constexpr std::uint8_t no_segmentation = 0, tcp_ipv4 = 1, tcp_ipv6 = 4, ecn = 0x80;
  std::uint8_t flags = 0;
  std::uint8_t segmentation = no_segmentation;
  std::uint16_t header_size = 0;
  std::uint16_t segment_size = 0;
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
};
static_assert(sizeof(VirtioHeader) == 10);

constexpr unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

ifreq request_for(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

VirtioHeader describe(const Transmit& frame) {
  VirtioHeader header;
  if (frame.offload.checksum_offset != 0) {
    header.flags = VirtioHeader::needs_checksum;
    header.checksum_start = frame.offload.checksum_start;
    header.checksum_offset = frame.offload.checksum_offset;
  }
  if (frame.offload.segment_size != 0) {
    constexpr std::size_t tcp_flags_at = 13;
    constexpr Byte cwr = 0x80;
    header.segmentation = frame.header[12] == 0x08 ? VirtioHeader::tcp_ipv4 : VirtioHeader::tcp_ipv6;
    const std::size_t flags_at = frame.offload.checksum_start + tcp_flags_at;
    if (flags_at < frame.header.size() && (frame.header[flags_at] & cwr) != 0) header.segmentation |= VirtioHeader::ecn;
    header.header_size = static_cast<std::uint16_t>(frame.header.size());
    header.segment_size = frame.offload.segment_size;
  }
  return header;
}

// How many queues of the device are open, by whomever; nothing if that cannot be told.
std::optional<unsigned> queues_in_use(const std::string& name) {
  const Descriptor control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  ifreq request = request_for(name);
  request.ifr_data = reinterpret_cast<char*>(&channels);
  if (::ioctl(control.get(), SIOCETHTOOL, &request) != 0) return std::nullopt;
  return channels.combined_count;
}

}  // namespace

Result<Tap> Tap::open(const std::string& name) { return open_one(name, false); }

Result<std::vector<Tap>> Tap::open_queues(const std::string& name, unsigned n) {
  std::vector<Tap> taps;
  while (taps.size() < n) {
    auto tap = open_one(name, n > 1);
    if (!tap) return std::unexpected(tap.error());
    taps.push_back(std::move(*tap));
  }
  // The kernel gives a device of several queues to whoever asks.
  if (n > 1 && queues_in_use(name).value_or(n) != n) {
    return fail("cannot open the tap device '" + name +
                "': another process has queues of it; stop that or choose another name");
  }
  return taps;
}

Result<Tap> Tap::open_one(const std::string& name, bool of_several) {
  const std::string what = "cannot open the tap device '" + name + "': ";
  if (name.empty() || name.size() >= IFNAMSIZ || name.find('/') != std::string::npos) {
    return fail(what + "that is no name for one; use 1 to 15 letters and digits");
  }
  Descriptor device(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!device) {
    return fail(what + "/dev/net/tun: " + system_words(errno) + "; load the module tun and run with CAP_NET_ADMIN");
  }
  ifreq request = request_for(name);
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (of_several ? IFF_MULTI_QUEUE : 0));
  if (::ioctl(device.get(), TUNSETIFF, &request) != 0) {
    const char* remedy =
        errno == EBUSY ? "; another process has it open: stop that or choose another name"
        : errno == EINVAL && of_several
            ? "; an interface of another kind, or of one queue, has that name: choose another, or make "
              "it with `ip tuntap add NAME mode tap multi_queue`"
        : errno == EINVAL ? "; an interface of another kind, or of several queues, has that name: "
                            "choose another, or say queues=N"
                          : "; run with CAP_NET_ADMIN or let its owner be this user (ip tuntap)";
    return fail(what + system_words(errno) + remedy);
  }
  return set_up(std::move(device), name);
}

Result<Tap> Tap::adopt(Descriptor device) {
  ifreq request{};
  if (::ioctl(device.get(), TUNGETIFF, &request) != 0) {
    return fail("what was handed over is no tap device: " + system_words(errno) + "; start without --takeover");
  }
  return set_up(std::move(device), request.ifr_name);
}

Result<Tap> Tap::set_up(Descriptor device, std::string name) {
  int header_size = sizeof(VirtioHeader);
  if (::ioctl(device.get(), TUNSETVNETHDRSZ, &header_size) != 0 ||
      ::ioctl(device.get(), TUNSETOFFLOAD, offloads) != 0) {
    return fail("cannot set up the tap device '" + name + "': " + system_words(errno) + "; use a newer Linux");
  }
  Tap tap(std::move(device), std::move(name));
  tap.control_ = Descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  tap.link_news_ = Descriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
  sockaddr_nl news{};
  news.nl_family = AF_NETLINK;
  news.nl_groups = RTMGRP_LINK;
  if (!tap.control_ || !tap.link_news_ ||
      ::bind(tap.link_news_.get(), reinterpret_cast<const sockaddr*>(&news), sizeof news) != 0) {
    return fail("cannot watch the tap device '" + tap.name_ + "': " + system_words(errno) +
                "; raise the limit of descriptors (ulimit -n)");
  }
  return tap;
}

Tap::Read Tap::read(MutableBytes room, FrameReceived& received) {
  VirtioHeader header;
  const iovec pieces[] = {{&header, sizeof header}, {room.data(), room.size()}};
  for (;;) {
    const ssize_t n = ::readv(device_.get(), pieces, 2);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EBADFD ? Read::gone : Read::nothing;
    const auto size = static_cast<std::size_t>(n);
    if (size <= sizeof header) continue;
    received.frame = room.first(size - sizeof header);
    received.offload.checksum_good =
        (header.flags & (VirtioHeader::needs_checksum | VirtioHeader::checksum_valid)) != 0;
    received.offload.segment_size = header.segmentation != VirtioHeader::no_segmentation ? header.segment_size : 0;
    return Read::frame;
  }
}

bool Tap::write(const Transmit& frame) {
  VirtioHeader header = describe(frame);
  iovec pieces[2 + Transmit::most_pieces] = {{&header, sizeof header}};
  int n = 1;
  const auto add = [&](Bytes bytes) { pieces[n++] = {const_cast<Byte*>(bytes.data()), bytes.size()}; };
  add(frame.header);
  for (const Bytes& piece : frame.payload) add(piece);
  ssize_t written;
  do {
    written = ::writev(device_.get(), pieces, n);
  } while (written < 0 && errno == EINTR);
  return written >= 0;
}

bool Tap::is_up() const {
  ifreq request = request_for(name_);
  return ::ioctl(control_.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

bool Tap::link_changed() {
  Byte message[8192];
  bool any = false;
  // What overflowed is news, too.
  while (::recv(link_news_.get(), message, sizeof message, 0) >= 0 || errno == ENOBUFS) any = true;
  return any;
}

std::uint16_t tap_mtu(const std::string& tap_name) {
  const Descriptor control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request = request_for(tap_name);
  if (::ioctl(control.get(), SIOCGIFMTU, &request) != 0) return 1500;
  return static_cast<std::uint16_t>(std::clamp(request.ifr_mtu, 576, 65535 - 14));
}

tcpip::MacAddress mac_address_for(const std::string& tap_name) {
  std::string host;
  std::ifstream("/etc/machine-id") >> host;
  const auto digest = crypto::hash(crypto::HashAlgorithm::sha256, as_bytes(host + " " + tap_name), {});
  tcpip::MacAddress mac;
  copy(Bytes(digest.bytes()).first(6), mac.octets);
  mac.octets[0] =
      static_cast<Byte>((mac.octets[0] & 0xfc) | 2);  // one station's, given locally (IEEE 802, section 8.2)
  return mac;
}

}  // namespace limpid::effects
