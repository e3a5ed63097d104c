#include "limpid/sim/coverage.hpp"

#include "limpid/tcpip/host/host.hpp"

namespace limpid::sim {
namespace {

constexpr std::string_view tcp_rows[] = {"CLOSED",      "LISTEN",     "SYN-SENT",   "SYN-RECEIVED",
                                         "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                         "CLOSING",     "LAST-ACK",   "TIME-WAIT"};
constexpr std::string_view segments[] = {
    "odd_flags",     "reset",      "reset_in_window", "reset_outside", "syn",        "syn_ack",    "no_timestamp",
    "old_timestamp", "no_ack",     "outside",         "duplicate",     "ack_unsent", "fin",        "fin_ahead",
    "text",          "text_ahead", "window_closed",   "ack",           "too_big",    "hard_error", "soft_error"};
constexpr std::string_view calls[] = {"listen",        "stop_listening", "connect",     "write",
                                      "consumed",      "finish",         "abort",       "flush",
                                      "transmit_done", "pressure_on",    "pressure_off"};
constexpr std::string_view neighbour_rows[] = {"none", "INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE"};
constexpr std::string_view dhcp_rows[] = {"link_down", "waiting",   "SELECTING", "REQUESTING",
                                          "BOUND",     "REBOOTING", "RENEWING",  "REBINDING"};
constexpr std::string_view dhcp_events[] = {"time", "link_up", "link_down", "offer", "ack", "nak", "other", "conflict"};
constexpr std::string_view resolver_rows[] = {"waiting", "by_udp", "by_tcp"};
constexpr std::string_view resolver_events[] = {"time", "datagram", "bytes", "end_of_stream", "servers"};
constexpr std::string_view timers[] = {"syn",
                                       "syn_gives_up",
                                       "syn_ack",
                                       "syn_ack_gives_up",
                                       "retransmit",
                                       "retransmit_gives_up",
                                       "loss_probe",
                                       "reorder",
                                       "delayed_ack",
                                       "persist",
                                       "persist_gives_up",
                                       "keepalive",
                                       "keepalive_gives_up",
                                       "user_timeout",
                                       "fin_wait_2",
                                       "writable",
                                       "time_wait",
                                       "address_probe",
                                       "address_announcement",
                                       "address_expiry",
                                       "neighbour_question",
                                       "neighbour_gives_up",
                                       "router_solicitation",
                                       "router_expiry",
                                       "prefix_expiry",
                                       "listener_report",
                                       "reassembly",
                                       "looped",
                                       "dhcp",
                                       "dhcp_renew",
                                       "dhcp_rebind",
                                       "dhcp_expiry",
                                       "resolver_udp",
                                       "resolver_tcp",
                                       "resolver_patience",
                                       "resolver_other_family",
                                       "advertised_servers"};

constexpr std::string_view wraps[] = {"sequence", "acknowledgment", "timestamp"};

}  // namespace

TableShape shape(Table table) {
  switch (table) {
    case Table::segments:
      return {"segments", std::size(tcp_rows), std::size(segments)};
    case Table::calls:
      return {"calls", std::size(tcp_rows), std::size(calls)};
    case Table::neighbours:
      return {"neighbours", std::size(neighbour_rows), std::size(neighbour_rows)};
    case Table::dhcp:
      return {"dhcp", std::size(dhcp_rows), std::size(dhcp_events)};
    case Table::resolver:
      return {"resolver", std::size(resolver_rows), std::size(resolver_events)};
    case Table::timers:
      return {"timers", std::size(timers), 1};
    case Table::wraps:
      return {"wraps", std::size(wraps), 1};
    case Table::dropped_by_host:
      return {"dropped", tcpip::host::drop_kinds, 1};
    case Table::dropped_by_tcp:
      return {"dropped_by_tcp", tcpip::tcp::ignored_reasons, 1};
    case Table::dropped_by_ip:
      return {"dropped_by_ip", tcpip::ip::drop_kinds, 1};
    case Table::dropped_by_dns:
      return {"dropped_by_dns", tcpip::dns::drop_reasons, 1};
    case Table::dropped_by_dhcp:
      return {"dropped_by_dhcp", tcpip::dhcp::drop_reasons, 1};
  }
  return {};
}

std::string_view row_name(Table table, std::size_t row) {
  switch (table) {
    case Table::segments:
    case Table::calls:
      return tcp_rows[row];
    case Table::neighbours:
      return neighbour_rows[row];
    case Table::dhcp:
      return dhcp_rows[row];
    case Table::resolver:
      return resolver_rows[row];
    case Table::timers:
      return timers[row];
    case Table::wraps:
      return wraps[row];
    case Table::dropped_by_host:
      return name(static_cast<tcpip::host::Drop>(row));
    case Table::dropped_by_tcp:
      return name(static_cast<tcpip::tcp::Ignored>(row));
    case Table::dropped_by_ip:
      return name(static_cast<tcpip::ip::Drop>(row));
    case Table::dropped_by_dns:
      return name(static_cast<tcpip::dns::Drop>(row));
    case Table::dropped_by_dhcp:
      return name(static_cast<tcpip::dhcp::Drop>(row));
  }
  return "";
}

std::string_view column_name(Table table, std::size_t column) {
  switch (table) {
    case Table::segments:
      return segments[column];
    case Table::calls:
      return calls[column];
    case Table::neighbours:
      return neighbour_rows[column];
    case Table::dhcp:
      return dhcp_events[column];
    case Table::resolver:
      return resolver_events[column];
    default:
      return "";
  }
}

}  // namespace limpid::sim
