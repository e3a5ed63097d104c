// The NSS key log format: a line for each secret, by which other programs can read a recorded connection.
#pragma once

#include <string_view>

#include "limpid/core/writer.hpp"

namespace limpid::tls::handshake {

enum class KeyLogLabel : std::uint8_t {
  client_handshake_traffic_secret,
  server_handshake_traffic_secret,
  client_traffic_secret_0,
  server_traffic_secret_0,
  exporter_secret,
};

// The longest line: a label, the client's random and a secret of SHA-384 in hexadecimal digits.
inline constexpr std::size_t max_key_log_line = 31 + 1 + 64 + 1 + 96 + 1;
// Of the lines that one message or answer leads to.
inline constexpr std::size_t max_key_log_lines = 3;

// "LABEL CLIENT_RANDOM SECRET", with a line end.
void put_key_log_line(Writer& out, KeyLogLabel label, Bytes client_random, Bytes secret);

}  // namespace limpid::tls::handshake
