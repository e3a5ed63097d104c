#include "limpid/tcpip/ip/reassembly.hpp"

#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"

namespace limpid::tcpip::ip {
namespace {

constexpr std::size_t header_size(const FragmentKey& key) {
  return key.source.is_ipv4() ? wire::Ipv4Header::least_size : wire::Ipv6Header::size;
}

// Of what a packet carries: IPv4 counts the header in its 16 bits, IPv6 does not.
constexpr std::size_t most_carried(const FragmentKey& key) {
  return UINT16_MAX - (key.source.is_ipv4() ? wire::Ipv4Header::least_size : 0);
}

// RFC 3168, section 5.3: which field the packet gets, for a set of those that its pieces had; none if it "MUST" or
// "SHOULD" be dropped.
std::optional<std::uint8_t> joined_ecn(std::uint8_t seen) {
  constexpr std::uint8_t not_ect = 1 << 0, congestion = 1 << 3;
  if ((seen & congestion) != 0) return (seen & not_ect) != 0 ? std::nullopt : std::optional<std::uint8_t>(3);
  if ((seen & not_ect) != 0) return std::uint8_t{0};
  return static_cast<std::uint8_t>((seen & (1 << 2)) != 0 ? 2 : 1);
}

}  // namespace

std::optional<Reassembled> Reassembler::add(Instant now, const Limits& limits, const FragmentKey& key,
                                            const Fragment& fragment, DropCounts& drops) {
  const std::size_t end = fragment.offset + fragment.bytes.size();
  if (fragment.bytes.empty() || end > most_carried(key) || (fragment.more && fragment.bytes.size() % 8 != 0)) {
    drops.add(Drop::fragment_malformed);
    return std::nullopt;
  }
  Waiting* const waiting = find_or_begin(now, limits, key, drops);
  if (waiting == nullptr) return std::nullopt;
  if (waiting->spoiled) {
    drops.add(Drop::fragment_overlap);
    return std::nullopt;
  }

  const Piece piece{fragment.offset, static_cast<std::uint16_t>(end)};
  const auto place = std::lower_bound(waiting->pieces.begin(), waiting->pieces.end(), piece.begin,
                                      [](const Piece& p, std::uint16_t begin) { return p.begin < begin; });
  const auto index = static_cast<std::size_t>(place - waiting->pieces.begin());
  const bool last_agrees = !waiting->size || (fragment.more ? end <= *waiting->size : end == *waiting->size);
  const bool was_last = waiting->size && *waiting->size == end;
  if (place != waiting->pieces.end() && *place == piece && was_last != fragment.more) {
    // RFC 8200, section 4.5: "an implementation may choose to detect this case and drop exact duplicate fragments while
    // keeping the other fragments belonging to the same packet".
    const Bytes kept(waiting->packet.data() + waiting->header_size + piece.begin, fragment.bytes.size());
    if (kept == fragment.bytes) return std::nullopt;
  }
  const bool overlaps =
      (index > 0 && place[-1].end > piece.begin) || (place != waiting->pieces.end() && place->begin < piece.end);
  const bool beyond = !fragment.more && !waiting->pieces.empty() && waiting->pieces.back().end > end;
  if (overlaps || !last_agrees || beyond) {
    // RFC 5722: "the entire datagram (and any constituent fragments, including those not yet received) MUST be silently
    // discarded"
    drops.add(Drop::fragment_overlap);
    waiting->spoil();
    return std::nullopt;
  }
  if (waiting->pieces.size() >= most_pieces) {
    drops.add(Drop::fragment_limit);
    waiting->spoil();
    return std::nullopt;
  }

  if (waiting->pieces.size() == waiting->pieces.capacity() &&
      !waiting->pieces.reserve(std::max<std::size_t>(4, 2 * waiting->pieces.size()))) {
    drops.add(Drop::no_memory);
    return std::nullopt;
  }
  // `waiting` may move when others make room.
  Waiting* const stored = store(limits, *waiting, fragment, drops);
  if (stored == nullptr || !stored->pieces.push_back(piece)) return std::nullopt;
  std::rotate(stored->pieces.begin() + index, stored->pieces.end() - 1, stored->pieces.end());
  stored->ecn_seen = static_cast<std::uint8_t>(stored->ecn_seen | 1u << (fragment.ecn & 3));
  if (!fragment.more) stored->size = piece.end;
  if (!stored->whole()) return std::nullopt;

  const auto ecn = joined_ecn(stored->ecn_seen);
  std::optional<Reassembled> joined;
  if (ecn) {
    joined = Reassembled{std::move(stored->packet), stored->header_size, *ecn};
  } else {
    drops.add(Drop::reassembly_ecn);
  }
  erase(*stored);
  return joined;
}

std::optional<Buffer> Reassembler::expired(Instant now, DropCounts& drops) {
  const auto at = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.until <= now; });
  if (at == waiting_.end()) return std::nullopt;
  Buffer front;
  if (!at->spoiled) {
    drops.add(Drop::reassembly_expired);
    if (at->first) {
      front = std::move(at->packet);
      front.truncate(at->header_size + std::size_t{at->pieces[0].end});
    }
  }
  erase(*at);
  return front;
}

std::optional<Instant> Reassembler::deadline() const {
  std::optional<Instant> soonest;
  for (const Waiting& waiting : waiting_) soonest = soonest ? std::min(*soonest, waiting.until) : waiting.until;
  return soonest;
}

