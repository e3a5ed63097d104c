// The addresses of one interface: which are being looked for elsewhere (RFC 4862 and 5227), which may be used, which to
// send from.
#pragma once

#include <optional>

#include "limpid/crypto/generator.hpp"
#include "limpid/tcpip/ip/config.hpp"
#include "limpid/tcpip/ip/drop.hpp"
#include "limpid/tcpip/ip/vocabulary.hpp"

namespace limpid::tcpip::ip {

enum class AddressState : std::uint8_t {
  tentative,   // it may be somebody else's: nothing is sent from it, nothing to it is taken
  optimistic,  // RFC 4429: so may this one, but it is used, without telling anybody to remember it
  ready,
  lost,  // to be reported and forgotten
};
constexpr bool is_valid(AddressState state) { return state <= AddressState::lost; }

enum class AddressOrigin : std::uint8_t {
  configured,
  learned,         // by AddAddress: whoever gave it can give another one
  autoconfigured,  // RFC 4862, section 5.5
  link_local,
};
constexpr bool is_valid(AddressOrigin origin) { return origin <= AddressOrigin::link_local; }

struct LocalAddress {
  Cidr cidr;
  AddressOrigin origin = AddressOrigin::configured;
  AddressState state = AddressState::tentative;
  LostBecause why = LostBecause::duplicate;  // if lost
  bool told = false;                         // AddressReady was pushed
  std::uint8_t probes = 0;                   // still to be sent while it may be somebody else's
  std::uint8_t announcements = 0;            // still to be sent when it is ours
  std::uint8_t attempt = 0;                  // RFC 7217's DAD_Counter
  std::optional<Instant> next{};             // the next probe, announcement, or the end of the wait for objections
  std::optional<Instant> valid_until{};      // none: for ever
  std::optional<Instant> preferred_until{};  // afterwards it is deprecated; none: never
  std::optional<Instant> defended{};         // when somebody else's use of it was last answered

  const IpAddress& address() const { return cidr.address; }
  bool usable() const { return state == AddressState::ready || state == AddressState::optimistic; }
  bool undecided() const { return state == AddressState::tentative || state == AddressState::optimistic; }
  bool deprecated(Instant now) const { return preferred_until && *preferred_until <= now; }
  static void fields(auto& self, auto&& visit) {
    visit(self.cidr, self.origin, self.state, self.why, self.told, self.probes, self.announcements, self.attempt,
          self.next, self.valid_until, self.preferred_until, self.defended);
  }
};

class AddressList {
 public:
  AddressList() = default;
  explicit AddressList(Budget& budget) : list_(budget) {}

  // Null if it is full (`prefix_limit`) or the budget refuses (`no_memory`). It must not be there yet.
  LocalAddress* add(const Limits& limits, LocalAddress address, DropCounts& drops);
  LocalAddress* find(const IpAddress& address);
  const LocalAddress* find(const IpAddress& address) const;
  const LocalAddress* usable(const IpAddress& address) const {
    const LocalAddress* const found = find(address);
    return found != nullptr && found->usable() ? found : nullptr;
  }
  void erase(LocalAddress& address);

  // IPv4's directed broadcast address of one of our prefixes.
  bool is_directed_broadcast(const IpAddress& address) const;
  // It belongs to the solicited-node group (RFC 4291, section 2.7.1) of an address that is ours or may become so.
  bool in_solicited_node_group(const IpAddress& group) const;

  // RFC 6724, section 5: rules 1, 2, 3, 6 and 8. The others tell interfaces, mobility and temporary addresses apart.
  const LocalAddress* source_for(const IpAddress& destination, const IpAddress& next_hop, Instant now) const;
  // One to ask neighbours from: RFC 4429 forbids an optimistic one.
  const LocalAddress* ready_near(const IpAddress& neighbour, const IpAddress& preferred) const;
  const LocalAddress* link_local() const;  // usable

  std::optional<Instant> deadline() const;
  bool has_news() const;  // something to tell: ready or lost

  // Somebody else looks after them: keeps those that may be used, as they are until he says otherwise.
  void follow();

  LocalAddress* begin() { return list_.begin(); }
  LocalAddress* end() { return list_.end(); }
  const LocalAddress* begin() const { return list_.begin(); }
  const LocalAddress* end() const { return list_.end(); }
  std::size_t size() const { return list_.size(); }

  static void fields(auto& self, auto&& visit) { visit(self.list_); }
  bool restored(const LoadContext&) const;

 private:
  Vec<LocalAddress> list_;
};

// How many leading bits two addresses share.
std::size_t common_bits(const IpAddress& a, const IpAddress& b);

// RFC 4291, section 2.7.1.
IpAddress solicited_node_group(const IpAddress& address);
inline constexpr IpAddress all_nodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
inline constexpr IpAddress all_routers{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

// RFC 7217, section 5: an address in `prefix`, of 64 bits, that stays the same there and tells nothing elsewhere.
IpAddress stable_private_address(std::span<const Byte, 16> secret, const IpAddress& prefix, const MacAddress& mac,
                                 std::uint8_t attempt);

}  // namespace limpid::tcpip::ip
