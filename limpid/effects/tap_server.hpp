// Drives a server whose TCP/IP stack is our own over a tap device: for each of its queues a machine (tap_queue.hpp).
// That of the first one runs in the thread that runs the server, the others in one each.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "limpid/effects/hand_over.hpp"
#include "limpid/effects/signals.hpp"
#include "limpid/effects/tap_queue.hpp"

namespace limpid::effects {

struct TapServerOptions {
  std::size_t memory = std::size_t{1} << 30;  // what all machines may hold: all connections and tables
  Duration grace = seconds(30);               // how long a drain may take before what is left is cut off
  LogForm log = LogForm::text;
  const LogFile* access_log = nullptr;  // outlives the server, as the following
  const KeyLogFile* key_log = nullptr;
  Recorder* recorder = nullptr;
  PcapWriter* capture = nullptr;  // of every frame, both ways
};

class TapServer {
 public:
  using Machine = TapQueue::Machine;

  // `config`, `site` and what `options` points to outlive it. `taps` are the device's queues.
  static Result<std::unique_ptr<TapServer>> open(const TapServerOptions& options, const Machine::Config& config,
                                                 std::vector<Tap> taps, std::span<const Credentials> credentials,
                                                 const Directory& site);

  // Goes on where another server stands, whose control socket is at `path`: with its device, of as many queues, and its
  // hosts, live connections included (hand_over.hpp). On failure that one goes on, if it is alive.
  static Result<std::unique_ptr<TapServer>> take_over(const TapServerOptions& options, const Machine::Config& config,
                                                      unsigned queues, std::span<const Credentials> credentials,
                                                      const Directory& site, const std::string& path);
  struct Taken {
    std::size_t connections = 0;
    int process = 0;  // from which
  };
  const Taken& taken() const { return taken_; }

  // From now on others may take over from here.
  void set_control(Control control) { control_ = std::move(control); }

  // Serves until SIGTERM or SIGINT, then takes no new connections, lets what is under way finish for at most the grace,
  // and returns. A second signal cuts that short. Returns also when another process has taken over. `on_signal` is told
  // of the other signals, while no machine runs. Fails if the device goes.
  Result<void> run(Signals& signals, const std::function<void(int)>& on_signal);

  // While no machine runs:
  // other certificates and keys from now on, for connections that begin from now on. Nothing changes if that fails.
  Result<void> renew(std::span<const Credentials> credentials);
  std::span<const std::unique_ptr<TapQueue>> queues() const { return queues_; }

 private:
  using Sets = std::vector<std::unique_ptr<IdentitySet>>;

  TapServer(const TapServerOptions& options, const Machine::Config& config, const Directory& site, unsigned queues);
  static Result<Sets> identities(std::span<const Credentials> credentials, std::uint16_t generation, std::size_t n);
  void add(Tap tap, std::unique_ptr<IdentitySet> identities, Time time, const recording::Born& born);
  Result<void> serve(Signals& signals, const std::function<void(int)>& on_signal);
  Result<void> check_addresses();
  // The machines of all queues but the first, which runs only in between.
  void start_others();
  void stop_others();

  class Mover;        // tap_server_moving.cpp
  bool moved_away();  // to a process that asks at the control socket

  const TapServerOptions options_;
  const Machine::Config& config_;
  const unsigned number_;  // of queues
  TapShared shared_;
  std::vector<std::unique_ptr<TapQueue>> queues_;
  std::vector<std::thread> threads_;
  std::uint16_t generation_ = 0;  // of the identities
  bool draining_ = false;
  std::optional<Control> control_;
  Taken taken_;
};

}  // namespace limpid::effects
