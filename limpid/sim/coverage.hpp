// What simulations reached of the TCP/IP stack, as tables of counts: states and what happened in them, timers that
// fired, reasons for which something was dropped. HostWatch fills them; tests/simulator prints them and fails where a
// cell stayed empty.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace limpid::sim {

enum class Table : std::uint8_t {
  segments,    // TCP states, and the segments and ICMP errors that came
  calls,       // TCP states, and what the application and the host did
  neighbours,  // RFC 4861's states, and the next one
  dhcp,        // RFC 2131's states, and what came
  resolver,    // how an inquiry is under way, and what came
  timers,      // each purpose of each timer
  wraps,       // of 32-bit numbers, within a connection
  dropped_by_host,
  dropped_by_tcp,
  dropped_by_ip,
  dropped_by_dns,
  dropped_by_dhcp,
};
inline constexpr std::size_t table_count = static_cast<std::size_t>(Table::dropped_by_dhcp) + 1;

enum class TcpRow : std::uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
};

// A segment by the first of these that it is, where RCV.NXT and SND.NXT are known; otherwise by its flags.
enum class SegmentKind : std::uint8_t {
  odd_flags,  // SYN with FIN or RST
  reset,      // at RCV.NXT
  reset_in_window,
  reset_outside,
  syn,
  syn_ack,
  no_timestamp,
  old_timestamp,
  no_ack,
  outside,    // of the window
  duplicate,  // all of it before RCV.NXT
  ack_unsent,
  fin,  // perhaps with text
  fin_ahead,
  text,
  text_ahead,
  window_closed,  // an ACK that closes it
  ack,
  too_big,  // ICMP errors that quote something in flight
  hard_error,
  soft_error,
};

enum class Call : std::uint8_t {
  listen,
  stop_listening,
  connect,
  write,
  consumed,
  finish,
  abort,
  flush,          // that had something to send
  transmit_done,  // that gave memory back
  pressure_on,
  pressure_off,
};

enum class NeighbourRow : std::uint8_t { none, incomplete, reachable, stale, delay, probe };

enum class DhcpRow : std::uint8_t {
  link_down,
  waiting,
  selecting,
  requesting,
  bound,
  rebooting,
  renewing,
  rebinding,
};
enum class DhcpEvent : std::uint8_t { time, link_up, link_down, offer, ack, nak, other, conflict };

enum class ResolverRow : std::uint8_t { waiting, by_udp, by_tcp };
enum class ResolverEvent : std::uint8_t { time, datagram, bytes, end_of_stream, servers };

enum class Timer : std::uint8_t {
  syn,
  syn_gives_up,
  syn_ack,
  syn_ack_gives_up,
  retransmit,
  retransmit_gives_up,
  loss_probe,
  reorder,
  delayed_ack,
  persist,
  persist_gives_up,
  keepalive,
  keepalive_gives_up,
  user_timeout,
  fin_wait_2,
  writable,
  time_wait,
  address_probe,
  address_announcement,
  address_expiry,
  neighbour_question,
  neighbour_gives_up,
  router_solicitation,
  router_expiry,
  prefix_expiry,
  listener_report,
  reassembly,
  looped,
  dhcp,
  dhcp_renew,
  dhcp_rebind,
  dhcp_expiry,
  resolver_udp,
  resolver_tcp,
  resolver_patience,
  resolver_other_family,
  advertised_servers,
};

enum class Wrap : std::uint8_t { sequence, acknowledgment, timestamp };

struct TableShape {
  std::string_view name;
  std::size_t rows = 0, columns = 0;
};
TableShape shape(Table table);
std::string_view row_name(Table table, std::size_t row);
std::string_view column_name(Table table, std::size_t column);

class Coverage {
 public:
  template <class Row, class Column>
  void hit(Table table, Row row, Column column) {
    ++at(table, static_cast<std::size_t>(row), static_cast<std::size_t>(column));
  }
  // Of a table with one column.
  template <class Row>
  void add(Table table, Row row, std::uint64_t times = 1) {
    at(table, static_cast<std::size_t>(row), 0) += times;
  }
  void add(const Coverage& other) {
    for (std::size_t table = 0; table < table_count; ++table) {
      for (std::size_t cell = 0; cell < most_cells; ++cell) counts_[table][cell] += other.counts_[table][cell];
    }
  }
  std::uint64_t count(Table table, std::size_t row, std::size_t column) const {
    return counts_[static_cast<std::size_t>(table)][row * shape(table).columns + column];
  }

 private:
  static constexpr std::size_t most_cells = 256;
  std::uint64_t& at(Table table, std::size_t row, std::size_t column) {
    return counts_[static_cast<std::size_t>(table)][row * shape(table).columns + column];
  }
  std::array<std::array<std::uint64_t, most_cells>, table_count> counts_{};
};

}  // namespace limpid::sim
