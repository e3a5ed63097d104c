#include "limpid/sim/host_watch.hpp"

#include <tuple>

#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/icmpv4.hpp"
#include "limpid/tcpip/wire/icmpv6.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"
#include "limpid/tcpip/wire/udp.hpp"

namespace limpid::sim {
namespace {

using namespace tcpip;
using wire::SeqNumber;
using wire::TcpHeader;

// Gives the field of that number, of those that are saved, to `look`.
template <std::size_t number, class T, class Look>
void look_at(const T& of, Look&& look) {
  T::fields(of, [&](const auto&... all) { look(std::get<number>(std::tie(all...))); });
}

// Numbers in Host, ip::Interface, ip::RouterList, dhcp::Client, dns::Resolver, tcp::Connection.
constexpr std::size_t host_started = 0, host_dhcp = 7, host_resolver = 8, host_time_waits = 10, host_listeners = 11,
                      host_advertised_until = 14;
constexpr std::size_t ip_solicit_at = 10, ip_listener = 11, ip_looped_due = 16;
constexpr std::size_t routers_routers = 4, routers_prefixes = 5;
constexpr std::size_t dhcp_phase = 2;
constexpr std::size_t resolver_servers = 2, resolver_lookups = 3;
constexpr std::size_t connection_phase = 0;

bool is_due(const std::optional<Instant>& at, Instant now) { return at && *at <= now; }

bool is_started(const Host& host) {
  bool started = false;
  look_at<host_started>(host, [&](bool value) { started = value; });
  return started;
}

bool listens(const Host& host, std::uint16_t port) {
  bool found = false;
  look_at<host_listeners>(host, [&](const auto& listeners) {
    for (const auto& listener : listeners) found = found || listener.port == port;
  });
  return found;
}

const host::TimeWait* time_wait_of(const Host& host, const host::Flow& flow) {
  const host::TimeWait* found = nullptr;
  look_at<host_time_waits>(host, [&](const host::TimeWaits& waits) {
    look_at<0>(waits, [&](const auto& slab) {
      for (std::uint32_t i = 0; i < slab.size(); ++i) {
        if (slab.holds(i) && slab[i].flow == flow) found = &slab[i];
      }
    });
  });
  return found;
}

const host::Entry* connection_of(const Host& host, const host::Flow& flow) {
  const host::Connections& connections = host.connections();
  for (std::uint32_t i = 0; i < connections.size(); ++i) {
    if (connections.holds(i) && connections[i].flow == flow) return &connections[i];
  }
  return nullptr;
}

TcpRow row_of(const tcp::Connection& connection) {
  const std::string_view state = connection.state_name();
  for (std::size_t row = 0; row < shape(Table::calls).rows; ++row) {
    if (row_name(Table::calls, row) == state) return static_cast<TcpRow>(row);
  }
  return TcpRow::closed;
}

std::optional<DhcpRow> row_of(const dhcp::Client& client) {
  std::optional<DhcpRow> row;
  look_at<dhcp_phase>(client, [&](const auto& phase) {
    constexpr std::optional<DhcpRow> rows[] = {std::nullopt,       DhcpRow::link_down,  DhcpRow::waiting,
                                               DhcpRow::selecting, DhcpRow::requesting, DhcpRow::bound};
    if (phase.index() < std::size(rows)) {
      row = rows[phase.index()];
    } else {
      row = static_cast<DhcpRow>(static_cast<std::size_t>(DhcpRow::rebooting) +
                                 static_cast<std::size_t>(std::get<std::size(rows)>(phase).way));
    }
  });
  return row;
}

const dhcp::Client* dhcp_of(const Host& host) {
  const dhcp::Client* client = nullptr;
  look_at<host_dhcp>(host, [&](const auto& box) {
    if (box) client = &*box;
  });
  return client;
}

// With each inquiry that is under way.
template <class Look>
void each_inquiry(const Host& host, Look&& look) {
  look_at<host_resolver>(host, [&](const dns::Resolver& resolver) {
    look_at<resolver_lookups>(resolver, [&](const auto& lookups) {
      for (const auto& lookup : lookups) {
        for (const auto& inquiry : lookup.inquiries) {
          constexpr int waiting = 1, by_tcp = 3;
          const int stage = static_cast<int>(inquiry.stage);
          if (stage >= waiting && stage <= by_tcp) look(lookup, inquiry, static_cast<ResolverRow>(stage - waiting));
        }
      }
    });
  });
}

}  // namespace

void HostWatch::before(const Host::Config& config, const Host& host, Instant now, const Host::Event& event) {
  if (!is_started(host)) return;
  neighbours_ = {};
  neighbours_known_ = host.interface().neighbours().size() <= most_neighbours;
  if (neighbours_known_) {
    look_at<0>(host.interface().neighbours(), [&](const auto& entries) {
      for (const ip::Neighbour& neighbour : entries) neighbours_.push_back({neighbour.address, neighbour.state});
    });
  }
  const host::Connections& connections = host.connections();
  for (std::uint32_t i = 0; i < std::min<std::size_t>(connections.size(), pressed_.size()); ++i) {
    pressed_[i] = {};
    if (connections.holds(i)) pressed_[i] = {connections[i].pressed, row_of(connections[i].tcp)};
  }
  conflicts_ = host.interface().drops()[ip::Drop::arp_conflict];
  const dhcp::Client* const client = dhcp_of(host);
  dhcp_ = client != nullptr ? row_of(*client) : std::nullopt;
  leased_ = client != nullptr && client->lease();
  look_at<host_resolver>(host, [&](const dns::Resolver& resolver) {
    look_at<resolver_servers>(resolver, [&](const auto& servers) { servers_ = servers.size(); });
  });
  inquiries_ = {};
  each_inquiry(host,
               [&](const auto&, const auto&, ResolverRow row) { inquiries_[static_cast<std::size_t>(row)] = true; });

  timers(config, host, now);
  std::visit(Overloaded{
                 [&](const FrameReceived& e) { frame(host, e.frame, e.offload); },
                 [&](const LinkChanged& e) {
                   if (dhcp_) coverage_.hit(Table::dhcp, *dhcp_, e.up ? DhcpEvent::link_up : DhcpEvent::link_down);
                 },
                 [&](const Flush&) {
                   for (std::uint32_t i = 0; i < connections.size(); ++i) {
                     if (!connections.holds(i) || !connections[i].tcp.needs_flush()) continue;
                     coverage_.hit(Table::calls, row_of(connections[i].tcp), Call::flush);
                   }
                 },
                 [&](const TransmitDone& e) {
                   const ConnectionId id{static_cast<std::uint32_t>(e.pin.connection),
                                         static_cast<std::uint32_t>(e.pin.connection >> 32)};
                   if (connections.find(id) != host::no_index) call(host, Call::transmit_done, id);
                 },
                 [&](const host::Listen& e) {
                   coverage_.hit(Table::calls, listens(host, e.port) ? TcpRow::listen : TcpRow::closed, Call::listen);
                 },
                 [&](const host::StopListening& e) {
                   coverage_.hit(Table::calls, listens(host, e.port) ? TcpRow::listen : TcpRow::closed,
                                 Call::stop_listening);
                 },
                 [&](const host::Connect&) { coverage_.hit(Table::calls, TcpRow::closed, Call::connect); },
                 [&](const host::Write& e) { call(host, Call::write, e.id); },
                 [&](const host::Consumed& e) { call(host, Call::consumed, e.id); },
                 [&](const host::Finish& e) { call(host, Call::finish, e.id); },
                 [&](const host::Abort& e) { call(host, Call::abort, e.id); },
                 [](const auto&) {},
             },
             event);
}

void HostWatch::call(const Host& host, Call call, const ConnectionId& id) {
  const std::uint32_t index = host.connections().find(id);
  coverage_.hit(Table::calls, index == host::no_index ? TcpRow::closed : row_of(host.connections()[index].tcp), call);
}

void HostWatch::after(const Host& host) {
  if (!is_started(host)) return;
  const auto row = [](ip::Reachability state) {
    return static_cast<NeighbourRow>(1 + static_cast<std::size_t>(state));
  };
  const ip::NeighbourCache& cache = host.interface().neighbours();
  if (neighbours_known_ && cache.size() <= most_neighbours) {
    std::size_t found = 0;
    for (const Known& known : neighbours_) {
      const ip::Neighbour* const now = cache.find(known.address);
      if (now != nullptr) ++found;
      if (now != nullptr && now->state == known.state) continue;
      // One that made room for others, and was looked for again in the same step.
      const bool anew = now != nullptr && now->state == ip::Reachability::incomplete;
      coverage_.hit(Table::neighbours, row(known.state), now == nullptr || anew ? NeighbourRow::none : row(now->state));
    }
    if (found < cache.size()) {
      look_at<0>(cache, [&](const auto& entries) {
        for (const ip::Neighbour& neighbour : entries) {
          const bool known = std::any_of(neighbours_.begin(), neighbours_.end(),
                                         [&](const Known& k) { return k.address == neighbour.address; });
          if (known) continue;
          // One that was heard of and used in one step.
          const bool used = neighbour.state == ip::Reachability::delay;
          coverage_.hit(Table::neighbours, NeighbourRow::none, used ? NeighbourRow::stale : row(neighbour.state));
        }
      });
    }
  }
  const host::Connections& connections = host.connections();
  for (std::uint32_t i = 0; i < std::min<std::size_t>(connections.size(), pressed_.size()); ++i) {
    if (!connections.holds(i) || pressed_[i].row == TcpRow::closed) continue;
    if (connections[i].pressed == pressed_[i].on) continue;
    coverage_.hit(Table::calls, pressed_[i].row, connections[i].pressed ? Call::pressure_on : Call::pressure_off);
  }
  const dhcp::Client* const client = dhcp_of(host);
  const bool conflict = host.interface().drops()[ip::Drop::arp_conflict] != conflicts_;
  if (client != nullptr && dhcp_ && conflict && leased_ && !client->lease()) {
    coverage_.hit(Table::dhcp, *dhcp_, DhcpEvent::conflict);
  }
  std::size_t servers = 0;
  look_at<host_resolver>(host, [&](const dns::Resolver& resolver) {
    look_at<resolver_servers>(resolver, [&](const auto& list) { servers = list.size(); });
  });
  for (std::size_t i = 0; servers != servers_ && i < inquiries_.size(); ++i) {
    if (inquiries_[i]) coverage_.hit(Table::resolver, i, ResolverEvent::servers);
  }
}

void HostWatch::end(const Host& host) {
  for (std::size_t i = 0; i < host::drop_kinds; ++i) {
    coverage_.add(Table::dropped_by_host, i, host.dropped(static_cast<host::Drop>(i)));
  }
  for (std::size_t i = 0; i < ip::drop_kinds; ++i) {
    coverage_.add(Table::dropped_by_ip, i, host.interface().drops()[static_cast<ip::Drop>(i)]);
  }
  constexpr std::size_t host_ignored = 23;
  look_at<host_ignored>(host, [&](const host::Counts<tcp::Ignored, tcp::ignored_reasons>& ignored) {
    for (std::size_t i = 0; i < tcp::ignored_reasons; ++i) {
      coverage_.add(Table::dropped_by_tcp, i, ignored[static_cast<tcp::Ignored>(i)]);
    }
  });
  look_at<host_resolver>(host, [&](const dns::Resolver& resolver) {
    for (std::size_t i = 0; i < dns::drop_reasons; ++i) {
      coverage_.add(Table::dropped_by_dns, i, resolver.dropped(static_cast<dns::Drop>(i)));
    }
  });
  const dhcp::Client* const client = dhcp_of(host);
  for (std::size_t i = 0; client != nullptr && i < dhcp::drop_reasons; ++i) {
    coverage_.add(Table::dropped_by_dhcp, i, client->dropped(static_cast<dhcp::Drop>(i)));
  }
}

// Timers.

void HostWatch::timers(const Host::Config& config, const Host& host, Instant now) {
  const auto fired = [&](Timer timer) { coverage_.add(Table::timers, timer); };
  if (const auto due = host.deadline(); !is_due(due, now)) return;
  const host::Connections& connections = host.connections();
  for (std::uint32_t i = 0; i < connections.size(); ++i) {
    if (connections.holds(i) && is_due(connections[i].tcp.deadline(), now)) {
      connection_timers(config.tcp, connections[i].tcp, now);
    }
  }
  look_at<host_time_waits>(host, [&](const host::TimeWaits& waits) {
    if (is_due(waits.deadline(), now)) fired(Timer::time_wait);
  });
  const ip::Interface& interface = host.interface();
  for (const ip::LocalAddress& local : interface.addresses()) {
    if (is_due(local.next, now)) {
      fired(local.undecided() ? Timer::address_probe : Timer::address_announcement);
    }
    if (is_due(local.valid_until, now)) fired(Timer::address_expiry);
  }
  look_at<0>(interface.neighbours(), [&](const auto& entries) {
    for (const ip::Neighbour& neighbour : entries) {
      const bool asks = neighbour.state == ip::Reachability::incomplete || neighbour.state == ip::Reachability::probe;
      if (!asks || neighbour.deadline > now) continue;
      fired(neighbour.solicitations < ip::NeighbourCache::max_solicitations ? Timer::neighbour_question
                                                                            : Timer::neighbour_gives_up);
    }
  });
  look_at<ip_solicit_at>(interface, [&](const auto& at) {
    if (is_due(at, now)) fired(Timer::router_solicitation);
  });
  look_at<ip_listener>(interface, [&](const auto& listener) {
    if (listener.is_due(now)) fired(Timer::listener_report);
  });
  look_at<ip_looped_due>(interface, [&](const auto& at) {
    if (is_due(at, now)) fired(Timer::looped);
  });
  look_at<routers_routers>(interface.routers(), [&](const auto& routers) {
    for (const ip::Router& router : routers) {
      if (router.until <= now) fired(Timer::router_expiry);
    }
  });
  look_at<routers_prefixes>(interface.routers(), [&](const auto& prefixes) {
    for (const ip::OnLinkPrefix& prefix : prefixes) {
      if (is_due(prefix.until, now)) fired(Timer::prefix_expiry);
    }
  });
  if (is_due(interface.reassembler().deadline(), now)) fired(Timer::reassembly);
  if (const dhcp::Client* const client = dhcp_of(host); client != nullptr && dhcp_ && is_due(client->deadline(), now)) {
    coverage_.hit(Table::dhcp, *dhcp_, DhcpEvent::time);
    fired(Timer::dhcp);
    if (client->lease() && client->lease()->times) {
      const dhcp::Lease::Times& times = *client->lease()->times;
      if (*dhcp_ == DhcpRow::bound && times.renew <= now) fired(Timer::dhcp_renew);
      if (*dhcp_ == DhcpRow::renewing && times.rebind <= now) fired(Timer::dhcp_rebind);
      if (times.expire <= now) fired(Timer::dhcp_expiry);
    }
  }
  each_inquiry(host, [&](const auto& lookup, const auto& inquiry, ResolverRow row) {
    if (is_due(lookup.until, now)) fired(Timer::resolver_other_family);
    if (!is_due(inquiry.deadline, now)) return;
    coverage_.hit(Table::resolver, row, ResolverEvent::time);
    fired(row == ResolverRow::by_udp   ? Timer::resolver_udp
          : row == ResolverRow::by_tcp ? Timer::resolver_tcp
                                       : Timer::resolver_patience);
  });
  look_at<host_advertised_until>(host, [&](const auto& until) {
    if (is_due(until, now)) fired(Timer::advertised_servers);
  });
}

void HostWatch::connection_timers(const tcp::Config& config, const tcp::Connection& connection, Instant now) {
  const auto fired = [&](Timer timer) { coverage_.add(Table::timers, timer); };
  const tcp::Synchronized* const t = connection.synchronized();
  if (t == nullptr) {
    look_at<connection_phase>(connection, [&](const auto& phase) {
      std::visit(
          [&](const auto& one) {
            if constexpr (requires { one.retries; }) {
              const bool passive = requires { one.irs; };
              const bool last = one.retries >= config.syn_retries;
              fired(passive ? (last ? Timer::syn_ack_gives_up : Timer::syn_ack)
                            : (last ? Timer::syn_gives_up : Timer::syn));
            }
          },
          phase);
    });
    return;
  }
  const tcp::Timers& timers = t->timers;
  if (is_due(timers.user_timeout, now)) return fired(Timer::user_timeout);
  if (is_due(timers.fin_wait_2, now)) return fired(Timer::fin_wait_2);
  if (is_due(timers.delayed_ack, now)) fired(Timer::delayed_ack);
  if (is_due(timers.writable, now)) fired(Timer::writable);
  if (is_due(timers.reorder, now)) fired(Timer::reorder);
  if (is_due(timers.loss_probe, now)) fired(Timer::loss_probe);
  if (is_due(timers.retransmit, now)) {
    if (t->retransmissions >= config.data_retries) return fired(Timer::retransmit_gives_up);
    fired(Timer::retransmit);
  }
  if (is_due(timers.persist, now)) {
    if (t->unanswered_probes >= config.data_retries) return fired(Timer::persist_gives_up);
    fired(Timer::persist);
  }
  if (is_due(timers.keepalive, now) && now - t->last_heard >= config.keepalive_idle) {
    fired(t->unanswered_probes >= config.keepalive_probes ? Timer::keepalive_gives_up : Timer::keepalive);
  }
}

// Frames.

void HostWatch::frame(const Host& host, Bytes frame, const ReceiveOffload& offload) {
  const auto ethernet = wire::EthernetHeader::parse(frame);
  bool link_up = false;
  look_at<1>(host.interface(), [&](bool up) { link_up = up; });
  if (!ethernet || !link_up) return;
  const Bytes packet = ethernet->payload(frame);
  IpAddress source, destination;
  Protocol protocol{};
  Bytes payload;
  if (ethernet->header.ether_type == wire::EtherType::ipv4) {
    const auto ip = wire::Ipv4Header::parse(packet);
    if (!ip || ip->header.is_fragment()) return;
    source = ip->header.source;
    destination = ip->header.destination;
    protocol = ip->header.protocol;
    payload = ip->payload(packet);
  } else if (ethernet->header.ether_type == wire::EtherType::ipv6) {
    const auto ip = wire::Ipv6Header::parse(packet);
    if (!ip) return;
    source = ip->header.source;
    destination = ip->header.destination;
    protocol = ip->header.next_header;
    payload = ip->payload(packet);
  } else {
    return;
  }
  if (protocol == Protocol::udp && dhcp_) datagram(host, payload);
  const ip::Interface& interface = host.interface();
  if (ethernet->header.destination.is_group() || !interface.is_ours(destination) || interface.is_ours(source) ||
      source.is_multicast() || source.is_loopback()) {
    return;
  }
  if (!offload.checksum_good && wire::transport_checksum(source, destination, protocol, payload) != 0) return;
  if (protocol == Protocol::tcp) {
    const auto tcp = TcpHeader::parse(payload);
    if (!tcp) return;
    segment(host, {endpoint(destination, tcp->header.destination_port), endpoint(source, tcp->header.source_port)},
            tcp->header, tcp->payload_size);
  } else if (protocol == Protocol::udp) {
    const auto udp = wire::UdpHeader::parse(payload);
    if (!udp) return;
    each_inquiry(host, [&](const auto&, const auto& inquiry, ResolverRow row) {
      if (row == ResolverRow::by_udp && inquiry.source_port == udp->header.destination_port) {
        coverage_.hit(Table::resolver, row, ResolverEvent::datagram);
      }
    });
  } else if (protocol == Protocol::icmp) {
    const auto icmp = wire::Icmpv4Header::parse(payload);
    if (!icmp || icmp->header.type != wire::Icmpv4Type::destination_unreachable) return;
    error(host, icmp->payload(payload), true,
          icmp->header.code == 4                             ? SegmentKind::too_big
          : icmp->header.code == 2 || icmp->header.code == 3 ? SegmentKind::hard_error
                                                             : SegmentKind::soft_error);
  } else if (protocol == Protocol::icmpv6) {
    const auto icmp = wire::Icmpv6Header::parse(payload);
    if (!icmp || !icmp->header.is_error()) return;
    const bool hard = icmp->header.type == wire::Icmpv6Type::destination_unreachable && icmp->header.code == 4;
    error(host, icmp->payload(payload), false,
          icmp->header.type == wire::Icmpv6Type::packet_too_big ? SegmentKind::too_big
          : hard                                                ? SegmentKind::hard_error
                                                                : SegmentKind::soft_error);
  }
}

struct HostWatch::Receiver {
  TcpRow row = TcpRow::closed;
  std::optional<SeqNumber> rcv_nxt{};
  std::uint32_t window = 0;
  std::optional<SeqNumber> snd_nxt{};
  SeqNumber snd_una = 0;
  std::optional<std::uint32_t> ts_recent{};
  bool resolver = false;

