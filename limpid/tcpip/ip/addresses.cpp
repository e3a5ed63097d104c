#include "limpid/tcpip/ip/addresses.hpp"

#include <bit>

#include "limpid/core/reader.hpp"
#include "limpid/core/writer.hpp"
#include "limpid/crypto/keyed_hash.hpp"

namespace limpid::tcpip::ip {
namespace {

// RFC 6724, section 3.1; unicast only, except that a group's scope is in it.
unsigned scope(const IpAddress& address) {
  constexpr unsigned link_local = 2, global = 14;
  if (address.is_ipv4()) return address.is_link_local() || address.is_loopback() ? link_local : global;
  if (address.is_multicast()) return address.octets[1] & 15u;
  return address.is_link_local() || address.is_loopback() ? link_local : global;
}

// RFC 6724, section 2.1: the label of the default policy table.
unsigned label(const IpAddress& address) {
  const auto& o = address.octets;
  if (address.is_ipv4()) return 4;
  if (address.is_loopback()) return 0;
  if ((o[0] & 0xfe) == 0xfc) return 13;
  if (o[0] == 0x20 && o[1] == 0x02) return 2;
  if (o[0] == 0x20 && o[1] == 0x01 && o[2] == 0 && o[3] == 0) return 5;
  if (o[0] == 0x3f && o[1] == 0xfe) return 12;
  if (o[0] == 0xfe && (o[1] & 0xc0) == 0xc0) return 11;
  if (Bytes(o).first(12) == Bytes(IpAddress{}.octets).first(12)) return 3;
  return 1;
}

constexpr Instant never{INT64_MAX};

// RFC 5453: identifiers that mean something else.
bool is_reserved_identifier(std::uint64_t identifier) {
  return identifier == 0 || (identifier >= 0xfdffffffffffff80 && identifier <= 0xfdffffffffffffff) ||
         identifier >> 24 == 0x02005efffe;
}

}  // namespace

LocalAddress* AddressList::add(const Limits& limits, LocalAddress address, DropCounts& drops) {
  if (list_.size() >= limits.addresses) {
    drops.add(Drop::prefix_limit);
    return nullptr;
  }
  if (!list_.push_back(std::move(address))) {
    drops.add(Drop::no_memory);
    return nullptr;
  }
  return &list_.back();
}

LocalAddress* AddressList::find(const IpAddress& address) {
  for (LocalAddress& local : list_) {
    if (local.cidr.address == address) return &local;
  }
  return nullptr;
}

const LocalAddress* AddressList::find(const IpAddress& address) const {
  return const_cast<AddressList*>(this)->find(address);
}

void AddressList::erase(LocalAddress& address) {
  std::move(&address + 1, list_.end(), &address);
  list_.truncate(list_.size() - 1);
}

bool AddressList::is_directed_broadcast(const IpAddress& address) const {
  if (!address.is_ipv4()) return false;
  return std::any_of(begin(), end(), [&](const LocalAddress& local) { return local.cidr.broadcast() == address; });
}

bool AddressList::in_solicited_node_group(const IpAddress& group) const {
  return std::any_of(begin(), end(), [&](const LocalAddress& local) {
    return !local.address().is_ipv4() && solicited_node_group(local.address()) == group;
  });
}

const LocalAddress* AddressList::source_for(const IpAddress& destination, const IpAddress& next_hop,
                                            Instant now) const {
  // Whether `a` comes before `b`; the first of equals stays.
  const auto better = [&](const LocalAddress& a, const LocalAddress& b) {
    if ((a.address() == destination) != (b.address() == destination)) return a.address() == destination;
    if (destination.is_ipv4()) {
      // RFC 1122, section 3.3.4.3: of the network through which the packet goes.
      const bool near = a.cidr.contains(next_hop), other_near = b.cidr.contains(next_hop);
      if (near != other_near) return near;
    }
    const unsigned wanted = scope(destination), of_a = scope(a.address()), of_b = scope(b.address());
    if (of_a < of_b) return of_a >= wanted;
    if (of_b < of_a) return of_b < wanted;
    if (a.deprecated(now) != b.deprecated(now)) return b.deprecated(now);
    // RFC 4429, section 3.3: optimistic ones are as if deprecated.
    if (a.state != b.state) return a.state == AddressState::ready;
    const bool same_label = label(a.address()) == label(destination);
    if (same_label != (label(b.address()) == label(destination))) return same_label;
    const auto shared = [&](const LocalAddress& local) {
      const std::size_t prefix = local.cidr.prefix_bits + (local.address().is_ipv4() ? 96u : 0u);
      return std::min(common_bits(local.address(), destination), prefix);
    };
    return shared(a) > shared(b);
  };
  const LocalAddress* best = nullptr;
  for (const LocalAddress& local : list_) {
    if (!local.usable() || local.address().is_ipv4() != destination.is_ipv4()) continue;
    if (best == nullptr || better(local, *best)) best = &local;
  }
  return best;
}

const LocalAddress* AddressList::ready_near(const IpAddress& neighbour, const IpAddress& preferred) const {
  const LocalAddress* best = nullptr;
  for (const LocalAddress& local : list_) {
    if (local.state != AddressState::ready || local.address().is_ipv4() != neighbour.is_ipv4()) continue;
    // "If the source address of the packet prompting the solicitation is the same as one of the addresses assigned to
    // the outgoing interface, that address SHOULD be placed in the IP Source Address of the outgoing solicitation."
    if (local.address() == preferred) return &local;
    if (best == nullptr || (!best->cidr.contains(neighbour) && local.cidr.contains(neighbour))) best = &local;
  }
  return best;
}

const LocalAddress* AddressList::link_local() const {
  const auto found = std::find_if(begin(), end(), [](const LocalAddress& local) {
    return local.usable() && !local.address().is_ipv4() && local.address().is_link_local();
  });
  return found == end() ? nullptr : found;
}

std::optional<Instant> AddressList::deadline() const {
  Instant soonest = never;
  for (const LocalAddress& local : list_) {
    soonest = std::min({soonest, local.next.value_or(never), local.valid_until.value_or(never)});
  }
  return soonest == never ? std::nullopt : std::optional(soonest);
}

bool AddressList::has_news() const {
  return std::any_of(begin(), end(), [](const LocalAddress& local) {
    return local.state == AddressState::lost || (local.usable() && !local.told);
  });
}

void AddressList::follow() {
  for (std::size_t i = list_.size(); i-- > 0;) {
    LocalAddress& local = list_[i];
    if (!local.usable()) {
      erase(local);
      continue;
    }
    local.state = AddressState::ready;
    local.told = true;
    local.probes = local.announcements = 0;
    local.next.reset();
    local.valid_until.reset();
  }
}

bool AddressList::restored(const LoadContext&) const {
  for (const LocalAddress& local : list_) {
    // What waits must have something to wait for.
    if (local.undecided() && !local.next) return false;
    if (std::count_if(begin(), end(), [&](const LocalAddress& l) { return l.address() == local.address(); }) != 1) {
      return false;
    }
  }
  return true;
}

std::size_t common_bits(const IpAddress& a, const IpAddress& b) {
  for (std::size_t i = 0; i < a.octets.size(); ++i) {
    const auto differing = static_cast<Byte>(a.octets[i] ^ b.octets[i]);
    if (differing != 0) return i * 8 + static_cast<std::size_t>(std::countl_zero(differing));
  }
  return 8 * a.octets.size();
}

IpAddress solicited_node_group(const IpAddress& address) {
  IpAddress group{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}};
  std::copy(address.octets.begin() + 13, address.octets.end(), group.octets.begin() + 13);
  return group;
}

IpAddress stable_private_address(std::span<const Byte, 16> secret, const IpAddress& prefix, const MacAddress& mac,
                                 std::uint8_t attempt) {
  const crypto::HashTableKey key(secret);
  IpAddress address = prefix;
  std::uint64_t identifier = 0;
  // "If the resulting Interface Identifier is not acceptable, the DAD_Counter should be incremented"; ten attempts more
  // than duplicates may take, and no two of them the same.
  for (std::uint8_t again = 0; again < 10 && is_reserved_identifier(identifier); ++again) {
    Byte message[8 + 6 + 2];
    Writer out{MutableBytes(message)};
    out.bytes(Bytes(prefix.octets).first(8));
    out.bytes(mac.octets);
    out.u8(attempt);
    out.u8(again);
    identifier = crypto::keyed_hash(key, message);
  }
  Writer(MutableBytes(address.octets).last(8)).u64(identifier);
  return address;
}

}  // namespace limpid::tcpip::ip
