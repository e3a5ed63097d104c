// One handshake message, tagged by its first byte (RFC 8446's HandshakeType; 0 is an alert, 255 a stream of several):
// what parses is emitted byte for byte.
#include "fuzz/support/input.hpp"
#include "limpid/tls/wire/hello.hpp"
#include "limpid/tls/wire/messages.hpp"

namespace limpid {
namespace {

using namespace tls::wire;

void check_error(const tls::Error& error, Bytes body) {
  fuzz::require(error.offset <= body.size() + handshake_header_size, "an error lies within the message");
}

template <class Message>
void check_emits(const Message& message, Bytes body) {
  Budget budget(1 << 20);
  Buffer again(budget);
  Writer out(again);
  message.emit(out);
  fuzz::require(!out.failed() && fuzz::view(again) == body, "what was parsed is emitted byte for byte");
}

template <class Message>
void check(const std::expected<Message, tls::Error>& message, Bytes body) {
  if (message) {
    check_emits(*message, body);
  } else {
    check_error(message.error(), body);
  }
}

void check_stream(Bytes stream) {
  while (!stream.empty()) {
    const auto next = next_handshake(stream);
    if (!next || !*next) return;
    fuzz::require((*next)->message.size() == handshake_header_size + (*next)->body.size(),
                  "a message is header and body");
    fuzz::require((*next)->message == stream.first((*next)->message.size()), "a message is the front of the stream");
    stream = stream.subspan((*next)->message.size());
  }
}

}  // namespace
}  // namespace limpid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  if (size == 0) return 0;
  const fuzz::Exact input(Bytes(data + 1, size - 1));
  const Bytes body = input.bytes();
  switch (data[0]) {
    case 0:
      check(AlertMessage::parse(body), body);
      break;
    case 1:
      check(ClientHello::parse(body), body);
      break;
    case 2:
      if (const auto hello = parse_server_hello(body)) {
        std::visit([&](const auto& message) { check_emits(message, body); }, *hello);
      } else {
        check_error(hello.error(), body);
      }
      break;
    case 4:
      check(NewSessionTicket::parse(body), body);
      break;
    case 5:
      check(EndOfEarlyData::parse(body), body);
      break;
    case 8:
      check(EncryptedExtensions::parse(body), body);
      break;
    case 11:
      check(Certificate::parse(body), body);
      break;
    case 13:
      check(CertificateRequest::parse(body), body);
      break;
    case 15:
      check(CertificateVerify::parse(body), body);
      break;
    case 20:
      check(Finished::parse(body, 32), body);
      check(Finished::parse(body, 48), body);
      break;
    case 24:
      check(KeyUpdate::parse(body), body);
      break;
    default:
      check_stream(body);
      break;
  }
  return 0;
}
