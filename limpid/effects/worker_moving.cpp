// A worker's connections on their way to another process, and from one.
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/sockets.hpp"
#include "limpid/effects/worker.hpp"

namespace limpid::effects {
namespace {

// For one connection at a time: its state, saved and sealed, each once, and room to grow by doubling.
constexpr std::size_t sealing_budget = 16 << 20;

}  // namespace

Result<void> Worker::hand_over(SealedSeries& series,
                               const std::function<Result<void>(int, const hand_over::Connection&)>& give) {
  const auto out_of_memory = [] { return fail("there is no memory to seal a connection"); };
  for (Box<Connection>& each : slots_) {
    if (!each || each->aborted) continue;
    Connection& connection = *each;
    const bool redirects = &connection.config == settings_.redirect_config;
    Budget scratch(sealing_budget);
    Buffer known(scratch);
    Writer out(known);
    encode(out, Instant{}, connection);
    const std::uint32_t place = series.take(2);
    const auto id = [&](std::uint32_t n) { return stack::ClaimSeries::id(series.first(), place + n); };
    const Instant time = now().monotonic;
    if (out.failed()) return out_of_memory();
    const auto driver = crypto::seal({known.data(), known.size()}, series.key(), id(1), entropy(), scratch, cpu_);
    if (!driver) return out_of_memory();
    auto machine =
        stack::seal(std::move(connection.machine), time, series.key(), id(0), entropy(), sealed_budget_, cpu_);
    if (!machine) return out_of_memory();
    sealed_.push_back({connection.timer.name, place, time, std::move(*machine)});
    const Buffer& kept = sealed_.back().machine;
    const hand_over::Connection message{place, redirects, {kept.data(), kept.size()}, {driver->data(), driver->size()}};
    if (auto given = give(connection.socket.get(), message); !given) return given;
  }
  return {};
}

void Worker::take_back(const SealedSeries& series, stack::ClaimSeries& claims) {
  for (Sealed& each : sealed_) {
    Connection& connection = *find(each.name);
    auto claim = claims.claim(each.place);
    // As if no time had passed: it did not for anybody else.
    auto dormant = stack::open<Machine>(std::move(*claim), {each.machine.data(), each.machine.size()}, series.key(),
                                        {each.time, budget_, cpu_});
    each.machine.release();
    if (dormant) {
      wake_up(connection, std::move(*dormant));
    } else {
      drop_for_memory(connection);
      queue(connection);
    }
  }
  sealed_.clear();
}

void Worker::let_go() {
  for (Sealed& each : sealed_) {
    Connection& connection = *find(each.name);
    connection.tape.end(true);
    close(connection);
  }
  sealed_.clear();
}

std::optional<std::size_t> Worker::weigh(const WorkerSettings& settings, const hand_over::Connection& arrived,
                                         const hand_over::Keys& keys) {
  const CpuFeatures cpu = cpu_features();
  const auto is = [&](Bytes blob, std::uint32_t n) {
    return crypto::sealed_id(blob) == stack::ClaimSeries::id(keys.first, n);
  };
  if (!is(arrived.machine, arrived.place) || !is(arrived.driver, arrived.place + 1)) return std::nullopt;
  Budget trial(sealing_budget);
  const LoadContext context{now().monotonic, trial, cpu};
  auto driver = crypto::open(arrived.driver, keys.key, trial, cpu);
  if (!driver) return std::nullopt;
  Connection connection(trial, settings.config, {}, {}, {});
  Reader in({driver->data(), driver->size()});
  if (!decode(in, context, connection) || !in.finished()) return std::nullopt;
  driver->release();
  const auto machine = stack::replay<Machine>(arrived.machine, keys.key, context);
  if (!machine) return std::nullopt;
  return trial.used() + sizeof(Connection);
}

void Worker::adopt(Descriptor socket, const hand_over::Connection& arrived, const hand_over::Keys& keys,
                   stack::ClaimSeries& claims) {
  auto claim = claims.claim(arrived.place);
  const Time time = now();
  const LoadContext context{time.monotonic, budget_, cpu_};
  const stack::recording::Born born{stack::recording::Born::Snapshot{keys.key.clone(), arrived.machine}};
  const stream::Endpoint peer = peer_endpoint(socket);
  Connection* connection = admit(std::move(socket), arrived.redirects, peer, born, time);
  if (connection == nullptr) return count(counters_.refused_for_memory);
  auto driver = crypto::open(arrived.driver, keys.key, budget_, cpu_);
  auto dormant = stack::open<Machine>(std::move(*claim), arrived.machine, keys.key, context);
  Reader in(driver ? Bytes(driver->data(), driver->size()) : Bytes());
  if (!driver || !dormant || !decode(in, context, *connection)) {
    drop_for_memory(*connection);
    return queue(*connection);
  }
  wake_up(*connection, std::move(*dormant));
}

// The first step of a state that was asleep.
void Worker::wake_up(Connection& connection, stack::Dormant<Machine> dormant) {
  const bool blocked = !connection.unsent.empty();
  const Room<Machine::Action> room{
      .bytes = blocked ? MutableBytes() : MutableBytes(output_), .actions = actions_, .budget = budget_, .cpu = cpu_};
  const Time time = now();
  const std::array<Byte, 32> fresh = entropy();
  connection.tape.told(time, tls::Entropy{fresh}, room);
  auto woken = std::move(dormant).wake(connection.config, time, fresh, room);
  connection.tape.did(time, woken.progress);
  connection.machine = std::move(woken.state);
  connection.readable = true;  // perhaps: reading tells
  took(connection, woken.progress);
  queue(connection);
}

}  // namespace limpid::effects
