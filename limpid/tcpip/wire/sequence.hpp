// TCP's sequence numbers (RFC 9293, section 3.4): "all arithmetic dealing with sequence numbers must be performed
// modulo 2^32". A comparison holds for numbers that are less than 2^31 apart.
#pragma once

#include <cstdint>

namespace limpid::tcpip::wire {

using SeqNumber = std::uint32_t;

constexpr bool seq_before(SeqNumber a, SeqNumber b) { return static_cast<std::int32_t>(a - b) < 0; }
constexpr bool seq_after(SeqNumber a, SeqNumber b) { return seq_before(b, a); }
constexpr bool seq_at_most(SeqNumber a, SeqNumber b) { return !seq_before(b, a); }
constexpr bool seq_at_least(SeqNumber a, SeqNumber b) { return !seq_before(a, b); }
// Within [begin, end), which wraps.
constexpr bool seq_within(SeqNumber value, SeqNumber begin, SeqNumber end) { return value - begin < end - begin; }
constexpr SeqNumber seq_max(SeqNumber a, SeqNumber b) { return seq_before(a, b) ? b : a; }
constexpr SeqNumber seq_min(SeqNumber a, SeqNumber b) { return seq_before(a, b) ? a : b; }

}  // namespace limpid::tcpip::wire
