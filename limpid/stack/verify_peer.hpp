// The ready-made answers to tls::VerifyPeer.
#pragma once

#include "limpid/tls/query.hpp"
#include "limpid/x509/verify.hpp"

namespace limpid::stack {

struct PeerVerdict {
  tls::Answer answer;                       // PeerAccepted, or Declined with the fault that fits
  std::optional<x509::Invalid> invalid{};   // why it was declined, for people: x509::write_invalid
  std::optional<x509::ValidChain> valid{};  // why it was accepted: the path to an anchor, if one was looked for
};

// The fault whose alert tells a peer why its chain was refused (RFC 8446, section 6.2).
tls::Fault fault_of(x509::InvalidReason reason);

// Judges a server's chain: a path to one of the anchors, at this moment, for server authentication, for the name in the
// query (a host name or an address), and, if a response is stapled, its word that the leaf is good. Ends of `budget`
// decline.
PeerVerdict verify_peer(const tls::VerifyPeer& query, std::span<const x509::Certificate> anchors, UnixTime at,
                        Budget& budget, CpuFeatures cpu);

// Takes whatever key the leaf has. The connection is then private towards somebody, nobody knows whom: for tests, and
// for users who ask for it in so many words.
PeerVerdict accept_any_peer(const tls::VerifyPeer& query);

}  // namespace limpid::stack
