// The policy of TCP connections: immutable, made once, the same for every connection of a host.
#pragma once

#include <cstdint>

#include "limpid/core/time.hpp"

namespace limpid::tcpip::tcp {

enum class CongestionControl : std::uint8_t { cubic, new_reno };
constexpr bool is_valid(CongestionControl which) { return which <= CongestionControl::new_reno; }

struct Config {
  // What the application has yet to consume, at most: grows from the first to the second as it proves to be quick.
  std::uint32_t initial_receive_window = 65535;
  std::uint32_t max_receive_window = 4 << 20;
  // What is not acknowledged yet, at most, in bytes of memory.
  std::uint32_t send_buffer = 4 << 20;
  // Of that, what has not been sent even once: for a peer that stops reading, more is not kept.
  std::uint32_t max_unsent = 256 << 10;

  Duration initial_rto = seconds(1);  // RFC 6298, section 2.1
  // Beyond SRTT. RFC 6298, section 2.4, says that an RTO "SHOULD be rounded up to 1 second", for clocks that were
  // coarse; 200 ms is what Linux and others take.
  Duration min_rto = milliseconds(200);
  Duration max_rto = seconds(120);
  std::uint8_t syn_retries = 6;
  std::uint8_t data_retries = 15;  // "R2" of RFC 9293, section 3.8.3, in retransmissions
  // Data that is not acknowledged for so long ends the connection; 0: only the retries count (RFC 5482).
  Duration user_timeout{};
  // Silence for so long is probed every `keepalive_interval`, so often; 0: never, the default that RFC 9293, section
  // 3.8.4, demands.
  Duration keepalive_idle{};
  Duration keepalive_interval = seconds(75);
  std::uint8_t keepalive_probes = 9;
  // Twice the maximum segment lifetime, as Linux has it.
  Duration time_wait = seconds(60);
  // Our FIN acknowledged, and no text came or was consumed for so long; 0: for ever. Longer than his largest RTO.
  Duration fin_wait_2_timeout = seconds(300);

  Duration delayed_ack = milliseconds(40);  // RFC 9293, section 3.8.6.3: "MUST be less than 0.5 seconds"; 0: at once
  bool nagle = true;
  bool sack = true;
  bool timestamps = true;
  bool window_scale = true;
  bool ecn = false;  // asked for by Connect, granted to a SYN that asks
  CongestionControl congestion = CongestionControl::cubic;
  std::uint8_t initial_window_segments = 10;  // RFC 6928
  // A smaller maximum segment size is taken for this: CVE-2019-11479, where a peer that says 48 makes each packet
  // almost all header.
  std::uint16_t min_mss = 216;
  // Payload of one superframe at most, which the device cuts; 0: it cannot.
  std::uint32_t max_superframe = 0;
  // Emit lends the chunks until PinsDone; false: whoever carries Emit out copies at once.
  bool pins = false;

  static void fields(auto& self, auto&& visit) {
    visit(self.initial_receive_window, self.max_receive_window, self.send_buffer, self.max_unsent, self.initial_rto,
          self.min_rto, self.max_rto, self.syn_retries, self.data_retries, self.user_timeout, self.keepalive_idle,
          self.keepalive_interval, self.keepalive_probes, self.time_wait, self.fin_wait_2_timeout, self.delayed_ack,
          self.nagle, self.sack, self.timestamps, self.window_scale, self.ecn, self.congestion,
          self.initial_window_segments, self.min_mss, self.max_superframe, self.pins);
  }
};

}  // namespace limpid::tcpip::tcp
