// How many resets for strays one source gets: as many as who scans the ports of a host can ask for in earnest, but no
// flood. Each source has an allowance of its own: where an
// attacker shares one with somebody else, he can tell from the answers that he gets how much the host answered others,
// and so what they sent and which connections they have (CVE-2016-5696, CVE-2020-25705).
#pragma once

#include "limpid/crypto/generator.hpp"
#include "limpid/tcpip/ip/sorted_table.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip::host {

class SourceLimits {
 public:
  static constexpr std::size_t most_sources = 256;
  static constexpr std::uint16_t burst = 256;            // answers at once,
  static constexpr Duration interval = milliseconds(1);  // and then one in so long

  SourceLimits() = default;  // without a budget: allows nothing
  explicit SourceLimits(Budget& budget) : sources_(budget) {}

  // Whether one more answer may be sent to `source` now; counts it if so. Not if the budget refuses to remember it.
  bool allow(crypto::Generator& generator, const IpAddress& source, Instant now) {
    Allowance* known = sources_.find(source);
    if (sources_.size() >= most_sources) {
      const auto drawn = crypto::draw<2>(generator);
      // A new source takes the place of one that nobody can foresee. So that an attacker who fills the table cannot
      // tell from a gap in it that another source was new, his looking makes gaps, too.
      if (known == nullptr || drawn.bytes()[0] % 4 == 0) {
        sources_.erase(sources_.begin() + drawn.bytes()[1] % sources_.size());
        known = sources_.find(source);
      }
    }
    if (known == nullptr) known = sources_.insert({source, now});
    if (known == nullptr) return false;
    known->full = std::max(known->full, now);
    if (known->full > now + Duration{interval.microseconds * (burst - 1)}) return false;
    known->full = known->full + interval;
    return true;
  }

  std::size_t size() const { return sources_.size(); }
  static void fields(auto& self, auto&& visit) { visit(self.sources_); }

 private:
  struct Allowance {
    IpAddress source;
    Instant full{};  // when all of it will be back; each answer puts that off
    const IpAddress& key() const { return source; }
    static void fields(auto& self, auto&& visit) { visit(self.source, self.full); }
  };

  ip::SortedTable<Allowance> sources_;
};

}  // namespace limpid::tcpip::host