std::size_t Reassembler::bytes() const {
  std::size_t sum = 0;
  for (const Waiting& waiting : waiting_) sum += waiting.packet.capacity();
  return sum;
}

bool Reassembler::restored(const LoadContext&) const {
  for (const Waiting& waiting : waiting_) {
    if (std::count_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.key == waiting.key; }) != 1) {
      return false;
    }
  }
  return true;
}

bool Reassembler::Waiting::restored(const LoadContext&) const {
  if (key.source.is_ipv4() != key.destination.is_ipv4() || header_size != ip::header_size(key)) return false;
  if (spoiled) return packet.empty() && pieces.empty() && !first && !size;
  std::size_t end = 0;
  for (const Piece& piece : pieces) {
    if (piece.begin < end || piece.end <= piece.begin) return false;
    end = piece.end;
  }
  if (first != (!pieces.empty() && pieces[0].begin == 0)) return false;
  if (size && (pieces.empty() || *size != end)) return false;
  return packet.size() == (pieces.empty() ? 0 : header_size + end) && pieces.size() <= most_pieces && !whole() &&
         end <= most_carried(key) && (!first || header_is_sound());
}

bool Reassembler::Waiting::header_is_sound() const {
  const Bytes bytes(packet.data(), packet.size());
  if (!key.source.is_ipv4()) return wire::Ipv6Header::parse_quoted(bytes).has_value();
  const auto parsed = wire::Ipv4Header::parse_quoted(bytes);
  return parsed && parsed->payload_offset == header_size;
}

bool Reassembler::Waiting::whole() const {
  if (!size || !first) return false;
  std::size_t end = 0;
  for (const Piece& piece : pieces) {
    if (piece.begin != end) return false;
    end = piece.end;
  }
  return end == *size;
}

void Reassembler::Waiting::spoil() {
  packet.release();
  pieces.release();
  first = false;
  spoiled = true;
  size.reset();
}

Reassembler::Waiting* Reassembler::find_or_begin(Instant now, const Limits& limits, const FragmentKey& key,
                                                 DropCounts& drops) {
  for (Waiting& waiting : waiting_) {
    if (waiting.key == key) return &waiting;
  }
  if (waiting_.size() >= std::max<std::size_t>(1, limits.reassemblies)) {
    drops.add(Drop::reassembly_evicted);
    erase(*displaced_by(key, false));
  }
  if (waiting_.budget() == nullptr) return nullptr;
  Waiting begun;
  begun.key = key;
  begun.until = now + (key.source.is_ipv4() ? ipv4_timeout : ipv6_timeout);
  begun.header_size = static_cast<std::uint8_t>(header_size(key));
  begun.packet = Buffer(*waiting_.budget());
  begun.pieces = Vec<Piece>(*waiting_.budget());
  if (!waiting_.push_back(std::move(begun))) {
    drops.add(Drop::no_memory);
    return nullptr;
  }
  return &waiting_.back();
}

// Copies a piece into its packet. Older packets make room for it, if there is too much in all of them.
Reassembler::Waiting* Reassembler::store(const Limits& limits, Waiting& waiting, const Fragment& fragment,
                                         DropCounts& drops) {
  const FragmentKey key = waiting.key;
  Waiting* target = &waiting;
  const std::size_t end = target->header_size + fragment.offset + fragment.bytes.size();
  if (end > target->packet.capacity()) {
    // All at once if it is known how much will come, otherwise by doubling.
    const std::size_t most = target->header_size + most_carried(key);
    const std::size_t wanted = fragment.more ? std::min(most, std::max(end, 2 * target->packet.capacity())) : end;
    const std::size_t extra = wanted - target->packet.capacity();
    while (bytes() + extra > limits.reassembly_bytes) {
      Waiting* const displaced = displaced_by(key, true);
      if (displaced == nullptr) {
        drops.add(Drop::fragment_limit);
        target->spoil();
        return nullptr;
      }
      drops.add(Drop::reassembly_evicted);
      erase(*displaced);
      target = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) { return w.key == key; });
    }
    if (!target->packet.reserve(wanted)) {
      drops.add(Drop::no_memory);
      return nullptr;
    }
  }
  if (end > target->packet.size() && !target->packet.resize(end)) return nullptr;  // never: it was reserved
  copy(fragment.bytes, {target->packet.data() + end - fragment.bytes.size(), fragment.bytes.size()});
  if (fragment.offset == 0) {
    copy(fragment.header.first(target->header_size), {target->packet.data(), target->header_size});
    target->first = true;
  }
  return target;
}

// The oldest of the same source, or else of all: nobody loses his packets because somebody else sends many.
Reassembler::Waiting* Reassembler::displaced_by(const FragmentKey& key, bool holding) {
  Waiting* oldest = nullptr;
  for (Waiting& candidate : waiting_) {
    if (candidate.key == key || (holding && candidate.packet.capacity() == 0)) continue;
    if (candidate.key.source == key.source) return &candidate;
    if (oldest == nullptr) oldest = &candidate;
  }
  return oldest;
}

void Reassembler::erase(Waiting& waiting) {
  std::move(&waiting + 1, waiting_.end(), &waiting);
  waiting_.truncate(waiting_.size() - 1);
}

}  // namespace limpid::tcpip::ip
