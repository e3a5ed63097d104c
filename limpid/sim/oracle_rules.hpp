// The rules that the oracle holds traffic to, each with the sentence that demands it.
#pragma once

#include <cstdint>
#include <string_view>

namespace limpid::sim {

enum class Rule : std::uint8_t {
  // Frames, ARP, IP, Neighbour Discovery.
  frame_truncated,
  group_source,
  ip_header,
  ip_time_to_live,
  ip_source,
  ip_land,
  fragment_identification,
  transport_checksum,
  udp_checksum_missing,
  transport_header,
  arp_sender,
  arp_rate,
  nd_hop_limit,
  nd_message,
  nd_rate,
  // One TCP connection.
  tcp_options,
  syn_sequence,
  syn_acknowledgment,
  syn_options,
  ack_missing,
  ack_beyond_received,
  ack_backwards,
  ack_delayed,
  ack_frequency,
  bytes_changed,
  beyond_window,
  window_shrunk,
  beyond_fin,
  fin_moved,
  data_after_reset,
  segment_size,
  initial_window,
  early_retransmission,
  back_off,
  reset_sequence,
  sack_not_permitted,
  sack_untruthful,
  sack_first_block,
  timestamps_not_negotiated,
  timestamps_missing,
  timestamps_backwards,
  timestamps_echo,
};
inline constexpr std::size_t rule_count = static_cast<std::size_t>(Rule::timestamps_echo) + 1;

std::string_view name(Rule rule);
// Where the rule stands and what is said there.
std::string_view sentence(Rule rule);

}  // namespace limpid::sim
