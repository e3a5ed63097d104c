#include "limpid/xen_netfront/platform/xen/byte_ring.hpp"

#include "limpid/xen_netfront/platform/xen/abi.hpp"
#include "limpid/xen_netfront/protocol/ring.hpp"

namespace limpid::xen_netfront::platform {

std::size_t ByteRing::room() const { return room_in_ring(read_once(*consumer), read_once(*producer), size); }

std::size_t ByteRing::write(Bytes from) const {
  const std::uint32_t at = read_once(*producer);
  const std::size_t count = std::min(from.size(), room_in_ring(read_once(*consumer), at, size));
  full_barrier();  // no byte is written before the other side was seen to have taken what it overwrites
  const RingSpan span = span_in_ring(at, count, size);
  copy(from.first(span.first), {bytes + span.offset, span.first});
  copy(from.subspan(span.first, span.rest), {bytes, span.rest});
  barrier();
  write_once(*producer, static_cast<std::uint32_t>(at + count));
  return count;
}

MutableBytes ByteRing::read(MutableBytes to) const {
  const std::uint32_t at = read_once(*consumer);
  const std::size_t count = std::min(to.size(), bytes_in_ring(at, read_once(*producer), size));
  barrier();
  const RingSpan span = span_in_ring(at, count, size);
  copy(Bytes(bytes + span.offset, span.first), to);
  copy(Bytes(bytes, span.rest), to.subspan(span.first));
  full_barrier();  // all is read before the other side may write over it
  write_once(*consumer, static_cast<std::uint32_t>(at + count));
  return to.first(count);
}

}  // namespace limpid::xen_netfront::platform
