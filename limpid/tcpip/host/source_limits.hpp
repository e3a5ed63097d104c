// How often this host answers what it need not: resets for strays, mostly. The allowance is kept per source, in buckets
// that a keyed hash chooses: with one allowance for all, an attacker could tell from the answers that he gets how much
// the host answered others, and so what they sent (CVE-2016-5696, CVE-2020-25705).
#pragma once

#include "limpid/core/time.hpp"
#include "limpid/crypto/keyed_hash.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip::host {

class SourceLimits {
 public:
  static constexpr std::size_t buckets = 64;
  static constexpr std::uint16_t burst = 32;              // answers at once,
  static constexpr Duration interval = milliseconds(20);  // and then one in so long

  // Whether one more answer may be sent to `source` now; counts it if so.
  bool allow(const crypto::HashTableKey& key, const IpAddress& source, Instant now) {
    // When the bucket will be full again; each answer puts that off.
    Instant& full = full_[crypto::keyed_hash(key, source.octets) % buckets];
    full = std::max(full, now);
    if (now + Duration{interval.microseconds * burst} < full + interval) return false;
    full = full + interval;
    return true;
  }

  static void fields(auto& self, auto&& visit) { visit(self.full_); }

 private:
  std::array<Instant, buckets> full_{};
};

}  // namespace limpid::tcpip::host
