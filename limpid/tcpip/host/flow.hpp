// The four numbers that name a TCP connection (RFC 9293, section 3.3.1), seen from this host.
#pragma once

#include "limpid/crypto/keyed_hash.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip::host {

struct Flow {
  stream::Endpoint local, remote;
  friend constexpr bool operator==(const Flow& a, const Flow& b) {
    return a.remote.port == b.remote.port && a.local.port == b.local.port &&
           address_of(a.remote) == address_of(b.remote) && address_of(a.local) == address_of(b.local);
  }
  static void fields(auto& self, auto&& visit) { visit(self.local, self.remote); }
};

// Peers choose half of a flow, so a table of flows is keyed: nobody can aim at one chain of it.
inline std::uint64_t hash_of(const crypto::HashTableKey& key, const Flow& flow) {
  std::array<Byte, 36> encoded;
  Writer out(encoded);
  out.bytes(flow.local.address);
  out.bytes(flow.remote.address);
  out.u16(flow.local.port);
  out.u16(flow.remote.port);
  return crypto::keyed_hash(key, encoded);
}

}  // namespace limpid::tcpip::host
