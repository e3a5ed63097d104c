// The header of handshake messages (RFC 8446, section 4) and cutting a stream of handshake bytes into messages.
#pragma once

#include "limpid/core/writer.hpp"
#include "limpid/tls/wire/code_points.hpp"
#include "limpid/tls/wire/parser.hpp"

namespace limpid::tls::wire {

struct Handshake {
  HandshakeType type{};
  Bytes body{};     // what the message structs parse; their errors' offsets count from here
  Bytes message{};  // header and body: what the transcript takes
  friend bool operator==(const Handshake&, const Handshake&) = default;
};

inline constexpr std::size_t handshake_header_size = 4;

// The longest body accepted: 128 KiB for Certificate, 2^14 bytes for hellos and other messages of open length, less for
// those whose length is all but fixed.
constexpr std::size_t max_body_size(HandshakeType type) {
  switch (type) {
    case HandshakeType::certificate:
      return std::size_t{128} * 1024;
    case HandshakeType::finished:
      return 64;
    case HandshakeType::key_update:
      return 1;
    case HandshakeType::end_of_early_data:
      return 0;
    case HandshakeType::certificate_verify:
      return 2048;
    default:
      return std::size_t{16} * 1024;
  }
}

// The first message in `received`, or nothing while it is incomplete. message_too_long as soon as its header is there.
std::expected<std::optional<Handshake>, Error> next_handshake(Bytes received);

// How many bytes the first message in `received` has, header included; 0 while its header is incomplete.
std::size_t next_handshake_size(Bytes received);

// Writes a header and what `body()` writes to `out`.
template <class Body>
void put_handshake(Writer& out, HandshakeType type, Body&& body) {
  out.u8(static_cast<std::uint8_t>(type));
  out.vector24(body);
}

// Writes a whole message: any struct of hello.hpp or messages.hpp.
template <class Message>
void emit_handshake(Writer& out, const Message& message) {
  put_handshake(out, Message::handshake_type, [&] { message.emit(out); });
}

}  // namespace limpid::tls::wire
