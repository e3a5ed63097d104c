#include "limpid/tcpip/ip/neighbours.hpp"

#include "limpid/tcpip/wire/ethernet.hpp"

namespace limpid::tcpip::ip {
namespace {

bool has_timer(Reachability state) {
  return state == Reachability::incomplete || state == Reachability::delay || state == Reachability::probe;
}

void drop_pending_of(Neighbour& neighbour, DropCounts& drops) {
  for (std::size_t i = 0; i < neighbour.pending.size(); ++i) drops.add(Drop::neighbour_unreachable);
  neighbour.pending.clear();
}

}  // namespace

bool PendingFrame::restored(const LoadContext&) const {
  return frame.size() >= wire::EthernetHeader::size && frame.size() <= most_bytes;
}

const MacAddress* NeighbourCache::use(Instant now, const IpAddress& address) {
  Neighbour* const neighbour = entries_.find(address);
  if (neighbour == nullptr || neighbour->state == Reachability::incomplete) return nullptr;
  neighbour->used = true;
  neighbour->last_used = now;
  const bool expired = neighbour->state == Reachability::reachable && neighbour->deadline <= now;
  // "The first time a node sends a packet to a neighbor whose entry is STALE, the sender changes the state to DELAY"
  if (expired || neighbour->state == Reachability::stale) {
    enter(*neighbour, Reachability::delay, now + delay_first_probe_time);
  }
  return &neighbour->mac;
}

Neighbour* NeighbourCache::look_for(Instant now, const Limits& limits, const IpAddress& address,
                                    const IpAddress& asking, bool router, DropCounts& drops) {
  if (Neighbour* const known = entries_.find(address)) return known;
  const auto incomplete = std::count_if(entries_.begin(), entries_.end(),
                                        [](const Neighbour& n) { return n.state == Reachability::incomplete; });
  if (incomplete >= limits.unresolved && !router) {
    drops.add(Drop::neighbour_limit);
    return nullptr;
  }
  Neighbour* const added = add(now, limits, address, true, drops);
  if (added == nullptr) return nullptr;
  added->used = true;
  added->asking = asking;
  enter(*added, Reachability::incomplete, now);
  return added;
}

bool NeighbourCache::learn(Instant now, const Limits& limits, const NeighbourClaim& claim, DropCounts& drops) {
  Neighbour* neighbour = entries_.find(claim.address);
  if (neighbour == nullptr) {
    // "If no entry exists, the advertisement SHOULD be silently discarded."
    if (!claim.create) {
      drops.add(claim.address.is_ipv4() ? Drop::arp_unsolicited : Drop::ndp_unsolicited);
      return false;
    }
    neighbour = add(now, limits, claim.address, false, drops);
    if (neighbour == nullptr) return false;
    neighbour->mac = claim.mac;
    enter(*neighbour, Reachability::stale, now);
    return false;
  }
  if (neighbour->state == Reachability::incomplete) {
    neighbour->mac = claim.mac;
    enter(*neighbour, claim.solicited ? Reachability::reachable : Reachability::stale, now + reachable_time_);
    ready_frames_ = true;
    tell_askers(*neighbour);
    return true;
  }
  if (neighbour->mac == claim.mac) {
    if (claim.solicited) {
      enter(*neighbour, Reachability::reachable, now + reachable_time_);
      tell_askers(*neighbour);
    }
    return false;
  }
  // RFC 4861, section 7.2.5 would take a new address that says so. Here, whoever answered not long ago is asked first.
  if (known(*neighbour, now)) {
    drops.add(Drop::neighbour_locked);
    if (neighbour->state != Reachability::probe) {
      // RFC 1122, section 2.3.2.1: no more than one question a second.
      const Instant again = neighbour->asked ? *neighbour->asked + retransmit_time(claim.address) : now;
      enter(*neighbour, Reachability::probe, std::max(now, again));
    }
    return false;
  }
  if (!claim.override) return false;
  neighbour->mac = claim.mac;
  enter(*neighbour, Reachability::stale, now);
  tell_askers(*neighbour);
  return false;
}

void NeighbourCache::confirm(Instant now, const IpAddress& address) {
  Neighbour* const neighbour = entries_.find(address);
  if (neighbour == nullptr || neighbour->state == Reachability::incomplete) return;
  enter(*neighbour, Reachability::reachable, now + reachable_time_);
}

bool NeighbourCache::confirmed_lately(Instant now, const IpAddress& address) const {
  const Neighbour* const neighbour = entries_.find(address);
  return neighbour != nullptr && neighbour->state == Reachability::reachable &&
         neighbour->deadline > now + Duration{reachable_time_.microseconds / 3 * 2};
}

void NeighbourCache::wanted(Instant now, Neighbour& neighbour, std::uint8_t queue, bool verify) {
  neighbour.used = true;
  neighbour.last_used = now;
  neighbour.askers |= std::uint64_t{1} << queue;
  neighbour.untold |= std::uint64_t{1} << queue;
  untold_ = true;
  const bool settled = neighbour.state == Reachability::reachable || neighbour.state == Reachability::stale;
  if (verify && settled && !is_verified(now, neighbour)) enter(neighbour, Reachability::probe, now);
}

bool NeighbourCache::is_verified(Instant now, const Neighbour& neighbour) const {
  return neighbour.state == Reachability::reachable && neighbour.deadline > now;
}

void NeighbourCache::tell_askers(Neighbour& neighbour) {
  neighbour.untold = neighbour.askers;
  untold_ = untold_ || neighbour.untold != 0;
}

Neighbour* NeighbourCache::with_untold() {
  for (Neighbour& neighbour : entries_) {
    if (neighbour.untold != 0 && neighbour.state != Reachability::incomplete) return &neighbour;
  }
  untold_ = false;
  return nullptr;
}

void NeighbourCache::told(Instant now, const IpAddress& address, const MacAddress& mac, bool verified) {
  Neighbour* const neighbour = entries_.find(address);
  if (neighbour == nullptr) return;
  const bool looked_for = neighbour->state == Reachability::incomplete;
  const bool moved = neighbour->state == Reachability::reachable && neighbour->mac != mac;
  neighbour->mac = mac;
  if (verified) {
    enter(*neighbour, Reachability::reachable, now + reachable_time_);
  } else if (looked_for || moved) {
    enter(*neighbour, Reachability::stale, now);
  }
  if (looked_for) ready_frames_ = true;
}

Neighbour* NeighbourCache::due(Instant now) {
  if (!alarm_ || *alarm_ > now) return nullptr;
  alarm_.reset();
  Neighbour* due = nullptr;
  for (Neighbour& neighbour : entries_) {
    if (!has_timer(neighbour.state)) continue;
    wake(neighbour.deadline);
    if (neighbour.deadline <= now && due == nullptr) due = &neighbour;
  }
  if (due != nullptr && due->state == Reachability::delay) enter(*due, Reachability::probe, now);
  return due;
}

void NeighbourCache::asked(Instant now, Neighbour& neighbour) {
  ++neighbour.solicitations;
  neighbour.asked = now;
  neighbour.deadline = now + retransmit_time(neighbour.address);
}

void NeighbourCache::forget(Neighbour& neighbour, DropCounts& drops) {
  drop_pending_of(neighbour, drops);
  entries_.erase(&neighbour);
}

void NeighbourCache::drop_pending(DropCounts& drops) {
  for (Neighbour& neighbour : entries_) drop_pending_of(neighbour, drops);
}

Neighbour* NeighbourCache::with_pending() {
  for (Neighbour& neighbour : entries_) {
    if (!neighbour.pending.empty() && neighbour.state != Reachability::incomplete) return &neighbour;
  }
  ready_frames_ = false;
  return nullptr;
}

void NeighbourCache::set_times(std::uint32_t reachable_ms, std::uint32_t retransmit_ms) {
  // RFC 4861, section 6.2.1: AdvReachableTime "MUST be no greater than 3,600,000 milliseconds".
  if (reachable_ms != 0) reachable_time_ = milliseconds(std::clamp(reachable_ms, 1'000u, 3'600'000u));
  if (retransmit_ms != 0) retransmit_time_ = milliseconds(std::clamp(retransmit_ms, 500u, 10'000u));
}

bool NeighbourCache::restored(const LoadContext&) {
  if (reachable_time_ < seconds(1) || retransmit_time_ < milliseconds(500)) return false;
  for (const Neighbour& neighbour : entries_) {
    if (neighbour.solicitations > max_solicitations) return false;
    if (has_timer(neighbour.state)) wake(neighbour.deadline);
    if (!neighbour.pending.empty() && neighbour.state != Reachability::incomplete) ready_frames_ = true;
    if ((neighbour.untold & ~neighbour.askers) != 0) return false;
    if (neighbour.untold != 0 && neighbour.state != Reachability::incomplete) untold_ = true;
  }
  return true;
}

// Makes room if there is none: first for it go those that nothing was ever sent to, then those unverified for longest.
// Only who wants to send may displace one that is verified or looked for.
Neighbour* NeighbourCache::add(Instant now, const Limits& limits, const IpAddress& address, bool wanted,
                               DropCounts& drops) {
  const auto rank = [now, this](const Neighbour& n) {
    if (!n.used) return 0;
    return known(n, now) || n.state == Reachability::incomplete ? 2 : 1;
  };
  if (entries_.size() >= limits.neighbours) {
    Neighbour* const victim =
        std::min_element(entries_.begin(), entries_.end(), [&](const Neighbour& a, const Neighbour& b) {
          return rank(a) != rank(b) ? rank(a) < rank(b) : a.last_used < b.last_used;
        });
    if (victim == entries_.end() || (!wanted && rank(*victim) == 2)) {
      drops.add(Drop::neighbour_limit);
      return nullptr;
    }
    forget(*victim, drops);
  }
  Neighbour neighbour;
  neighbour.address = address;
  neighbour.last_used = now;
  if (entries_.budget() != nullptr) neighbour.pending = Vec<PendingFrame>(*entries_.budget());
  Neighbour* const added = entries_.insert(std::move(neighbour));
  if (added == nullptr) drops.add(Drop::no_memory);
  return added;
}

void NeighbourCache::enter(Neighbour& neighbour, Reachability state, Instant deadline) {
  neighbour.state = state;
  neighbour.solicitations = 0;
  neighbour.deadline = deadline;
  if (has_timer(state)) wake(deadline);
}

bool NeighbourCache::known(const Neighbour& neighbour, Instant now) const {
  switch (neighbour.state) {
    case Reachability::reachable:
      return neighbour.deadline > now;
    case Reachability::delay:
    case Reachability::probe:
      return true;
    case Reachability::incomplete:
    case Reachability::stale:
      return false;
  }
  return false;
}

}  // namespace limpid::tcpip::ip
