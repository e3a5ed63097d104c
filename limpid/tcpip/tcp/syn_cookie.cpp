#include "limpid/tcpip/tcp/syn_cookie.hpp"

#include "limpid/core/writer.hpp"
#include "limpid/tcpip/tcp/window_scale.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip::tcp {
namespace {

// Of the 32 bits: 3 say which maximum segment size, 1 in which minute, 28 authenticate. An attacker needs 2^27 ACKs for
// one connection, which then has said nothing that it could not have said by its own address.
constexpr std::array<std::uint16_t, 8> sizes{216, 536, 1024, 1220, 1300, 1440, 1460, 8940};
constexpr int size_shift = 29;
constexpr int minute_shift = 28;
constexpr std::uint32_t tag_mask = (std::uint32_t{1} << minute_shift) - 1;

// The low bits of the timestamp: 4 for the window scale (15: none), then SACK and ECN.
constexpr std::uint32_t no_scale = 15;
constexpr std::uint32_t sack_bit = 16;
constexpr std::uint32_t ecn_bit = 32;
constexpr std::uint32_t option_mask = 63;

std::uint64_t period(Instant now) {
  return static_cast<std::uint64_t>(now.microseconds / syn_cookie_period.microseconds);
}

std::uint32_t tag(const crypto::HashTableKey& key, const Birth& birth, wire::SeqNumber irs, std::uint32_t size_index,
                  std::uint64_t minute, std::uint32_t options) {
  std::array<Byte, 1 + 2 * (16 + 2) + 4 + 4 + 8 + 4> message{};
  Writer out(message);
  out.u8('c');  // the key's other uses begin with other letters
  out.bytes(birth.local.address);
  out.u16(birth.local.port);
  out.bytes(birth.remote.address);
  out.u16(birth.remote.port);
  out.u32(irs);
  out.u32(size_index);
  out.u64(minute);
  out.u32(options);
  return static_cast<std::uint32_t>(crypto::keyed_hash(key, message)) & tag_mask;
}

}  // namespace

wire::TcpHeader syn_cookie_answer(const Config& config, const crypto::HashTableKey& key, const Birth& birth,
                                  const wire::TcpHeader& syn, Instant now) {
  const wire::TcpOptions& offered = syn.options;
  const std::uint16_t mss = offered.mss.value_or(address_of(birth.remote).is_ipv4() ? 536 : 1220);
  std::uint32_t index = 0;
  while (index + 1 < sizes.size() && sizes[index + 1] <= mss) ++index;

  wire::TcpHeader answer;
  answer.source_port = birth.local.port;
  answer.destination_port = birth.remote.port;
  answer.acknowledgment = syn.sequence + 1;
  answer.flags.syn = answer.flags.ack = true;
  answer.window = static_cast<std::uint16_t>(std::min<std::uint32_t>(config.initial_receive_window, UINT16_MAX));
  answer.options.mss = birth.mss;
  // Without timestamps there is nowhere to keep what else was offered, so nothing of it is granted.
  std::uint32_t options = no_scale;
  if (config.timestamps && offered.timestamps) {
    const bool ecn = config.ecn && syn.flags.ece && syn.flags.cwr;
    if (config.window_scale && offered.window_scale) {
      options = std::min<std::uint32_t>(*offered.window_scale, 14);
      answer.options.window_scale = window_scale_for(config.max_receive_window);
    }
    if (config.sack && offered.sack_permitted) options |= sack_bit;
    if (ecn) options |= ecn_bit;
    answer.options.sack_permitted = (options & sack_bit) != 0;
    answer.flags.ece = ecn;
    // Never ahead of the clock: what the connection sends within the next milliseconds would look old to the peer (RFC
    // 7323, section 5.3).
    std::uint32_t value = (birth.timestamp_offset & ~option_mask) | options;
    if (wire::seq_after(value, birth.timestamp_offset)) value -= option_mask + 1;
    answer.options.timestamps = wire::TcpTimestamps{value, offered.timestamps->value};
  }
  const std::uint64_t minute = period(now);
  answer.sequence = index << size_shift | static_cast<std::uint32_t>(minute & 1) << minute_shift |
                    tag(key, birth, syn.sequence, index, minute, options);
  return answer;
}

std::optional<AcceptCookie> redeem_syn_cookie(const Config& config, const crypto::HashTableKey& key, const Birth& birth,
                                              const wire::TcpHeader& ack, Instant now) {
  if (!ack.flags.ack || ack.flags.syn || ack.flags.rst) return std::nullopt;
  const std::uint32_t cookie = ack.acknowledgment - 1;
  const wire::SeqNumber irs = ack.sequence - 1;
  const std::uint32_t index = cookie >> size_shift;
  std::uint64_t minute = period(now);
  if ((minute & 1) != (cookie >> minute_shift & 1)) --minute;  // the one before
  std::uint32_t options = no_scale;
  const auto& timestamps = ack.options.timestamps;
  if (config.timestamps && timestamps) options = timestamps->echo & option_mask;
  if (tag(key, birth, irs, index, minute, options) != (cookie & tag_mask)) return std::nullopt;

  AcceptCookie event{birth, irs, {}};
  event.birth.iss = cookie;
  event.negotiated.mss = std::max(sizes[index], config.min_mss);
  event.negotiated.timestamps = config.timestamps && timestamps;
  if (timestamps) event.ts_recent = timestamps->value;
  if ((options & no_scale) != no_scale) event.negotiated.window_scale = static_cast<std::uint8_t>(options & no_scale);
  event.negotiated.sack = (options & sack_bit) != 0;
  event.negotiated.ecn = (options & ecn_bit) != 0;
  return event;
}

}  // namespace limpid::tcpip::tcp
