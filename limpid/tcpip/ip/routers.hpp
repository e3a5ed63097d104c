// Where packets go first: routers and prefixes, configured or advertised (RFC 4861, section 6.3).
#pragma once

#include <optional>

#include "limpid/tcpip/ip/addresses.hpp"
#include "limpid/tcpip/wire/ndp.hpp"

namespace limpid::tcpip::ip {

struct Router {
  IpAddress address;
  Instant until{};
  std::uint8_t preference = 1;  // RFC 4191: 0 low, 1 medium, 2 high
  bool suspect = false;         // it did not answer when it was last asked
  static void fields(auto& self, auto&& visit) { visit(self.address, self.until, self.preference, self.suspect); }
};

struct OnLinkPrefix {
  Cidr prefix;
  std::optional<Instant> until{};  // none: for ever
  static void fields(auto& self, auto&& visit) { visit(self.prefix, self.until); }
};

class RouterList {
 public:
  RouterList() = default;
  explicit RouterList(Budget& budget) : routers_(budget), prefixes_(budget) {}

  void configure(bool ipv6, std::optional<IpAddress> gateway) { (ipv6 ? gateway6_ : gateway4_) = gateway; }

  // What an advertisement says about its sender. True if that is a router which was not known.
  bool heard(Instant now, const Limits& limits, const IpAddress& router, const wire::RouterAdvertisement& said,
             DropCounts& drops);
  // RFC 4861, section 6.3.4.
  void heard_prefix(Instant now, const Limits& limits, const wire::PrefixInformation& said, DropCounts& drops);
  // RFC 4861, section 6.3.6: it did not answer, or says that it is no router any more.
  void suspect(const IpAddress& router);
  void trusted(const IpAddress& router);
  void remove(const IpAddress& router);
  bool is_router(const IpAddress& address) const;

  // The neighbour to which packets for `destination` are handed: itself, if the longest prefix that holds it is the
  // link's, or a router. Multicast and broadcast are on the link.
  std::optional<IpAddress> next_hop(const AddressList& addresses, const IpAddress& destination) const;

  void expire(Instant now);
  std::optional<Instant> deadline() const;

  std::optional<std::uint16_t> mtu{};       // advertised: IPv6's on this link
  std::optional<std::uint8_t> hop_limit{};  // advertised

  std::size_t size() const { return routers_.size(); }
  std::size_t prefixes() const { return prefixes_.size(); }

  static void fields(auto& self, auto&& visit) {
    visit(self.mtu, self.hop_limit, self.gateway4_, self.gateway6_, self.routers_, self.prefixes_);
  }
  bool restored(const LoadContext&) const { return !mtu || *mtu >= 1280; }

 private:
  Router* find(const IpAddress& address);

  std::optional<IpAddress> gateway4_, gateway6_;
  Vec<Router> routers_;
  Vec<OnLinkPrefix> prefixes_;
};

// A lifetime of an advertisement, as an instant; none if it is infinite.
std::optional<Instant> lifetime_end(Instant now, std::uint32_t lifetime_seconds);

}  // namespace limpid::tcpip::ip
