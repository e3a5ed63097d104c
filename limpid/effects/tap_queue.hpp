// Drives one queue of a tap device: one machine, in one thread at a time.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "limpid/effects/files.hpp"
#include "limpid/effects/identity_set.hpp"
#include "limpid/effects/pcap.hpp"
#include "limpid/effects/queue_inbox.hpp"
#include "limpid/effects/recorder.hpp"
#include "limpid/effects/reports.hpp"
#include "limpid/effects/site_file.hpp"
#include "limpid/effects/tap.hpp"
#include "limpid/stack/host_server.hpp"
#include "limpid/stack/live.hpp"

namespace limpid::effects {

// What the queues of a server have in common. All that it points to outlives them.
struct TapShared {
  std::size_t memory = std::size_t{1} << 30;  // what the machine of each may hold: all connections and tables
  LogForm log = LogForm::text;
  const LogFile* access_log = nullptr;
  const KeyLogFile* key_log = nullptr;
  Recorder* recorder = nullptr;
  PcapWriter* capture = nullptr;
  const Directory& site;
  Complaints complaints{};
  std::mutex capturing{};  // held to write the capture
};

class TapQueue {
 public:
  using Machine = stack::HostServer;

  // `config` is that of all, but for the queue. The machine begins at `time`, newborn or as `born` says.
  TapQueue(TapShared& shared, const Machine::Config& config, tcpip::ip::Queue queue, Tap tap,
           std::unique_ptr<IdentitySet> identities, Time time = now(), const recording::Born& born = {});

  // All queues of the device, itself included, in their order: whom it speaks to. They outlive it.
  void connect(std::span<const std::unique_ptr<TapQueue>> all) { all_ = all; }

  // Runs in a thread of its own, until it is paused or the device goes.
  void run();
  void pause();

  // The parts of run(), for who waits for other things, too: it has a turn when the tap's descriptor or messages() are
  // readable, and at wake() at the latest. Fails if the device goes.
  std::optional<Instant> wake() const;
  int messages() const { return inbox_.descriptor(); }
  Result<void> turn(bool frames, bool messages);

  // When it does not run.
  void tell(Machine::Event event);
  void renew(std::unique_ptr<IdentitySet> identities) { identities_.renew(std::move(identities)); }
  std::expected<Buffer, stack::LiveFault> seal(Instant now, const crypto::SealKey& key, const crypto::SealId& id,
                                               Budget& budget);
  std::expected<void, stack::LiveFault> open(stack::Claim claim, Bytes sealed, const crypto::SealKey& key, Instant now);
  void ends(bool handed_over) { tape_.end(handed_over); }
  const Machine& machine() const { return machine_; }
  std::uint64_t frames_lost() const { return frames_lost_; }      // that the device did not take
  std::uint64_t messages_lost() const { return messages_lost_; }  // that another queue did not take

  Tap& tap() { return tap_; }
  // From any thread: it has connections, or more to say.
  bool is_busy() const { return busy_.load(std::memory_order_relaxed); }
  const WorkerCounters& counters() const { return counters_; }
  // An address given to us that somebody else has, said once; and whether any of them could be used.
  std::optional<tcpip::IpAddress> taken_address() { return std::exchange(taken_address_, std::nullopt); }
  bool any_usable() const { return any_usable_; }

 private:
  // Tells the machine, carries out what it answers, and answers what it asks.
  Progress<Machine::Action> step(const Machine::Event& event);
  void took(const Progress<Machine::Action>& progress);
  void flush();
  Result<void> receive();
  Machine::Event answer(const Machine::Query& query);
  void carry_out(std::span<const Machine::Action> actions);
  void look_after_logs();
  void capture(Bytes header, std::span<const Bytes> payload);

  TapShared& shared_;
  const Machine::Config config_;
  Tap tap_;
  const CpuFeatures cpu_;
  CurrentIdentities identities_;
  WorkerCounters counters_;
  Reports reports_;
  Budget budget_;
  Machine machine_;
  Tape<Machine> tape_;
  QueueInbox inbox_;
  std::span<const std::unique_ptr<TapQueue>> all_;
  std::atomic<bool> pause_ = false;
  std::optional<Instant> deadline_;
  bool more_ = false;
  bool unsaid_ = false;  // there is more to say at this moment
  std::atomic<bool> busy_ = true;
  std::unordered_map<std::uint64_t, SiteFile> files_;  // of connections that asked for one
  std::uint64_t frames_lost_ = 0, messages_lost_ = 0;
  bool any_usable_ = false;                        // of the addresses given to us
  std::optional<tcpip::IpAddress> taken_address_;  // given to us, but somebody else has it

  // Lent to the machine.
  std::vector<Byte> input_, output_, piece_;
  std::vector<Machine::Action> actions_;
};

}  // namespace limpid::effects
