// Who is on the link: link-layer addresses of neighbours, found and verified as RFC 4861, section 7.3 says. IPv4's are
// kept by the same rules; only the questions differ (ARP instead of solicitations).
//
// A neighbour that was heard of may be forgotten for another one, one that is in use may not: so a flood of claims
// (RFC 6583) displaces itself. A link-layer address that is known to work is not replaced by a claim; the claim makes
// us ask the old one, and only if that does not answer is it looked for anew.
#pragma once

#include "limpid/core/frame.hpp"
#include "limpid/tcpip/ip/config.hpp"
#include "limpid/tcpip/ip/drop.hpp"
#include "limpid/tcpip/ip/sorted_table.hpp"

namespace limpid::tcpip::ip {

// RFC 4861, section 7.3.2.
enum class Reachability : std::uint8_t { incomplete, reachable, stale, delay, probe };
constexpr bool is_valid(Reachability state) { return state <= Reachability::probe; }

// A frame that waits for its Ethernet destination.
struct PendingFrame {
  Buffer frame;
  TransmitOffload offload;
  static constexpr std::size_t most_bytes = 2048;  // so that the least room takes one
  static void fields(auto& self, auto&& visit) { visit(self.frame, self.offload); }
  bool restored(const LoadContext&) const;
};

struct Neighbour {
  IpAddress address;
  MacAddress mac;  // unless incomplete
  Reachability state = Reachability::incomplete;
  bool used = false;               // something was sent through it
  std::uint8_t solicitations = 0;  // sent in this state
  Instant deadline{};              // of the state; of `reachable`, when it becomes stale
  std::optional<Instant> asked{};  // last: claims must not make us ask more often than the time between two questions
  Instant last_used{};             // or, if it never was, when it was heard of
  IpAddress asking;                // incomplete: the source of the packet that asked (RFC 4861, section 7.2.2)
  Vec<PendingFrame> pending;       // oldest first
  std::uint64_t askers = 0;        // queues of the device that asked for it, a bit for each: they hear of changes
  std::uint64_t untold = 0;        // of them, those that have yet to

  const IpAddress& key() const { return address; }
  static void fields(auto& self, auto&& visit) {
    visit(self.address, self.mac, self.state, self.used, self.solicitations, self.deadline, self.asked, self.last_used,
          self.asking, self.pending, self.askers, self.untold);
  }
};

// What somebody says about a link-layer address.
struct NeighbourClaim {
  IpAddress address;
  MacAddress mac;
  bool solicited = false;  // an answer to a question
  bool override = true;    // RFC 4861, section 4.4
  bool create = false;     // worth an entry if there is none
};

class NeighbourCache {
 public:
  static constexpr Duration delay_first_probe_time = seconds(5);
  static constexpr std::uint8_t max_solicitations = 3;  // multicast and unicast ones

  NeighbourCache() = default;
  explicit NeighbourCache(Budget& budget) : entries_(budget) {}

  // The link-layer address to send to now; null if it has to be looked for. Starts the verification of one that is
  // stale.
  const MacAddress* use(Instant now, const IpAddress& address);

  // The entry of a neighbour that `use` does not know, to be looked for at once; null if too many are. A router is
  // looked for nevertheless: whoever makes us look for many must not cut us off.
  Neighbour* look_for(Instant now, const Limits& limits, const IpAddress& address, const IpAddress& asking, bool router,
                      DropCounts& drops);

  // RFC 4861, section 7.2.3 and 7.2.5. True if it ended a search: `resolved` then has frames, or none.
  bool learn(Instant now, const Limits& limits, const NeighbourClaim& claim, DropCounts& drops);

  // RFC 4861, section 7.3.1: something came back from there.
  void confirm(Instant now, const IpAddress& address);
  // That was said less than a third of the time ago for which it holds.
  bool confirmed_lately(Instant now, const IpAddress& address) const;

  // A queue asks for it: it hears of it as soon as it is found. Unless it answered not long ago, `verify` has it asked.
  void wanted(Instant now, Neighbour& neighbour, std::uint8_t queue, bool verify);
  bool is_verified(Instant now, const Neighbour& neighbour) const;
  // Something changed that those who asked for it should hear.
  void tell_askers(Neighbour& neighbour);
  // One that was found and of which somebody has yet to hear.
  Neighbour* with_untold();
  bool has_untold() const { return untold_; }
  // What the leader of the device's interfaces says of a neighbour that was looked for here.
  void told(Instant now, const IpAddress& address, const MacAddress& mac, bool verified);

  // The next neighbour to be asked, or given up (`solicitations` is then max_solicitations, and the caller forgets it).
  Neighbour* due(Instant now);
  // It was asked, or could not be: asks again after the retransmission time.
  void asked(Instant now, Neighbour& neighbour);
  void forget(Neighbour& neighbour, DropCounts& drops);
  // The link is gone: no frame waits any more.
  void drop_pending(DropCounts& drops);

  // A neighbour that was found while frames wait for it.
  Neighbour* with_pending();
  bool has_pending() const { return ready_frames_; }

  std::optional<Instant> deadline() const { return alarm_; }
  std::size_t size() const { return entries_.size(); }
  const Neighbour* find(const IpAddress& address) const { return entries_.find(address); }
  Neighbour* find(const IpAddress& address) { return entries_.find(address); }

  // Of router advertisements, in milliseconds; 0 changes nothing. What would make us flood or sleep is bounded.
  void set_times(std::uint32_t reachable_ms, std::uint32_t retransmit_ms);

  static void fields(auto& self, auto&& visit) { visit(self.entries_, self.reachable_time_, self.retransmit_time_); }
  bool restored(const LoadContext&);

 private:
  Neighbour* add(Instant now, const Limits& limits, const IpAddress& address, bool wanted, DropCounts& drops);
  void enter(Neighbour& neighbour, Reachability state, Instant deadline);
  bool known(const Neighbour& neighbour, Instant now) const;
  // Routers speak for Neighbour Discovery only.
  Duration retransmit_time(const IpAddress& address) const { return address.is_ipv4() ? seconds(1) : retransmit_time_; }
  void wake(Instant at) { alarm_ = alarm_ ? std::min(*alarm_, at) : at; }

  SortedTable<Neighbour> entries_;
  Duration reachable_time_ = seconds(30);
  Duration retransmit_time_ = seconds(1);
  std::optional<Instant> alarm_;  // not later than any timer, found again when it rings
  bool ready_frames_ = false;     // some neighbour that was found may have pending frames
  bool untold_ = false;           // some neighbour that was found may have somebody to be told
};

}  // namespace limpid::tcpip::ip
