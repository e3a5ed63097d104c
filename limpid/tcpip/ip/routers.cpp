#include "limpid/tcpip/ip/routers.hpp"

namespace limpid::tcpip::ip {
namespace {

template <class T>
void erase(Vec<T>& list, T* at) {
  std::move(at + 1, list.end(), at);
  list.truncate(list.size() - 1);
}

std::uint8_t rank(wire::RouterAdvertisement::Preference preference) {
  switch (preference) {
    case wire::RouterAdvertisement::Preference::high:
      return 2;
    case wire::RouterAdvertisement::Preference::medium:
      return 1;
    case wire::RouterAdvertisement::Preference::low:
      return 0;
  }
  return 1;
}

constexpr Cidr link_local_ipv4{IpAddress::v4({169, 254, 0, 0}), 16};

}  // namespace

bool RouterList::heard(Instant now, const Limits& limits, const IpAddress& router,
                       const wire::RouterAdvertisement& said, DropCounts& drops) {
  // Not lower than what the Internet's width asks for: a tiny one would cut us off (CVE-2015-2922).
  constexpr std::uint8_t least_hop_limit = 32;
  if (said.current_hop_limit >= least_hop_limit) hop_limit = said.current_hop_limit;
  if (said.router_lifetime == 0) {
    // "If the received Router Lifetime value is zero, the router is immediately timed out"
    remove(router);
    return false;
  }
  const Instant until = now + seconds(said.router_lifetime);
  if (Router* const known = find(router)) {
    known->until = until;
    known->preference = rank(said.preference);
    return false;
  }
  if (routers_.size() >= limits.routers) {
    // One that does not answer makes room: else a few that were made up would keep the real one out.
    Router* const silent = std::find_if(routers_.begin(), routers_.end(), [](const Router& r) { return r.suspect; });
    if (silent == routers_.end()) {
      drops.add(Drop::router_limit);
      return false;
    }
    erase(routers_, silent);
  }
  if (!routers_.push_back({router, until, rank(said.preference)})) {
    drops.add(Drop::no_memory);
    return false;
  }
  return true;
}

void RouterList::heard_prefix(Instant now, const Limits& limits, const wire::PrefixInformation& said,
                              DropCounts& drops) {
  // "A prefix information option with the on-link flag set to zero conveys no information concerning on-link
  // determination"; "A router SHOULD NOT send a prefix option for the link-local prefix and a host SHOULD ignore such".
  if (!said.on_link || said.prefix.is_link_local() || said.prefix.is_multicast()) return;
  const auto at = std::find_if(prefixes_.begin(), prefixes_.end(), [&](const OnLinkPrefix& known) {
    return known.prefix.prefix_bits == said.prefix_bits && known.prefix.contains(said.prefix);
  });
  if (said.valid_lifetime == 0) {
    if (at != prefixes_.end()) erase(prefixes_, at);
    return;
  }
  const auto until = lifetime_end(now, said.valid_lifetime);
  if (at != prefixes_.end()) {
    at->until = until;
  } else if (prefixes_.size() >= limits.prefixes) {
    drops.add(Drop::prefix_limit);
  } else if (!prefixes_.push_back({{said.prefix, said.prefix_bits}, until})) {
    drops.add(Drop::no_memory);
  }
}

void RouterList::suspect(const IpAddress& router) {
  if (Router* const known = find(router)) known->suspect = true;
}

void RouterList::trusted(const IpAddress& router) {
  if (Router* const known = find(router)) known->suspect = false;
}

void RouterList::remove(const IpAddress& router) {
  if (Router* const known = find(router)) erase(routers_, known);
}

bool RouterList::is_router(const IpAddress& address) const {
  return address == gateway4_ || address == gateway6_ || const_cast<RouterList*>(this)->find(address) != nullptr;
}

std::optional<IpAddress> RouterList::next_hop(const AddressList& addresses, const IpAddress& destination) const {
  if (destination.is_multicast() || destination.is_limited_broadcast()) return destination;
  // A prefix that holds it is longer than the default route's, and all of them lead to the same link.
  for (const LocalAddress& local : addresses) {
    // "the host MUST NOT assume [...] that the prefix is on-link" of an autoconfigured address (RFC 5942, section 4).
    if (local.origin == AddressOrigin::autoconfigured || !local.usable()) continue;
    if (local.cidr.contains(destination)) return destination;
  }
  if (destination.is_link_local() && !destination.is_ipv4()) return destination;
  if (link_local_ipv4.contains(destination)) return destination;
  for (const OnLinkPrefix& known : prefixes_) {
    if (known.prefix.contains(destination)) return destination;
  }
  if (destination.is_ipv4()) return gateway4_;
  if (gateway6_) return gateway6_;
  // Section 6.3.6: those that answer first, then by preference, then whoever was heard of first.
  const auto better = [](const Router& a, const Router& b) {
    return a.suspect != b.suspect ? !a.suspect : a.preference > b.preference;
  };
  const auto best = std::min_element(routers_.begin(), routers_.end(), better);
  return best == routers_.end() ? std::nullopt : std::optional(best->address);
}

void RouterList::expire(Instant now) {
  for (std::size_t i = routers_.size(); i-- > 0;) {
    if (routers_[i].until <= now) erase(routers_, &routers_[i]);
  }
  for (std::size_t i = prefixes_.size(); i-- > 0;) {
    if (prefixes_[i].until && *prefixes_[i].until <= now) erase(prefixes_, &prefixes_[i]);
  }
}

std::optional<Instant> RouterList::deadline() const {
  std::optional<Instant> soonest;
  const auto wake = [&](Instant at) { soonest = soonest ? std::min(*soonest, at) : at; };
  for (const Router& router : routers_) wake(router.until);
  for (const OnLinkPrefix& prefix : prefixes_) {
    if (prefix.until) wake(*prefix.until);
  }
  return soonest;
}

Router* RouterList::find(const IpAddress& address) {
  const auto at = std::find_if(routers_.begin(), routers_.end(), [&](const Router& r) { return r.address == address; });
  return at == routers_.end() ? nullptr : at;
}

std::optional<Instant> lifetime_end(Instant now, std::uint32_t lifetime_seconds) {
  constexpr std::uint32_t infinity = 0xffffffff;
  return lifetime_seconds == infinity ? std::nullopt : std::optional(now + seconds(lifetime_seconds));
}

}  // namespace limpid::tcpip::ip
