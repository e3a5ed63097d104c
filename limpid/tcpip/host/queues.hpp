// One host over a device of several queues: a Host for each, and whose a frame is.
//
// A flow's owner is a pure function of the flow and a key that the first queue drew and told the others. A unicast TCP
// segment is its flow's owner's, an ICMP error is that of the flow which it quotes, and everything else belongs to the
// first queue, which leads: ARP, NDP, DHCP, ICMP, UDP and fragments. A frame that came to another queue is passed on to
// its owner, and what was passed on goes no further. (A device that learns from what is sent where a flow belongs, as
// Linux's tun does, makes that rare.)
//
// The leader tells the others what its interface knows (addresses, routers, MTU, link) whenever that has changed, until
// each of them says that it has heard; neighbours it tells to those that asked. Any message may be lost.
//
// None of this is linked into a program that does not ask for most_queues(): its hosts have one.
#pragma once

#include "limpid/tcpip/host/flow.hpp"
#include "limpid/tcpip/ip/config.hpp"

namespace limpid::tcpip::host {

// How many queues a device may have.
std::uint8_t most_queues();

std::uint8_t owner_of(const crypto::HashTableKey& key, std::uint8_t queues, const Flow& flow);
// Of an Ethernet frame, or of an IP packet. What no queue can read is the first one's.
std::uint8_t owner_of_frame(const crypto::HashTableKey& key, std::uint8_t queues, Bytes frame);
std::uint8_t owner_of_packet(const crypto::HashTableKey& key, std::uint8_t queues, Bytes packet);

// The first byte of a message from one queue to another.
enum class QueueMessage : std::uint8_t {
  frame,      // ReceiveOffload, then a frame of yours
  knowledge,  // the leader's: a version, the key, then what its interface knows
  heard,      // to the leader: the version that was adopted last
  wanted,     // to the leader: ip::NeighbourWanted
  found,      // the leader's: ip::NeighbourFound
  reached,    // to the leader: the address of a neighbour that takes what is sent
};
constexpr bool is_valid(QueueMessage kind) { return kind <= QueueMessage::reached; }

// What a host keeps for the sake of other queues.
struct Queues {
  static constexpr Duration patience = seconds(1);  // until who has not heard is told again

  crypto::HashTableKey key;   // by which flows have owners
  std::uint32_t version = 0;  // of what the leader knows: the last one that it told, or that was heard; 0: none
  // The leader's: what it knew then, in short; who has yet to be told and who to answer; when to tell again.
  std::uint64_t digest = 0;
  std::uint64_t untold = 0, unheard = 0;
  std::optional<Instant> tell_at{};
  static void fields(auto& self, auto&& visit) {
    visit(self.key, self.version, self.digest, self.untold, self.unheard, self.tell_at);
  }
};

}  // namespace limpid::tcpip::host
