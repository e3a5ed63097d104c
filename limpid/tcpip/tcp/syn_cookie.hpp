// SYN cookies (RFC 4987, section 3.6): the answer to a SYN that costs no memory. What must be known when the ACK comes
// back is in the answer's sequence number and, where the peer has timestamps, in the low bits of its timestamp.
#pragma once

#include "limpid/core/time.hpp"
#include "limpid/crypto/keyed_hash.hpp"
#include "limpid/tcpip/tcp/config.hpp"
#include "limpid/tcpip/tcp/vocabulary.hpp"

namespace limpid::tcpip::tcp {

// A cookie is good for one to two minutes.
inline constexpr Duration syn_cookie_period = seconds(60);

// The whole SYN-ACK. `birth.iss` is not used; its timestamp_offset and mss are.
wire::TcpHeader syn_cookie_answer(const Config& config, const crypto::HashTableKey& key, const Birth& birth,
                                  const wire::TcpHeader& syn, Instant now);

// Judges an ACK that belongs to no connection: the event that gives birth to the one it completes, or nothing if it
// holds no cookie of ours. `birth.iss` is filled in; the ACK itself is told to the new connection next. A peer that has
// timestamps sends them with it, so a connection whose cookie had none is redeemed only by an ACK without them.
std::optional<AcceptCookie> redeem_syn_cookie(const Config& config, const crypto::HashTableKey& key, const Birth& birth,
                                              const wire::TcpHeader& ack, Instant now);

}  // namespace limpid::tcpip::tcp
