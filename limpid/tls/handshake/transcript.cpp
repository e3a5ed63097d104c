#include "limpid/tls/handshake/transcript.hpp"

#include "limpid/tls/wire/handshake.hpp"

namespace limpid::tls {

Transcript Transcript::after_retry(HashAlgorithm algorithm, const Digest& client_hello_1, CpuFeatures cpu) {
  std::array<Byte, wire::handshake_header_size + crypto::max_digest_size> room;
  Writer message{MutableBytes(room)};
  wire::put_handshake(message, wire::HandshakeType::message_hash, [&] { message.bytes(client_hello_1.bytes()); });
  Transcript transcript(algorithm);
  transcript.add(message.written(), cpu);
  return transcript;
}

}  // namespace limpid::tls
