// How many ICMP errors may be sent (RFC 4443, section 2.4 (f)).
//
// Each destination has an allowance of its own, which is asked first, so that what is left of the common one does not
// tell one peer what another one was sent: SAD DNS (CVE-2020-25705) counted replies to packets in another's name, a
// thousand in each interval, to find open ports; here that name is silenced after `burst` of them. And the common one
// takes a random number of credits for each reply.
#pragma once

#include "limpid/crypto/generator.hpp"
#include "limpid/tcpip/ip/sorted_table.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip::ip {

class IcmpLimit {
 public:
  static constexpr std::uint32_t burst = 6;
  static constexpr Duration interval = milliseconds(200);  // until one more is allowed
  static constexpr std::uint32_t common_burst = 100;
  static constexpr Duration common_interval = milliseconds(2);
  static constexpr std::size_t most_destinations = 128;

  IcmpLimit() = default;
  explicit IcmpLimit(Budget& budget) : destinations_(budget) {}

  // Takes from both allowances; false if one is used up.
  bool allows(Instant now, const IpAddress& destination, crypto::Generator& generator) {
    Allowance* known = destinations_.find(destination);
    if (known == nullptr) {
      const std::uint8_t random = draw(generator);
      if (destinations_.size() >= most_destinations) {
        // Whom it meets is forgotten, which he cannot foresee.
        destinations_.erase(destinations_.begin() + random % destinations_.size());
      }
      known = destinations_.insert({destination, {now, burst}});
      if (known == nullptr) return false;
    }
    if (!known->credits.take(now, burst, interval, 1)) return false;
    const std::uint32_t cost = 1u + draw(generator) % 3u;
    return common_.take(now, common_burst, common_interval, cost);
  }

  std::size_t size() const { return destinations_.size(); }
  static void fields(auto& self, auto&& visit) { visit(self.common_, self.destinations_); }

 private:
  struct Credits {
    Instant at{};  // when `left` was true
    std::uint32_t left = 0;

    bool take(Instant now, std::uint32_t most, Duration every, std::uint32_t cost) {
      // All of them have come back after this long; what is more would only overflow.
      const Duration full{every.microseconds * most};
      if (at + full <= now) {
        left = most;
        at = now;
      } else if (at + every <= now) {
        const auto earned = static_cast<std::uint32_t>((now - at).microseconds / every.microseconds);
        left = std::min(most, left + earned);
        at = at + Duration{every.microseconds * earned};
      }
      if (left == 0) return false;
      left -= std::min(left, cost);
      return true;
    }
    static void fields(auto& self, auto&& visit) { visit(self.at, self.left); }
    bool restored(const LoadContext&) const { return left <= common_burst; }
  };
  struct Allowance {
    IpAddress destination;
    Credits credits;
    const IpAddress& key() const { return destination; }
    static void fields(auto& self, auto&& visit) { visit(self.destination, self.credits); }
  };

  static std::uint8_t draw(crypto::Generator& generator) {
    Byte drawn[1];
    generator.fill(drawn);
    return drawn[0];
  }

  Credits common_{.left = common_burst};
  SortedTable<Allowance> destinations_;
};

}  // namespace limpid::tcpip::ip
