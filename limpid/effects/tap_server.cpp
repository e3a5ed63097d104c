#include "limpid/effects/tap_server.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <csignal>

#include "limpid/effects/clock.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/sockets.hpp"

namespace limpid::effects {
namespace {

// So many frames are taken in before what they cause is sent.
constexpr int frames_per_batch = 64;
// And so many bursts of each connection are sent before frames are taken in again.
constexpr int bursts_per_turn = 4;

constexpr std::size_t output_size = 256 * 1024;
constexpr std::size_t action_slots = 192;
constexpr std::size_t piece_size = 4 * (16384 + 256 + 5);

std::uint64_t name_of(tcpip::ConnectionId id) { return std::uint64_t{id.generation} << 32 | id.index; }

}  // namespace

TapServer::TapServer(const TapServerOptions& options, const Machine::Config& config, Tap tap,
                     std::unique_ptr<IdentitySet> identities, const Directory& site, Time time,
                     const recording::Born& born)
    : options_(options),
      config_(config),
      tap_(std::move(tap)),
      site_(site),
      cpu_(cpu_features()),
      identities_(std::move(identities)),
      reports_(counters_, complaints_, options.log, options.access_log, options.key_log),
      budget_(options.memory),
      tape_(options.recorder, config, time, born),
      input_(Tap::largest_frame),
      output_(output_size),
      piece_(piece_size),
      actions_(action_slots) {}

Result<void> TapServer::run(Signals& signals, const std::function<void(int)>& on_signal) {
  if (taken_.process == 0) tell(tls::Entropy{entropy()});
  tell(LinkChanged{tap_.is_up()});
  std::optional<Instant> drain_deadline;
  for (bool more = true;;) {
    std::optional<Instant> wake = more ? Instant{} : deadline_;
    if (drain_deadline) wake = std::min(wake.value_or(*drain_deadline), *drain_deadline);
    if (reports_.behind())
      wake = std::min(wake.value_or(now().monotonic + milliseconds(100)), now().monotonic + milliseconds(100));
    int timeout_ms = -1;
    if (wake) {
      const std::int64_t left_ms = ((*wake - now().monotonic).microseconds + 999) / 1000;
      timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left_ms, 0, 1'000'000));
    }
    // A negative descriptor is passed over.
    pollfd waiting[] = {{tap_.descriptor(), POLLIN, 0},
                        {signals.descriptor(), POLLIN, 0},
                        {tap_.link_descriptor(), POLLIN, 0},
                        {control_ ? control_->listener() : -1, POLLIN, 0}};
    if (::poll(waiting, 4, timeout_ms) < 0) continue;

    if (waiting[1].revents != 0) {
      while (const auto signal = signals.take()) {
        if (*signal == SIGTERM || *signal == SIGINT) {
          draining_ = true;
          drain_deadline = drain_deadline ? Instant{} : now().monotonic + options_.grace;
          tell(http::Drain{});
        } else {
          on_signal(*signal);
        }
      }
    }
    if (waiting[2].revents != 0 && tap_.link_changed()) tell(LinkChanged{tap_.is_up()});
    if (waiting[0].revents != 0) {
      if (auto received = receive(); !received) return received;
    }
    if (deadline_ && *deadline_ <= now().monotonic) tell(Tick{});
    more = flush();
    if (taken_address_) {
      const std::string endpoint = to_string(tcpip::endpoint(*std::exchange(taken_address_, std::nullopt), 0));
      const std::string what = "cannot use the address " + endpoint.substr(0, endpoint.size() - 2) +
                               ": somebody else behind '" + tap_.name() + "' has it; ";
      // Anybody on the link can say so: what works goes on.
      if (!any_usable_) return fail(what + "give another one");
      complain(options_.log, what + "the others are served");
    }
    look_after_logs();
    if (waiting[3].revents != 0 && moved_away()) return {};
    counters_.open.store(machine_.connections(), std::memory_order_relaxed);
    counters_.memory.store(budget_.used(), std::memory_order_relaxed);
    const bool done = machine_.connections() == 0 && !more;
    if (drain_deadline && (done || *drain_deadline <= now().monotonic)) break;
  }
  tape_.end(false);
  return {};
}

Result<void> TapServer::renew(std::span<const Credentials> credentials) {
  auto set = identities_of(credentials, static_cast<std::uint16_t>(generation_ + 1));
  if (!set) return std::unexpected(set.error());
  ++generation_;
  identities_.renew(std::move(*set));
  return {};
}

void TapServer::look_after_logs() {
  reports_.write_logs();
  if (options_.capture == nullptr) return;
  const auto flushed = options_.capture->flush();
  if (!flushed && complaints_.of_log.may(now().monotonic)) complain(options_.log, flushed.error().text);
}

