#include "limpid/sim/oracle_rules.hpp"

namespace limpid::sim {
namespace {

struct Text {
  std::string_view name, sentence;
};

constexpr Text text_of(Rule rule) {
  switch (rule) {
    case Rule::frame_truncated:
      return {"frame_truncated", "RFC 894: an IP datagram lies behind a whole Ethernet header"};
    case Rule::group_source:
      return {"group_source", "IEEE 802.3, 3.2.3: the source address is an individual one"};
    case Rule::ip_header:
      return {"ip_header",
              "RFC 1122, 3.2.1.2: \"A host MUST verify the IP header checksum on every received datagram\""};
    case Rule::ip_time_to_live:
      return {"ip_time_to_live",
              "RFC 1122, 3.2.1.7: \"A host MUST NOT send a datagram with a Time-to-Live (TTL) value of zero\""};
    case Rule::ip_source:
      return {"ip_source",
              "RFC 1122, 3.2.1.3: \"When a host sends any datagram, the IP source address MUST be one of its own IP "
              "addresses (but not a broadcast or multicast address)\""};
    case Rule::ip_land:
      return {"ip_land", "RFC 1122, 3.2.1.3: a datagram on the wire does not come from where it goes to"};
    case Rule::fragment_identification:
      return {"fragment_identification",
              "RFC 6864: \"Sources emitting non-atomic datagrams MUST NOT repeat IPv4 ID values within one MDL\""};
    case Rule::transport_checksum:
      return {"transport_checksum", "RFC 9293, 3.1: \"The sender MUST generate it (MUST-2)\""};
    case Rule::udp_checksum_missing:
      return {"udp_checksum_missing",
              "RFC 8200, 8.1: \"Unlike IPv4, the default behavior when UDP packets are originated by an IPv6 node is "
              "that the UDP checksum is not optional\""};
    case Rule::transport_header:
      return {"transport_header", "RFC 9293, 3.1: the header is whole and as long as it says"};
    case Rule::arp_sender:
      return {"arp_sender", "RFC 826: \"ar$sha: 48.bit address of the sender\""};
    case Rule::arp_rate:
      return {
          "arp_rate",
          "RFC 1122, 2.3.2.1: \"A mechanism to prevent ARP flooding [...] MUST be included. The recommended maximum "
          "rate is 1 per second per destination.\""};
    case Rule::nd_hop_limit:
      return {"nd_hop_limit", "RFC 4861, 7.1: \"The IP Hop Limit field has a value of 255\""};
    case Rule::nd_message:
      return {"nd_message", "RFC 4861, 7.1.1 and 7.1.2: what a receiver silently discards is not sent"};
    case Rule::nd_rate:
      return {"nd_rate",
              "RFC 4861, 7.2.2: \"the sender SHOULD retransmit Neighbor Solicitation messages approximately every "
              "RetransTimer milliseconds\""};
    case Rule::tcp_options:
      return {"tcp_options",
              "RFC 9293, 3.2: \"all TCP Options except [EOL] and [NOP] MUST have length fields (MUST-68)\""};
    case Rule::syn_sequence:
      return {"syn_sequence", "RFC 9293, 3.4.1: a connection has one initial sequence number a direction"};
    case Rule::syn_acknowledgment:
      return {"syn_acknowledgment", "RFC 9293, 3.10.7.2: <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>"};
    case Rule::syn_options:
      return {"syn_options",
              "RFC 7323, 2.2 and RFC 9293, 3.2: maximum segment size, window scale (at most 14) and SACK-permitted are "
              "sent in SYN segments only, and answered only if offered"};
    case Rule::ack_missing:
      return {"ack_missing", "RFC 9293, 3.1: \"Once a connection is established, this is always sent\""};
    case Rule::ack_beyond_received:
      return {
          "ack_beyond_received",
          "RFC 9293, 3.4: \"an acknowledgment of sequence number X indicates that all octets up to but not including X "
          "have been received\""};
    case Rule::ack_backwards:
      return {"ack_backwards", "RFC 9293, 3.4: \"The acknowledgment mechanism employed is cumulative\""};
    case Rule::ack_delayed:
      return {"ack_delayed", "RFC 9293, 3.8.6.3: \"in particular, the delay MUST be less than 0.5 seconds (MUST-40)\""};
    case Rule::ack_frequency:
      return {"ack_frequency",
              "RFC 9293, 3.8.6.3: \"An ACK SHOULD be generated for at least every second full-sized segment\""};
    case Rule::bytes_changed:
      return {"bytes_changed", "RFC 9293, 3.4: every octet of data has a sequence number, and one value"};
    case Rule::beyond_window:
      return {
          "beyond_window",
          "RFC 9293, 3.8.6: the window is what the receiver is prepared to accept; beyond it only a closed window is "
          "probed, with one octet"};
    case Rule::window_shrunk:
      return {"window_shrunk",
              "RFC 9293, 3.8.6: \"A TCP receiver SHOULD NOT shrink the window, i.e., move the right window edge to the "
              "left\""};
    case Rule::beyond_fin:
      return {"beyond_fin", "RFC 9293, 3.6: \"CLOSE is an operation meaning 'I have no more data to send'\""};
    case Rule::fin_moved:
      return {"fin_moved", "RFC 9293, 3.4: FIN has one place in the sequence space, behind all data"};
    case Rule::data_after_reset:
      return {"data_after_reset", "RFC 9293, 3.10.7: who resets a connection deletes it"};
    case Rule::segment_size:
      return {"segment_size",
              "RFC 9293, 3.7.1: \"The maximum size of a segment that a TCP endpoint really sends, the 'effective send "
              "MSS', MUST be the smaller (MUST-16) of the send MSS [...] and the largest transmission size\""};
    case Rule::initial_window:
      return {"initial_window", "RFC 6928, 2: \"min (10*MSS, max (2*MSS, 14600))\""};
    case Rule::early_retransmission:
      return {"early_retransmission", "RFC 6298, 2: a time-out has a floor; nothing was heard that would show a loss"};
    case Rule::back_off:
      return {"back_off", "RFC 6298, 5.5: \"The host MUST set RTO <- RTO * 2 ('back off the timer')\""};
    case Rule::reset_sequence:
      return {
          "reset_sequence",
          "RFC 9293, 3.5.2: \"the reset takes its sequence number from the ACK field of the segment; otherwise, the "
          "reset has sequence number zero\""};
    case Rule::sack_not_permitted:
      return {"sack_not_permitted",
              "RFC 2018, 2: \"the SACK option [...] once permission has been given by SACK-permitted\""};
    case Rule::sack_untruthful:
      return {
          "sack_untruthful",
          "RFC 2018, 3: \"Each contiguous block of data queued at the data receiver is defined in the SACK option\""};
    case Rule::sack_first_block:
      return {"sack_first_block",
              "RFC 2018, 4: \"The first SACK block [...] MUST specify the contiguous block of data containing the "
              "segment which triggered this ACK\""};
    case Rule::timestamps_not_negotiated:
      return {"timestamps_not_negotiated", "RFC 7323, 3.2: only what both SYN segments offered is sent"};
    case Rule::timestamps_missing:
      return {"timestamps_missing",
              "RFC 7323, 3.2: \"Once TSopt has been successfully negotiated [...] the TSopt MUST be sent in every "
              "non-<RST> segment\""};
    case Rule::timestamps_backwards:
      return {"timestamps_backwards", "RFC 7323, 4.1: timestamps come from a clock that does not run backwards"};
    case Rule::timestamps_echo:
      return {"timestamps_echo",
              "RFC 7323, 3.2: the echo reply \"echoes a timestamp value that was sent by the remote TCP\""};
  }
  return {};
}

}  // namespace

std::string_view name(Rule rule) { return text_of(rule).name; }
std::string_view sentence(Rule rule) { return text_of(rule).sentence; }

}  // namespace limpid::sim
