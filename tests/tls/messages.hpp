// Parsing any handshake message and emitting it again, for tests over many messages.
#pragma once

#include <vector>

#include "limpid/tls/wire/hello.hpp"
#include "limpid/tls/wire/messages.hpp"

namespace limpid::test {

using namespace tls;

// What a Writer made of it, growing as needed.
template <class Write>
std::vector<Byte> written(Write&& write) {
  Budget budget(std::size_t{1} << 24);
  Buffer buffer(budget);
  Writer out(buffer);
  write(out);
  return {buffer.begin(), buffer.end()};
}

namespace detail {

template <class Message>
std::expected<std::vector<Byte>, Error> emitted(const std::expected<Message, Error>& parsed) {
  if (!parsed) return std::unexpected(parsed.error());
  return written([&](Writer& out) { wire::emit_handshake(out, *parsed); });
}

}  // namespace detail

// Parses one message by its type and emits what was parsed: the whole message, or the error. `digest_size` is the
// length of a Finished.
inline std::expected<std::vector<Byte>, Error> reemitted(const wire::Handshake& handshake,
                                                         std::size_t digest_size = 32) {
  using wire::HandshakeType;
  const Bytes body = handshake.body;
  switch (handshake.type) {
    case HandshakeType::client_hello:
      return detail::emitted(wire::ClientHello::parse(body));
    case HandshakeType::server_hello: {
      const auto parsed = wire::parse_server_hello(body);
      if (!parsed) return std::unexpected(parsed.error());
      return std::visit(
          [](const auto& hello) { return written([&](Writer& out) { wire::emit_handshake(out, hello); }); }, *parsed);
    }
    case HandshakeType::encrypted_extensions:
      return detail::emitted(wire::EncryptedExtensions::parse(body));
    case HandshakeType::certificate_request:
      return detail::emitted(wire::CertificateRequest::parse(body));
    case HandshakeType::certificate:
      return detail::emitted(wire::Certificate::parse(body));
    case HandshakeType::certificate_verify:
      return detail::emitted(wire::CertificateVerify::parse(body));
    case HandshakeType::finished:
      return detail::emitted(wire::Finished::parse(body, digest_size));
    case HandshakeType::end_of_early_data:
      return detail::emitted(wire::EndOfEarlyData::parse(body));
    case HandshakeType::new_session_ticket:
      return detail::emitted(wire::NewSessionTicket::parse(body));
    case HandshakeType::key_update:
      return detail::emitted(wire::KeyUpdate::parse(body));
    case HandshakeType::message_hash:
      break;
  }
  return std::unexpected(Error{Fault::unexpected_handshake_message, 0, 0});
}

}  // namespace limpid::test
