#include "limpid/tcpip/wire/icmpv4.hpp"

namespace limpid::tcpip::wire {

ParseResult<Icmpv4Header> Icmpv4Header::parse(Bytes message) {
  if (message.size() < size) return std::unexpected(WireFault::truncated);
  const auto fixed = message.first<size>();
  return Parsed<Icmpv4Header>{
      {static_cast<Icmpv4Type>(fixed[0]), fixed[1], u32_at(fixed, 4)}, size, message.size() - size};
}

void Icmpv4Header::emit(Writer& out) const {
  out.u8(static_cast<std::uint8_t>(type));
  out.u8(code);
  out.u16(0);
  out.u32(rest);
}

}  // namespace limpid::tcpip::wire
