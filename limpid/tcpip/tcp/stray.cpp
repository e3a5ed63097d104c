#include "limpid/tcpip/tcp/stray.hpp"

namespace limpid::tcpip::tcp {

std::optional<wire::TcpHeader> reset_for(const wire::TcpHeader& segment, std::size_t payload_size) {
  if (segment.flags.rst) return std::nullopt;
  wire::TcpHeader reset;
  reset.source_port = segment.destination_port;
  reset.destination_port = segment.source_port;
  reset.flags.rst = true;
  if (segment.flags.ack) {
    // "If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>"
    reset.sequence = segment.acknowledgment;
  } else {
    // "If the ACK bit is off, sequence number zero is used, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>"
    reset.flags.ack = true;
    reset.acknowledgment = segment.sequence + segment.sequence_length(payload_size);
  }
  return reset;
}

}  // namespace limpid::tcpip::tcp
