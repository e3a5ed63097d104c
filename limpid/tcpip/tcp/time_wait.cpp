#include "limpid/tcpip/tcp/time_wait.hpp"

namespace limpid::tcpip::tcp {

using wire::seq_after;

TimeWaitVerdict judge(TimeWaitRecord& record, const wire::TcpHeader& segment, std::size_t payload_size, Instant now,
                      Duration time_wait) {
  using Kind = TimeWaitVerdict::Kind;
  const auto& timestamps = segment.options.timestamps;
  // RFC 1337: a RST that comes late must not assassinate TIME-WAIT.
  if (segment.flags.rst) return {};
  if (segment.flags.syn && !segment.flags.ack) {
    // RFC 6191, section 2: a timestamp that is newer than the last one seen, or without timestamps a sequence number
    // that is larger than the last one seen, belongs to a new connection.
    const bool newer = record.ts_recent && timestamps ? seq_after(timestamps->value, *record.ts_recent)
                                                      : seq_after(segment.sequence, record.rcv_nxt);
    if (newer) return {.kind = Kind::reuse, .least_iss = record.snd_nxt + UINT16_MAX + 2};
  }
  // "The only thing that can arrive in this state is a retransmission of the remote FIN. Acknowledge it, and restart
  // the 2 MSL timeout." Whatever else takes sequence space is acknowledged, too; a pure ACK is not, or two would go on.
  const std::uint32_t length = segment.sequence_length(payload_size);
  if (length == 0) return {};
  TimeWaitVerdict verdict{.kind = Kind::acknowledge};
  wire::TcpHeader& reply = verdict.reply;
  reply.source_port = segment.destination_port;
  reply.destination_port = segment.source_port;
  reply.sequence = record.snd_nxt;
  reply.acknowledgment = record.rcv_nxt;
  reply.flags.ack = true;
  reply.window = record.window;
  if (record.ts_recent) {
    const auto elapsed = static_cast<std::uint32_t>((now - record.timestamp_base).microseconds / 1000);
    reply.options.timestamps = wire::TcpTimestamps{record.timestamp_offset + elapsed, *record.ts_recent};
  }
  verdict.renewed = segment.flags.fin && segment.sequence + length == record.rcv_nxt;
  if (verdict.renewed) record.expires = now + time_wait;
  return verdict;
}

}  // namespace limpid::tcpip::tcp
