// One thread's share of a server: listeners, an epoll set, a budget and the connections that it accepted. Nothing is
// shared with other workers.
#pragma once

#include <array>
#include <atomic>
#include <vector>

#include "limpid/core/box.hpp"
#include "limpid/core/vec.hpp"
#include "limpid/effects/poller.hpp"
#include "limpid/effects/site_file.hpp"
#include "limpid/effects/timers.hpp"
#include "limpid/stack/identity.hpp"
#include "limpid/stack/server.hpp"

namespace limpid::effects {

// Read by other threads at any time.
struct WorkerCounters {
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> open = 0;
  std::atomic<std::uint64_t> handshakes = 0;    // completed
  std::atomic<std::uint64_t> tls_failures = 0;  // before or after that
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> body_bytes = 0;
  std::atomic<std::uint64_t> reset_by_peer = 0;
  std::atomic<std::uint64_t> aborted = 0;             // by the machine
  std::atomic<std::uint64_t> refused_for_memory = 0;  // connections not taken or dropped because the budget was used up
  std::atomic<std::uint64_t> accept_pauses = 0;       // for want of descriptors or kernel memory
  std::atomic<std::uint64_t> memory = 0;              // charged to the budget now
};

class Worker {
 public:
  using Machine = stack::Server;

  // `config` and `site` outlive it. `identities` answer TLS's questions; nobody else uses them meanwhile.
  Worker(const Machine::Config& config, stack::Identities identities, const Directory& site, std::size_t memory,
         std::vector<Descriptor> listeners);

  // The body of the thread: serves until a drain is over.
  void run();

  // From any thread: stop accepting, finish what is under way, cut off what is not finished after `grace`.
  void drain(Duration grace);

  const WorkerCounters& counters() const { return counters_; }

 private:
  struct Connection {
    Connection(Budget& budget, Descriptor accepted) : socket(std::move(accepted)), unread(budget), unsent(budget) {}

    Descriptor socket;
    Machine machine;
    Timer timer;              // named after the connection
    Buffer unread;            // received and not consumed; not read on unless the machine wants more
    std::size_t offered = 0;  // so much of it is too little for the machine
    Buffer unsent;            // what the socket did not take; while there is some, the machine gets no more room
    SiteFile file;
    Wants wants = Wants::event;
    bool more = false;    // the machine wants to be stepped again at once
    bool opened = false;  // it was told
    bool told_to_drain = false;
    bool tick = false;          // its deadline came
    bool readable = true;       // as far as we know: epoll reports edges
    bool hung_up = false;       // there is an end or an error to be read behind the bytes
    bool end_read = false;      // the end of the stream was read
    bool end_consumed = false;  // and the machine knows
    bool finish = false;        // FIN goes out once `unsent` is empty
    bool finished = false;      // the machine said so: it has nothing more to send
    bool aborted = false;       // by the machine, before that
    bool ended = false;         // nothing remains but to send `unsent`
    bool queued = false;        // in ready_
    std::optional<stream::ResetReason> reset;
  };

  static constexpr std::uint64_t listener_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t wake_name = ~std::uint64_t{0};

  void accept_from(std::size_t listener, int most);
  void pause_accepting(int error);
  void watch_listeners();
  void start_draining();

  Connection* find(std::uint64_t name);
  void queue(Connection& connection);
  void heard(std::uint64_t name, std::uint32_t events);

  // Advances a connection as far as it goes, but not for so long that others starve.
  void visit(Connection& connection);
  // One step, if there is a reason for one. `input` is what lies at the front of input_, and shrinks by what is
  // consumed.
  bool advance(Connection& connection, std::size_t& input);
  bool receive(Connection& connection, std::size_t& input);
  Machine::Event answer(Connection& connection, const Machine::Query& query);
  http::Answer look_up(Connection& connection, std::string_view path);
  void carry_out(Connection& connection, std::span<const Machine::Action> actions);
  void send(Connection& connection, std::span<const Bytes> pieces);
  void flush(Connection& connection);
  void tell_of_failure(const Connection& connection, const tls::Failed& failed);
  void drop_for_memory(Connection& connection);
  void close(Connection& connection);

  const Machine::Config& config_;
  stack::Identities identities_;
  const Directory& site_;
  Budget budget_;
  CpuFeatures cpu_;
  Poller poller_;
  Descriptor wake_;
  std::vector<Descriptor> listeners_;
  bool watching_listeners_ = false;
  std::optional<Instant> resume_accepting_;
  std::optional<Instant> complained_;  // about accepting
  std::optional<Instant> complained_of_tls_;

  std::vector<Box<Connection>> slots_;
  std::vector<std::uint32_t> generations_;
  std::vector<std::uint32_t> free_slots_;
  Timers timers_;
  std::vector<std::uint64_t> ready_;
  std::vector<std::uint64_t> visiting_;

  // Lent to whichever connection is being stepped.
  std::vector<Byte> input_, output_, piece_;
  std::vector<Machine::Action> actions_;

  std::atomic<std::int64_t> drain_grace_us_ = -1;  // not asked to drain
  bool draining_ = false;
  Instant drain_deadline_;
  WorkerCounters counters_;
};

}  // namespace limpid::effects
