// Where a connection's sequence numbers and its timestamp clock begin (RFC 6528; RFC 7323, section 5.4).
#pragma once

#include "limpid/core/time.hpp"
#include "limpid/crypto/keyed_hash.hpp"
#include "limpid/tcpip/wire/address.hpp"
#include "limpid/tcpip/wire/sequence.hpp"

namespace limpid::tcpip::tcp {

// RFC 6528, section 3: "ISN = M + F(localip, localport, remoteip, remoteport, secretkey)", where M is a timer of 4
// microseconds. Connections of the same four go on where earlier ones were; nobody can tell others' from his own.
wire::SeqNumber initial_sequence(const crypto::HashTableKey& key, const stream::Endpoint& local,
                                 const stream::Endpoint& remote, Instant now);

// What the timestamp clock says now to this peer: a clock of milliseconds with an offset of its own for each pair of
// addresses, so that it grows from one connection to the next (RFC 6191) and does not tell how long the host has run.
std::uint32_t initial_timestamp(const crypto::HashTableKey& key, const stream::Endpoint& local,
                                const stream::Endpoint& remote, Instant now);

}  // namespace limpid::tcpip::tcp