Result<void> TapServer::receive() {
  FrameReceived received;
  for (int n = 0; n < frames_per_batch; ++n) {
    switch (tap_.read(input_, received)) {
      case Tap::Read::frame:
        capture(received.frame, {});  // before it is decrypted in place
        tell(received);
        break;
      case Tap::Read::nothing:
        return {};
      case Tap::Read::gone:
        return fail("the tap device '" + tap_.name() + "' was deleted; make it again and start anew");
    }
  }
  return {};
}

void TapServer::capture(Bytes header, std::span<const Bytes> payload) {
  if (options_.capture == nullptr) return;
  std::array<Bytes, 1 + Transmit::most_pieces> pieces{header};
  std::copy(payload.begin(), payload.end(), pieces.begin() + 1);
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  options_.capture->write(std::span(pieces).first(1 + payload.size()),
                          {std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count()});
}

void TapServer::tell(Machine::Event event) {
  for (;;) {
    const auto progress = step(event);
    // What was not taken for want of room is offered again behind what made the room short.
    if (progress.consumed != 0 || !progress.more) return;
    step(Tick{});
  }
}

Progress<TapServer::Machine::Action> TapServer::step(const Machine::Event& event) {
  const Room<Machine::Action> room{output_, actions_, budget_, cpu_};
  const auto progress = tape_.advance(config_, machine_, event, room);
  deadline_ = progress.deadline;
  more_ = progress.more;
  carry_out(progress.actions);
  return progress;
}

// Some of what is to be said at this moment; whether there is more. That waits until what came meanwhile was heard:
// acknowledgements first of all.
bool TapServer::flush() {
  for (int n = 0; n < bursts_per_turn; ++n) {
    while (const auto query = machine_.pending()) tell(answer(*query));
    step(Flush{});
    if (!more_ && !machine_.pending()) return false;
  }
  return true;
}

TapServer::Machine::Event TapServer::answer(const Machine::Query& query) {
  return std::visit(
      Overloaded{
          [&](const stack::TlsQuery& asked) -> Machine::Event {
            return Machine::Reply{query.from, tls::Reply{asked.id, identities_.answer(asked.question, cpu_)}};
          },
          [&](const http::Lookup& lookup) -> Machine::Event {
            const auto found = files_[name_of(query.from)].look_up(site_, lookup.path, budget_);
            const http::Answer answer = found ? http::Answer{*found} : http::Answer{lookup_failure(found.error())};
            return Machine::Reply{query.from, http::Reply{lookup.id, answer}};
          },
          [&](const http::ReadFile& asked) -> Machine::Event {
            const Bytes piece = files_[name_of(query.from)].read(site_, asked, piece_, budget_);
            return Machine::Reply{query.from, http::Reply{asked.id, http::Piece{piece}}};
          },
      },
      query.question);
}

void TapServer::carry_out(std::span<const Machine::Action> actions) {
  for (const Machine::Action& action : actions) {
    std::visit(Overloaded{
                   [&](const Transmit& frame) {
                     capture(frame.header, frame.payload.span());
                     if (!tap_.write(frame)) ++frames_lost_;
                   },
                   [&](const Machine::Report& said) {
                     std::visit(Overloaded{
                                    [&](const http::CloseFile& closed) {
                                      const auto found = files_.find(name_of(said.from));
                                      if (found != files_.end()) found->second.close(closed.file);
                                    },
                                    [&](const stream::Abort&) { count(counters_.aborted); },
                                    [](const stream::Send&) {},
                                    [](const stream::Finish&) {},
                                    [&](const auto& fact) { reports_.tell(said.peer, fact); },
                                },
                                said.report);
                   },
                   [&](const Machine::Began&) { count(counters_.accepted); },
                   [&](const Machine::Ended& ended) {
                     files_.erase(name_of(ended.connection));
                     if (ended.why == Machine::Ended::Why::out_of_memory) count(counters_.refused_for_memory);
                     if (ended.why == Machine::Ended::Why::reset) count(counters_.reset_by_peer);
                   },
                   [&](const tcpip::host::ConfigurationChanged& changed) {
                     const auto& configured = config_.host.ip.addresses;
                     const bool is_ours = std::ranges::any_of(
                         configured, [&](const tcpip::Cidr& given) { return given.address == changed.address; });
                     if (!is_ours) return;
                     if (changed.usable) {
                       any_usable_ = true;
                     } else {
                       taken_address_ = changed.address;
                     }
                   },
               },
               action);
  }
}

}  // namespace limpid::effects
