#include "limpid/tls/handshake/key_log.hpp"

namespace limpid::tls::handshake {
namespace {

constexpr std::string_view name(KeyLogLabel label) {
  switch (label) {
    case KeyLogLabel::client_handshake_traffic_secret:
      return "CLIENT_HANDSHAKE_TRAFFIC_SECRET";
    case KeyLogLabel::server_handshake_traffic_secret:
      return "SERVER_HANDSHAKE_TRAFFIC_SECRET";
    case KeyLogLabel::client_traffic_secret_0:
      return "CLIENT_TRAFFIC_SECRET_0";
    case KeyLogLabel::server_traffic_secret_0:
      return "SERVER_TRAFFIC_SECRET_0";
    case KeyLogLabel::exporter_secret:
      return "EXPORTER_SECRET";
  }
  return "";
}

void put_hex(Writer& out, Bytes bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const Byte byte : bytes) {
    const char two[2] = {digits[byte >> 4], digits[byte & 15]};
    out.text({two, 2});
  }
}

}  // namespace

void put_key_log_line(Writer& out, KeyLogLabel label, Bytes client_random, Bytes secret) {
  out.text(name(label));
  out.text(" ");
  put_hex(out, client_random);
  out.text(" ");
  put_hex(out, secret);
  out.text("\n");
}

}  // namespace limpid::tls::handshake
