#include "limpid/tcpip/tcp/initial_sequence.hpp"

#include "limpid/core/writer.hpp"

namespace limpid::tcpip::tcp {
namespace {

// The first byte keeps the two uses of one key apart.
std::uint64_t hash(const crypto::HashTableKey& key, Byte use, const stream::Endpoint& local,
                   const stream::Endpoint& remote, bool ports) {
  std::array<Byte, 1 + 2 * (16 + 2)> message{};
  Writer out(message);
  out.u8(use);
  out.bytes(local.address);
  out.bytes(remote.address);
  out.u16(ports ? local.port : 0);
  out.u16(ports ? remote.port : 0);
  return crypto::keyed_hash(key, message);
}

}  // namespace

wire::SeqNumber initial_sequence(const crypto::HashTableKey& key, const stream::Endpoint& local,
                                 const stream::Endpoint& remote, Instant now) {
  const auto timer = static_cast<std::uint64_t>(now.microseconds) / 4;
  return static_cast<wire::SeqNumber>(hash(key, 's', local, remote, true) + timer);
}

std::uint32_t initial_timestamp(const crypto::HashTableKey& key, const stream::Endpoint& local,
                                const stream::Endpoint& remote, Instant now) {
  const auto clock = static_cast<std::uint64_t>(now.microseconds) / 1000;
  return static_cast<std::uint32_t>(hash(key, 't', local, remote, false) + clock);
}

}  // namespace limpid::tcpip::tcp
