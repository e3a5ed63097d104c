// Drives a server whose TCP/IP stack is our own over a tap device: one thread, one machine.
#pragma once

#include <functional>
#include <unordered_map>
#include <vector>

#include "limpid/effects/files.hpp"
#include "limpid/effects/hand_over.hpp"
#include "limpid/effects/identity_set.hpp"
#include "limpid/effects/pcap.hpp"
#include "limpid/effects/recorder.hpp"
#include "limpid/effects/reports.hpp"
#include "limpid/effects/signals.hpp"
#include "limpid/effects/site_file.hpp"
#include "limpid/effects/tap.hpp"
#include "limpid/stack/host_server.hpp"
#include "limpid/stack/live.hpp"

namespace limpid::effects {

struct TapServerOptions {
  std::size_t memory = std::size_t{1} << 30;  // what the machine may hold: all connections and tables
  Duration grace = seconds(30);               // how long a drain may take before what is left is cut off
  LogForm log = LogForm::text;
  const LogFile* access_log = nullptr;  // outlives the server, as the following
  const KeyLogFile* key_log = nullptr;
  Recorder* recorder = nullptr;
  PcapWriter* capture = nullptr;  // of every frame, both ways
};

class TapServer {
 public:
  using Machine = stack::HostServer;

  // `config`, `site` and what `options` points to outlive it. The machine begins at `time`, newborn or as `born` says.
  TapServer(const TapServerOptions& options, const Machine::Config& config, Tap tap,
            std::unique_ptr<IdentitySet> identities, const Directory& site, Time time = now(),
            const recording::Born& born = {});

  // Goes on where another server stands, whose control socket is at `path`: with its device and its whole host, live
  // connections included (hand_over.hpp). On failure that one goes on, if it is alive.
  static Result<std::unique_ptr<TapServer>> take_over(const TapServerOptions& options, const Machine::Config& config,
                                                      std::span<const Credentials> credentials, const Directory& site,
                                                      const std::string& path);
  struct Taken {
    std::size_t connections = 0;
    int process = 0;  // from which
  };
  const Taken& taken() const { return taken_; }

  // From now on others may take over from here.
  void set_control(Control control) { control_ = std::move(control); }

  // Serves until SIGTERM or SIGINT, then takes no new connections, lets what is under way finish for at most the grace,
  // and returns. A second signal cuts that short. Returns also when another process has taken over. `on_signal` is told
  // of the other signals. Fails if the device goes.
  Result<void> run(Signals& signals, const std::function<void(int)>& on_signal);

  // Other certificates and keys from now on, for connections that begin from now on. Nothing changes if that fails.
  Result<void> renew(std::span<const Credentials> credentials);

  const WorkerCounters& counters() const { return counters_; }
  const Machine& machine() const { return machine_; }
  std::uint64_t frames_lost() const { return frames_lost_; }  // that the device did not take

 private:
  // Tells the machine, carries out what it answers, and answers what it asks.
  void tell(Machine::Event event);
  Progress<Machine::Action> step(const Machine::Event& event);
  bool flush();
  Result<void> receive();
  Machine::Event answer(const Machine::Query& query);
  void carry_out(std::span<const Machine::Action> actions);
  void look_after_logs();
  void capture(Bytes header, std::span<const Bytes> payload);

  class Mover;  // tap_server_moving.cpp
  void wake_up(stack::Dormant<Machine> dormant);
  bool moved_away();  // to a process that asks at the control socket

  const TapServerOptions options_;
  const Machine::Config& config_;
  Tap tap_;
  const Directory& site_;
  const CpuFeatures cpu_;
  CurrentIdentities identities_;
  Complaints complaints_;
  WorkerCounters counters_;
  Reports reports_;
  Budget budget_;
  Machine machine_;
  Tape<Machine> tape_;
  std::uint16_t generation_ = 0;  // of the identities
  bool draining_ = false;
  std::optional<Control> control_;
  Taken taken_;
  std::optional<Instant> deadline_;
  bool more_ = false;
  std::unordered_map<std::uint64_t, SiteFile> files_;  // of connections that asked for one
  std::uint64_t frames_lost_ = 0;
  bool any_usable_ = false;                        // of the addresses given to us
  std::optional<tcpip::IpAddress> taken_address_;  // given to us, but somebody else has it

  // Lent to the machine.
  std::vector<Byte> input_, output_, piece_;
  std::vector<Machine::Action> actions_;
};

}  // namespace limpid::effects
