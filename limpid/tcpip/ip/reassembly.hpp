// Packets that came in pieces, put together within bounds: so many packets, so many bytes, so many pieces of one, so
// long. Pieces that overlap spoil their packet for as long as it would have been waited for (RFC 5722, for IPv4 as
// well): what an inspecting device saw and what a host makes of it must not differ.
//
// FragmentSmack (CVE-2018-5391) made lists of many small pieces expensive; here a piece costs one walk over at most
// `most_pieces` of them, and its packet is given up when it has more. Who sends too many packets in pieces displaces
// his own first.
#pragma once

#include <optional>

#include "limpid/core/inline_list.hpp"
#include "limpid/tcpip/ip/config.hpp"
#include "limpid/tcpip/ip/drop.hpp"
#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::ip {

// RFC 791: "the identification field, source, destination, and protocol"; RFC 8200: all but the protocol, which is then
// hop_by_hop_options for every piece.
struct FragmentKey {
  IpAddress source, destination;
  std::uint32_t identification = 0;
  Protocol protocol{};
  friend bool operator==(const FragmentKey&, const FragmentKey&) = default;
  static void fields(auto& self, auto&& visit) {
    visit(self.source, self.destination, self.identification, self.protocol);
  }
};

struct Fragment {
  std::uint16_t offset = 0;  // a multiple of 8
  bool more = false;         // then its size is a multiple of 8, too
  std::uint8_t ecn = 0;
  Bytes bytes{};
  Bytes header{};  // of the first piece: the IP header, without fragment fields, that the packet gets
};

// A packet whose pieces are all here: the header that was given with the first one, and what they carried. Its lengths
// are still to be written.
struct Reassembled {
  Buffer packet;
  std::size_t header_size = 0;
  std::uint8_t ecn = 0;
};

class Reassembler {
 public:
  static constexpr std::size_t most_pieces = 64;  // 64 KiB in frames of 1500 bytes
  static constexpr Duration ipv4_timeout = seconds(30);
  static constexpr Duration ipv6_timeout = seconds(60);  // RFC 8200, section 4.5

  Reassembler() = default;
  explicit Reassembler(Budget& budget) : waiting_(budget) {}

  // The packet, if this was its last missing piece.
  std::optional<Reassembled> add(Instant now, const Limits& limits, const FragmentKey& key, const Fragment& fragment,
                                 DropCounts& drops);

  // A packet that was waited for in vain: what is there of its front, to be told to its source (Time Exceeded); empty
  // if its first piece is missing. None if there is no such packet.
  std::optional<Buffer> expired(Instant now, DropCounts& drops);
  std::optional<Instant> deadline() const;

  std::size_t size() const { return waiting_.size(); }
  std::size_t bytes() const;  // that they hold

  static void fields(auto& self, auto&& visit) { visit(self.waiting_); }
  bool restored(const LoadContext&) const;

 private:
  struct Piece {
    std::uint16_t begin = 0, end = 0;
    friend bool operator==(const Piece&, const Piece&) = default;
    static void fields(auto& self, auto&& visit) { visit(self.begin, self.end); }
  };
  struct Waiting {
    FragmentKey key;
    Instant until{};
    std::uint8_t header_size = 0;
    std::uint8_t ecn_seen = 0;            // a bit for each of the four values
    bool first = false;                   // the first piece is here, and its header
    bool spoiled = false;                 // nothing is kept, nothing is taken
    std::optional<std::uint16_t> size{};  // of what all pieces carry, once the last one is here
    Buffer packet;                        // room for the header, then what came
    Vec<Piece> pieces;                    // in order, none touching another's bytes
    static void fields(auto& self, auto&& visit) {
      visit(self.key, self.until, self.header_size, self.ecn_seen, self.first, self.spoiled, self.size, self.packet,
            self.pieces);
    }
    bool restored(const LoadContext&) const;
    bool whole() const;
    bool header_is_sound() const;
    void spoil();
  };

  Waiting* find_or_begin(Instant now, const Limits& limits, const FragmentKey& key, DropCounts& drops);
  Waiting* store(const Limits& limits, Waiting& waiting, const Fragment& fragment, DropCounts& drops);
  // Who makes room for a packet with `key`; null if there is nobody. Holding means that bytes are wanted of him.
  Waiting* displaced_by(const FragmentKey& key, bool holding);
  void erase(Waiting& waiting);

  Vec<Waiting> waiting_;  // oldest first
};

}  // namespace limpid::tcpip::ip
