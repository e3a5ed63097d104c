// Two connections back to back over a path that delays, loses, doubles and reorders, by a seed.
#pragma once

#include <map>

#include "limpid/sim/laws.hpp"
#include "tests/tcpip/tcp/end.hpp"

namespace limpid::tcpip::tcp {

struct Path {
  Duration delay = milliseconds(10);
  std::size_t loss = 0, reorder = 0, duplicate = 0;  // in a thousand
  std::uint64_t seed = 1;
};

class Pair {
 public:
  Pair(Config a, Config b, Path p) : ends{End(a), End(b)}, path(p), dice_(p.seed) {
    ends[0].now = ends[1].now = Instant{1'000'000};
  }

  // An active open of end 0; end 1 answers.
  void open(wire::SeqNumber iss0 = 1000, wire::SeqNumber iss1 = 5'000'000, std::uint16_t mss = 1460) {
    birth_[0] = {there, here, iss0, 77, mss};
    birth_[1] = {here, there, iss1, 99, mss};
    ends[0].tell(Connect{birth_[0]});
    settle();
  }

  // Everything that both have to send now goes onto the path.
  void settle() {
    for (int i = 0; i < 2; ++i) {
      ends[i].flush();
      while (!ends[i].sent.empty()) {
        launch(1 - i, std::move(ends[i].sent.front()));
        ends[i].sent.pop_front();
      }
    }
  }

  // Goes to the next thing that happens. False if nothing will.
  bool next() {
    std::optional<Instant> when;
    if (!flying_.empty()) when = flying_.begin()->first;
    for (End& end : ends) {
      if (end.deadline && (!when || *end.deadline < *when)) when = end.deadline;
    }
    if (!when) return false;
    now = std::max(now, *when);
    for (End& end : ends) end.now = now;
    while (!flying_.empty() && flying_.begin()->first <= now) {
      auto flying = std::move(flying_.begin()->second);
      flying_.erase(flying_.begin());
      land(flying.first, std::move(flying.second));
    }
    for (End& end : ends) {
      if (end.deadline && *end.deadline <= now) end.tell(Tick{});
    }
    settle();
    return true;
  }

  // `size[i]` bytes from end i to the other, then FIN, until both have closed or `limit` has passed.
  void transfer(std::array<std::size_t, 2> size, Duration limit) {
    std::array<std::size_t, 2> written{};
    std::array<std::size_t, 2> judged{};
    std::array<bool, 2> finished{};
    const Instant stop = now + limit;
    const auto work = [&] {
      for (std::size_t i = 0; i < 2; ++i) {
        End& end = ends[i];
        while (end.established && written[i] < size[i]) {
          const auto piece = stream_piece(i, written[i], std::min<std::size_t>(size[i] - written[i], 16384));
          const std::size_t taken = end.write(piece);
          written[i] += taken;
          if (taken < piece.size()) break;
        }
        if (end.established && written[i] == size[i] && !finished[i]) {
          end.tell(Finish{});
          finished[i] = true;
        }
        for (; judged[i] < end.received.size(); ++judged[i]) {
          ASSERT_EQ(end.received[judged[i]], byte_at(1 - i, judged[i])) << "at " << judged[i];
        }
        if (consume && end.t_is_here() && end.t().unconsumed > 0) end.tell(Consumed{end.t().unconsumed});
      }
      settle();
    };
    work();
    while (now < stop && !(ends[0].closed && ends[1].closed) && !ends[0].was_reset && !ends[1].was_reset) {
      if (!next()) break;
      work();
    }
  }

  End ends[2];
  Path path;
  Instant now{1'000'000};
  bool consume = true;
  bool trace = false;
  std::size_t launched = 0, lost = 0;

 private:
  // For a person who looks for what went wrong.
  void print(int to, const Packet& packet, bool dropped) const {
    const auto& h = packet.header;
    std::printf("%10.6f  %d: %s%s%s%s seq %u+%zu ack %u win %u", static_cast<double>(now.microseconds) / 1e6, 1 - to,
                h.flags.syn ? "S" : "", h.flags.fin ? "F" : "", h.flags.rst ? "R" : "", h.flags.ack ? "." : "",
                h.sequence, packet.payload.size(), h.acknowledgment, h.window);
    for (const auto& block : h.options.sack) std::printf(" [%u-%u]", block.left, block.right);
    std::printf("%s\n", dropped ? "  LOST" : "");
  }

  void launch(int to, Packet packet) {
    // What a device would cut is cut here.
    if (packet.segment_size != 0) {
      const std::size_t size = packet.segment_size;
      for (std::size_t at = 0; at < packet.payload.size(); at += size) {
        const std::size_t n = std::min(size, packet.payload.size() - at);
        Packet piece{packet.header, {packet.payload.begin() + at, packet.payload.begin() + at + n}, packet.ecn, 0, {}};
        piece.header.sequence += static_cast<wire::SeqNumber>(at);
        const bool last = at + n == packet.payload.size();
        piece.header.flags.fin = packet.header.flags.fin && last;
        launch(to, std::move(piece));
      }
      ends[1 - to].tell(PinsDone{packet.pin});
      return;
    }
    if (packet.pin.count > 0) ends[1 - to].tell(PinsDone{packet.pin});
    ++launched;
    const bool dropped = dice_.up_to(1000) <= path.loss;
    if (trace) print(to, packet, dropped);
    if (dropped) {
      ++lost;
      return;
    }
    const bool doubled = dice_.up_to(1000) <= path.duplicate;
    Duration delay = path.delay;
    if (dice_.up_to(1000) <= path.reorder) {
      delay.microseconds += static_cast<std::int64_t>(dice_.up_to(static_cast<std::size_t>(2 * delay.microseconds)));
    }
    if (doubled) flying_.emplace(now + delay + milliseconds(1), std::pair(to, packet));
    flying_.emplace(now + delay, std::pair(to, std::move(packet)));
  }

  void land(int to, Packet packet) {
    End& end = ends[to];
    if (to == 1 && !born_) {
      if (!packet.header.flags.syn || packet.header.flags.ack) return;
      born_ = true;
      end.tell(Accept{birth_[1], packet.header});
      return;
    }
    if (end.closed || end.was_reset) {
      // What is left of it: TIME-WAIT's record, or nothing.
      if (end.closed && end.closed->time_wait) {
        const auto verdict = judge(*end.closed->time_wait, packet.header, packet.payload.size(), now, seconds(60));
        if (verdict.kind == TimeWaitVerdict::Kind::acknowledge) launch(1 - to, {verdict.reply, {}, 0, 0, {}});
      } else if (const auto reset = reset_for(packet.header, packet.payload.size())) {
        launch(1 - to, {*reset, {}, 0, 0, {}});
      }
      return;
    }
    end.arrive(std::move(packet));
  }

  std::array<Birth, 2> birth_;
  bool born_ = false;
  std::multimap<Instant, std::pair<int, Packet>> flying_;
  sim::laws::Dice dice_;
};

}  // namespace limpid::tcpip::tcp
