#include "limpid/tls/wire/handshake.hpp"

namespace limpid::tls::wire {

std::expected<std::optional<Handshake>, Error> next_handshake(Bytes received) {
  if (received.size() < handshake_header_size) return std::nullopt;
  Reader in(received);
  Handshake handshake;
  handshake.type = static_cast<HandshakeType>(in.u8());
  const std::uint32_t length = in.u24();
  if (length > max_body_size(handshake.type)) return std::unexpected(Error{Fault::message_too_long, 1, length});
  if (length > in.remaining()) return std::nullopt;
  handshake.body = in.take(length);
  handshake.message = received.first(handshake_header_size + length);
  return handshake;
}

std::size_t next_handshake_size(Bytes received) {
  Reader in(received);
  in.skip(1);
  const std::size_t size = handshake_header_size + in.u24();
  return in.failed() ? 0 : size;
}

}  // namespace limpid::tls::wire
