// One thread's share of a server: listeners, an epoll set, a budget and the connections that it accepted. Nothing is
// shared with other workers.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "limpid/core/box.hpp"
#include "limpid/core/vec.hpp"
#include "limpid/effects/hand_over.hpp"
#include "limpid/effects/identity_set.hpp"
#include "limpid/effects/poller.hpp"
#include "limpid/effects/recorder.hpp"
#include "limpid/effects/reports.hpp"
#include "limpid/effects/ring.hpp"
#include "limpid/effects/site_file.hpp"
#include "limpid/effects/timers.hpp"
#include "limpid/stack/server.hpp"

namespace limpid::effects {

// What the workers of a server have in common. All of it outlives them.
struct WorkerSettings {
  const stack::Server::Config& config;
  const stack::Server::Config* redirect_config = nullptr;  // for listeners that only say where HTTPS is
  const Directory& site;
  Complaints& complaints;
  std::size_t memory = 0;  // what the connections of one worker may hold
  LogForm log = LogForm::text;
  const LogFile* access_log = nullptr;
  const KeyLogFile* key_log = nullptr;
  Recorder* recorder = nullptr;
};

struct Listener {
  Descriptor socket;
  bool redirects = false;
};

class Worker {
 public:
  using Machine = stack::Server;

  // `identities` answer TLS's questions.
  Worker(const WorkerSettings& settings, std::unique_ptr<IdentitySet> identities, std::vector<Listener> listeners);

  // The body of the thread: serves until a drain is over or it is paused; then it can be called again.
  void run();

  // From any thread: ends run() with everything as it is.
  void pause();

  // From any thread: stop accepting, finish what is under way, cut off what is not finished after `grace`.
  void drain(Duration grace);

  // From any thread: answer TLS's questions with these from now on. Handshakes under way are finished with those that
  // they began with.
  void renew(std::unique_ptr<IdentitySet> identities);

  const WorkerCounters& counters() const { return counters_; }

  // Moving connections to another process; while it does not run (worker_moving.cpp).
  std::span<const Listener> listeners() const { return listeners_; }
  // Seals every connection and hands it to `give`, whose first failure ends it. What was sealed stays here until it is
  // taken back, which makes it live again, or let go.
  Result<void> hand_over(SealedSeries& series,
                         const std::function<Result<void>(int, const hand_over::Connection&)>& give);
  void take_back(const SealedSeries& series, stack::ClaimSeries& claims);
  void let_go();
  // What a connection from another process would take here; nothing if it does not open. It makes nothing live.
  static std::optional<std::size_t> weigh(const WorkerSettings& settings, const hand_over::Connection& arrived,
                                          const hand_over::Keys& keys);
  // Goes on with it. If there is no memory for it, it is lost and counted.
  void adopt(Descriptor socket, const hand_over::Connection& arrived, const hand_over::Keys& keys,
             stack::ClaimSeries& claims);

 private:
  struct Connection : RingLink {
    Connection(Budget& budget, const Machine::Config& its_config, Descriptor accepted, const stream::Endpoint& from,
               Tape<Machine> recorded)
        : config(its_config),
          socket(std::move(accepted)),
          peer(from),
          tape(std::move(recorded)),
          unread(budget),
          unsent(budget) {}

    const Machine::Config& config;
    Descriptor socket;
    stream::Endpoint peer;
    Machine machine;
    Tape<Machine> tape;
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
    bool progressed = false;    // in this visit: a request was served, or what the socket did not take is sent
    std::optional<stream::ResetReason> reset;
    Machine::Standing standing = Machine::Standing::answering;
    Instant since;  // when it came to that, or last progressed in it

    // What goes to another process beside socket and machine; the rest follows or is found again.
    static void fields(auto& self, auto&& visit) {
      visit(self.unread, self.offered, self.unsent, self.opened, self.told_to_drain, self.end_read, self.end_consumed,
            self.finish, self.finished, self.reset);
    }
  };

  static constexpr std::uint64_t listener_bit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t wake_name = ~std::uint64_t{0};

  struct Sealed {
    std::uint64_t name = 0;  // of the connection
    std::uint32_t place = 0;
    Instant time;  // when it was
    Buffer machine;
  };

  void accept_from(std::size_t listener, int most);
  // Takes a socket in. Null, with errno, if there is no memory (ENOMEM) or the system has none.
  Connection* admit(Descriptor socket, bool redirects, const stream::Endpoint& peer, const recording::Born& born,
                    Time time);
  const Machine::Config& config_for(bool redirects) const {
    return redirects ? *settings_.redirect_config : settings_.config;
  }
  void pause_accepting(int error);
  void watch_listeners();
  void wake();
  void take_news();
  void start_draining();
  void look_after_logs();

  // Shedding load. ARCHITECTURE.md has the rule.
  enum class Shortage : std::uint8_t { memory, descriptors };
  void settle(Connection& connection);
  void stand(Connection& connection, Machine::Standing standing);
  bool shed_one(Shortage shortage);
  bool have_memory();

  Connection* find(std::uint64_t name);
  void queue(Connection& connection);
  void heard(std::uint64_t name, std::uint32_t events);

  // Advances a connection as far as it goes, but not for so long that others starve.
  void visit(Connection& connection);
  bool visit_alive(Connection& connection);
  // One step, if there is a reason for one. `input` is what lies at the front of input_, and shrinks by what is
  // consumed.
  bool advance(Connection& connection, std::size_t& input);
  void took(Connection& connection, const Progress<Machine::Action>& progress);
  void wake_up(Connection& connection, stack::Dormant<Machine> dormant);
  bool receive(Connection& connection, std::size_t& input);
  Machine::Event answer(Connection& connection, const Machine::Query& query);
  http::Answer look_up(Connection& connection, std::string_view path);
  void carry_out(Connection& connection, std::span<const Machine::Action> actions);
  void send(Connection& connection, std::span<const Bytes> pieces);
  void flush(Connection& connection);
  void drop_for_memory(Connection& connection);
  static void reset_on_close(const Connection& connection);
  void close(Connection& connection);

  const WorkerSettings settings_;
  CurrentIdentities identities_;
  Budget budget_;
  CpuFeatures cpu_;
  Poller poller_;
  Descriptor wake_;
  std::vector<Listener> listeners_;
  bool watching_listeners_ = false;
  std::optional<Instant> resume_accepting_;
  std::uint64_t shed_untold_ = 0;
  Shortage last_shortage_ = Shortage::memory;
  Instant next_look_;  // at the logs, if there is something left to tell

  std::vector<Box<Connection>> slots_;
  std::vector<std::uint32_t> generations_;
  std::vector<std::uint32_t> free_slots_;
  Timers timers_;
  Ring<Connection> awaiting_, idle_;  // by standing, whoever came to it first in front
  std::size_t awaiting_count_ = 0;
  const Connection* visited_ = nullptr;
  std::vector<std::uint64_t> ready_;
  std::vector<std::uint64_t> visiting_;

  // Lent to whichever connection is being stepped.
  std::vector<Byte> input_, output_, piece_;
  std::vector<Machine::Action> actions_;

  std::mutex news_mutex_;
  std::unique_ptr<IdentitySet> next_identities_;  // under news_mutex_
  Budget sealed_budget_;
  std::vector<Sealed> sealed_;
  std::atomic<bool> pause_ = false;
  std::atomic<std::int64_t> drain_grace_us_ = -1;  // not asked to drain
  bool draining_ = false;
  Instant drain_deadline_;
  WorkerCounters counters_;
  Reports reports_;
};

}  // namespace limpid::effects
