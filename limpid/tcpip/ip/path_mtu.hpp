// Destinations whose path is narrower than the link (RFC 1191, RFC 8201).
#pragma once

#include "limpid/tcpip/ip/config.hpp"
#include "limpid/tcpip/ip/sorted_table.hpp"

namespace limpid::tcpip::ip {

struct PathMtu {
  IpAddress destination;
  std::uint16_t mtu = 0;
  Instant until{};
  const IpAddress& key() const { return destination; }
  static void fields(auto& self, auto&& visit) { visit(self.destination, self.mtu, self.until); }
  bool restored(const LoadContext&) const { return mtu >= least(destination); }

  // "A node MUST NOT reduce its estimate of the Path MTU below the IPv6 minimum link MTU" (RFC 8201, section 4). IPv4
  // has no such bound but 68; this is what is left of 576 with room for options, and no smaller link was seen for long.
  static constexpr std::uint16_t least(const IpAddress& destination) {
    return destination.is_ipv4() ? std::uint16_t{552} : std::uint16_t{1280};
  }
};

class PathMtuCache {
 public:
  static constexpr Duration lifetime = seconds(600);  // RFC 8201, section 5.3

  PathMtuCache() = default;
  explicit PathMtuCache(Budget& budget) : entries_(budget) {}

  std::uint16_t of(const IpAddress& destination, std::uint16_t link_mtu, Instant now) const {
    if (entries_.empty()) return link_mtu;
    const PathMtu* const known = entries_.find(destination);
    return known != nullptr && known->until > now ? std::min(known->mtu, link_mtu) : link_mtu;
  }

  // Only ever less than before. False if it is not, or the budget refuses.
  bool narrow(const Limits& limits, Instant now, const IpAddress& destination, std::uint16_t mtu,
              std::uint16_t link_mtu) {
    const std::uint16_t least = PathMtu::least(destination);
    if (mtu < least) {
      // RFC 8201, section 4: "it MUST discard it". In IPv4 a narrower link exists; no packet of ours goes through it
      // smaller than this.
      if (!destination.is_ipv4()) return false;
      mtu = least;
    }
    if (mtu >= of(destination, link_mtu, now)) return false;
    if (PathMtu* const known = entries_.find(destination)) {
      *known = {destination, mtu, now + lifetime};
      return true;
    }
    if (entries_.size() >= limits.path_mtus) {
      PathMtu* const oldest = std::min_element(entries_.begin(), entries_.end(),
                                               [](const PathMtu& a, const PathMtu& b) { return a.until < b.until; });
      if (oldest == entries_.end()) return false;
      entries_.erase(oldest);
    }
    return entries_.insert({destination, mtu, now + lifetime}) != nullptr;
  }

  std::size_t size() const { return entries_.size(); }
  static void fields(auto& self, auto&& visit) { visit(self.entries_); }

 private:
  SortedTable<PathMtu> entries_;
};

}  // namespace limpid::tcpip::ip
