#include "limpid/effects/tap_queue.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>

#include "limpid/effects/clock.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"

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

TapQueue::TapQueue(TapShared& shared, const Machine::Config& config, tcpip::ip::Queue queue, Tap tap,
                   std::unique_ptr<IdentitySet> identities, Time time, const recording::Born& born)
    : shared_(shared),
      config_([&] {
        Machine::Config ours = config;
        ours.host.ip.queue = queue;
        return ours;
      }()),
      tap_(std::move(tap)),
      cpu_(cpu_features()),
      identities_(std::move(identities)),
      reports_(counters_, shared.complaints, shared.log, shared.access_log, shared.key_log),
      budget_(shared.memory),
      tape_(shared.recorder, config_, time, born),
      input_(Tap::largest_frame),
      output_(output_size),
      piece_(piece_size),
      actions_(action_slots) {}

void TapQueue::run() {
  auto served = turn(false, true);
  // That the device went the first queue finds out, too, and says so.
  while (served && !pause_.exchange(false)) {
    pollfd waiting[] = {{tap_.descriptor(), POLLIN, 0}, {messages(), POLLIN, 0}};
    if (::poll(waiting, 2, milliseconds_until(wake())) < 0) continue;
    served = turn(waiting[0].revents != 0, waiting[1].revents != 0);
  }
}

void TapQueue::pause() {
  pause_.store(true);
  inbox_.wake();
}

std::optional<Instant> TapQueue::wake() const {
  if (unsaid_) return Instant{};
  if (!reports_.behind()) return deadline_;
  const Instant soon = now().monotonic + milliseconds(100);
  return std::min(deadline_.value_or(soon), soon);
}

Result<void> TapQueue::turn(bool frames, bool messages) {
  if (messages) {
    inbox_.take_all([this](std::uint8_t from, MutableBytes message) { tell(tcpip::host::FromQueue{from, message}); });
  }
  if (frames) {
    if (auto received = receive(); !received) return received;
  }
  if (deadline_ && *deadline_ <= now().monotonic) tell(Tick{});
  flush();
  look_after_logs();
  busy_.store(unsaid_ || machine_.connections() > 0, std::memory_order_relaxed);
  counters_.open.store(machine_.connections(), std::memory_order_relaxed);
  counters_.memory.store(budget_.used(), std::memory_order_relaxed);
  return {};
}

std::expected<Buffer, stack::LiveFault> TapQueue::seal(Instant now, const crypto::SealKey& key,
                                                       const crypto::SealId& id, Budget& budget) {
  return stack::seal(std::move(machine_), now, key, id, entropy(), budget, cpu_);
}

// With the first step of a state that was asleep.
std::expected<void, stack::LiveFault> TapQueue::open(stack::Claim claim, Bytes sealed, const crypto::SealKey& key,
                                                     Instant as_of) {
  auto dormant = stack::open<Machine>(std::move(claim), sealed, key, {as_of, budget_, cpu_});
  if (!dormant) return std::unexpected(dormant.error());
  const Room<Machine::Action> room{output_, actions_, budget_, cpu_};
  const Time time = now();
  const std::array<Byte, 32> fresh = entropy();
  tape_.told(time, tls::Entropy{fresh}, room);
  auto woken = std::move(*dormant).wake(config_, time, fresh, room);
  tape_.did(time, woken.progress);
  machine_ = std::move(woken.state);
  took(woken.progress);
  return {};
}

void TapQueue::look_after_logs() {
  reports_.write_logs();
  if (shared_.capture == nullptr) return;
  const std::lock_guard lock(shared_.capturing);
  const auto flushed = shared_.capture->flush();
  if (!flushed && shared_.complaints.of_log.may(now().monotonic)) complain(shared_.log, flushed.error().text);
}

Result<void> TapQueue::receive() {
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

void TapQueue::capture(Bytes header, std::span<const Bytes> payload) {
  if (shared_.capture == nullptr) return;
  std::array<Bytes, 1 + Transmit::most_pieces> pieces{header};
  std::copy(payload.begin(), payload.end(), pieces.begin() + 1);
  const std::lock_guard lock(shared_.capturing);
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  shared_.capture->write(std::span(pieces).first(1 + payload.size()),
                         {std::chrono::duration_cast<std::chrono::microseconds>(since_1970).count()});
}

void TapQueue::tell(Machine::Event event) {
  for (;;) {
    const auto progress = step(event);
    // What was not taken for want of room is offered again behind what made the room short.
    if (progress.consumed != 0 || !progress.more) return;
    step(Tick{});
  }
}

Progress<TapQueue::Machine::Action> TapQueue::step(const Machine::Event& event) {
  const Room<Machine::Action> room{output_, actions_, budget_, cpu_};
  const auto progress = tape_.advance(config_, machine_, event, room);
  took(progress);
  return progress;
}

void TapQueue::took(const Progress<Machine::Action>& progress) {
  deadline_ = progress.deadline;
  more_ = progress.more;
  carry_out(progress.actions);
}

// Some of what is to be said at this moment. What there is more waits until what came meanwhile was heard:
// acknowledgements first of all.
void TapQueue::flush() {
  unsaid_ = true;
  for (int n = 0; n < bursts_per_turn && unsaid_; ++n) {
    while (const auto query = machine_.pending()) tell(answer(*query));
    step(Flush{});
    unsaid_ = more_ || machine_.pending();
  }
}

TapQueue::Machine::Event TapQueue::answer(const Machine::Query& query) {
  return std::visit(
      Overloaded{
          [&](const stack::TlsQuery& asked) -> Machine::Event {
            return Machine::Reply{query.from, tls::Reply{asked.id, identities_.answer(asked.question, cpu_)}};
          },
          [&](const http::Lookup& lookup) -> Machine::Event {
            const auto found = files_[name_of(query.from)].look_up(shared_.site, lookup.path, budget_);
            const http::Answer answer = found ? http::Answer{*found} : http::Answer{lookup_failure(found.error())};
            return Machine::Reply{query.from, http::Reply{lookup.id, answer}};
          },
          [&](const http::ReadFile& asked) -> Machine::Event {
            const Bytes piece = files_[name_of(query.from)].read(shared_.site, asked, piece_, budget_);
            return Machine::Reply{query.from, http::Reply{asked.id, http::Piece{piece}}};
          },
      },
      query.question);
}

void TapQueue::carry_out(std::span<const Machine::Action> actions) {
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
                   [&](const tcpip::host::ToQueue& message) {
                     const std::uint8_t here = config_.host.ip.queue.number;
                     if (!all_[message.queue]->inbox_.put(here, message.head, message.rest)) ++messages_lost_;
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