  static Receiver of(const Host& host, const host::Flow& flow) {
    Receiver receiver;
    if (const host::Entry* const entry = connection_of(host, flow)) {
      receiver.row = row_of(entry->tcp);
      receiver.resolver = static_cast<bool>(entry->resolver);
      if (const tcp::Synchronized* const t = entry->tcp.synchronized()) {
        receiver.rcv_nxt = t->rcv_nxt;
        receiver.window = t->rcv_wnd();
        receiver.snd_nxt = t->snd_nxt();
        receiver.snd_una = t->snd_una();
        if (t->timestamps) receiver.ts_recent = t->timestamps->ts_recent;
        return receiver;
      }
      look_at<connection_phase>(entry->tcp, [&](const auto& phase) {
        std::visit(
            [&](const auto& one) {
              if constexpr (requires { one.birth; }) {
                receiver.snd_nxt = one.birth.iss + 1;
                receiver.snd_una = one.birth.iss;
              }
              if constexpr (requires { one.irs; }) {
                receiver.rcv_nxt = one.irs + 1;
                receiver.window = UINT16_MAX;
                if (one.negotiated.timestamps) receiver.ts_recent = one.ts_recent;
              }
            },
            phase);
      });
    } else if (const host::TimeWait* const wait = time_wait_of(host, flow)) {
      receiver.row = TcpRow::time_wait;
      receiver.rcv_nxt = wait->record.rcv_nxt;
      receiver.window = wait->record.window;
      receiver.snd_nxt = wait->record.snd_nxt;
      receiver.snd_una = wait->record.snd_nxt;
      receiver.ts_recent = wait->record.ts_recent;
    } else if (listens(host, flow.local.port)) {
      receiver.row = TcpRow::listen;
    }
    return receiver;
  }
};

void HostWatch::segment(const Host& host, const host::Flow& flow, const TcpHeader& header, std::size_t payload_size) {
  const Receiver to = Receiver::of(host, flow);
  const wire::TcpFlags& flags = header.flags;
  const std::uint32_t length = header.sequence_length(payload_size);
  const std::uint32_t offset = to.rcv_nxt ? header.sequence - *to.rcv_nxt : 0;
  const bool before = to.rcv_nxt && wire::seq_before(header.sequence, *to.rcv_nxt);
  SegmentKind kind = SegmentKind::ack;
  if (flags.syn && (flags.fin || flags.rst)) {
    kind = SegmentKind::odd_flags;
  } else if (flags.rst) {
    const bool exact = to.row == TcpRow::syn_sent ? flags.ack && header.acknowledgment == to.snd_nxt : offset == 0;
    kind = exact                                         ? SegmentKind::reset
           : to.rcv_nxt && !before && offset < to.window ? SegmentKind::reset_in_window
                                                         : SegmentKind::reset_outside;
  } else if (flags.syn) {
    kind = flags.ack ? SegmentKind::syn_ack : SegmentKind::syn;
  } else if (to.ts_recent && !header.options.timestamps) {
    kind = SegmentKind::no_timestamp;
  } else if (to.ts_recent && wire::seq_before(header.options.timestamps->value, *to.ts_recent)) {
    kind = SegmentKind::old_timestamp;
  } else if (!flags.ack) {
    kind = SegmentKind::no_ack;
  } else if (to.rcv_nxt && before && length > 0 && !wire::seq_after(header.sequence + length, *to.rcv_nxt)) {
    kind = SegmentKind::duplicate;
  } else if (to.rcv_nxt && ((before && length == 0) || (!before && offset > to.window))) {
    kind = SegmentKind::outside;
  } else if (to.snd_nxt && wire::seq_after(header.acknowledgment, *to.snd_nxt)) {
    kind = SegmentKind::ack_unsent;
  } else if (flags.fin) {
    kind = !before && offset > 0 ? SegmentKind::fin_ahead : SegmentKind::fin;
  } else if (payload_size > 0) {
    kind = !before && offset > 0 ? SegmentKind::text_ahead : SegmentKind::text;
  } else if (header.window == 0) {
    kind = SegmentKind::window_closed;
  }
  coverage_.hit(Table::segments, to.row, kind);
  if (kind == SegmentKind::text || kind == SegmentKind::ack) wraps(to, header, length);
  if (!to.resolver) return;
  if (payload_size > 0) coverage_.hit(Table::resolver, ResolverRow::by_tcp, ResolverEvent::bytes);
  if (kind == SegmentKind::fin || kind == SegmentKind::reset) {
    coverage_.hit(Table::resolver, ResolverRow::by_tcp, ResolverEvent::end_of_stream);
  }
}

// Numbers that pass their wrap with a segment that is as it should be.
void HostWatch::wraps(const Receiver& to, const TcpHeader& header, std::uint32_t length) {
  if (length > 0 && header.sequence + length < header.sequence) coverage_.add(Table::wraps, Wrap::sequence);
  const bool acknowledges = to.snd_nxt && wire::seq_after(header.acknowledgment, to.snd_una);
  if (acknowledges && header.acknowledgment < to.snd_una) coverage_.add(Table::wraps, Wrap::acknowledgment);
  if (to.ts_recent && header.options.timestamps->value < *to.ts_recent) coverage_.add(Table::wraps, Wrap::timestamp);
}

void HostWatch::error(const Host& host, Bytes quoted, bool ipv4, SegmentKind kind) {
  IpAddress source, destination;
  Bytes transport;
  if (ipv4) {
    const auto ip = wire::Ipv4Header::parse_quoted(quoted);
    if (!ip || ip->header.protocol != Protocol::tcp) return;
    source = ip->header.source;
    destination = ip->header.destination;
    transport = ip->payload(quoted);
  } else {
    const auto ip = wire::Ipv6Header::parse_quoted(quoted);
    if (!ip || ip->header.next_header != Protocol::tcp) return;
    source = ip->header.source;
    destination = ip->header.destination;
    transport = ip->payload(quoted);
  }
  if (transport.size() < 8) return;
  Reader in(transport);
  const std::uint16_t local = in.u16();
  const std::uint16_t remote = in.u16();
  const SeqNumber sequence = in.u32();
  const Receiver to = Receiver::of(host, {endpoint(source, local), endpoint(destination, remote)});
  const bool in_flight = !to.snd_nxt || wire::seq_within(sequence, to.snd_una, *to.snd_nxt);
  if (in_flight) coverage_.hit(Table::segments, to.row, kind);
}

// What a DHCP client gets, before the host knows for whom it is.
void HostWatch::datagram(const Host& host, Bytes datagram) {
  const auto udp = wire::UdpHeader::parse(datagram);
  const dhcp::Client* const client = dhcp_of(host);
  if (!udp || udp->header.destination_port != dhcp::client_port || client == nullptr) return;
  const auto message = dhcp::Message::parse(udp->payload(datagram));
  DhcpEvent event = DhcpEvent::other;
  if (message && message->operation == dhcp::Operation::reply) {
    if (message->type == dhcp::MessageType::offer) event = DhcpEvent::offer;
    if (message->type == dhcp::MessageType::ack) event = DhcpEvent::ack;
    if (message->type == dhcp::MessageType::nak) event = DhcpEvent::nak;
  }
  coverage_.hit(Table::dhcp, *dhcp_, event);
}

}  // namespace limpid::sim
