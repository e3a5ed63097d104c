// TIME-WAIT as a small record (RFC 9293, section 3.6.1): what is left of a connection that has sent both FINs' ACKs.
// The host keeps these by ports and addresses, judges each segment that comes for one, and forgets it when it expires.
#pragma once

#include <optional>

#include "limpid/core/time.hpp"
#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid::tcpip::tcp {

struct TimeWaitRecord {
  wire::SeqNumber snd_nxt = 0;
  wire::SeqNumber rcv_nxt = 0;
  std::uint16_t window = 0;  // as it goes into a header
  // What the peer's timestamp clock said last; none: the connection had no timestamps.
  std::optional<std::uint32_t> ts_recent{};
  std::uint32_t timestamp_offset = 0;  // our own clock: its value at `timestamp_base`
  Instant timestamp_base{};
  Instant expires{};
  static void fields(auto& self, auto&& visit) {
    visit(self.snd_nxt, self.rcv_nxt, self.window, self.ts_recent, self.timestamp_offset, self.timestamp_base,
          self.expires);
  }
};

struct TimeWaitVerdict {
  enum class Kind : std::uint8_t {
    drop,         // nothing is to be done
    acknowledge,  // send `reply`
    reuse,  // RFC 6191: a new SYN that cannot be an old duplicate. Forget the record, give the SYN to the listener
  };
  Kind kind = Kind::drop;
  bool renewed = false;           // TIME-WAIT begins anew: the record says until when
  wire::TcpHeader reply{};        // for acknowledge, complete
  wire::SeqNumber least_iss = 0;  // for reuse: an initial sequence number for the new connection must be behind this
};

// RFC 9293, section 3.10.7.4, for TIME-WAIT; RFC 1337: a RST changes nothing. `time_wait` is Config's.
TimeWaitVerdict judge(TimeWaitRecord& record, const wire::TcpHeader& segment, std::size_t payload_size, Instant now,
                      Duration time_wait);

}  // namespace limpid::tcpip::tcp
