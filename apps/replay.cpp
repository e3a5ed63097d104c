#include "replay.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstdio>
#include <map>
#include <memory>

#include "common.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/stack/replay.hpp"
#include "words.hpp"

namespace limpid::apps {
namespace {

namespace recording = stack::recording;

struct Options {
  std::string file;
  std::uint64_t until = UINT64_MAX;
  bool print = false;
};

// A file as it lies in memory.
class Mapped {
 public:
  static Result<Mapped> open(const std::string& path) {
    const auto cannot = [&](int error) {
      return effects::fail("cannot replay '" + path + "': " + effects::system_words(error) +
                           "; name a file that `--record` wrote");
    };
    const effects::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0) return cannot(errno);
    if (!S_ISREG(status.st_mode)) return cannot(S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
    Mapped mapped;
    mapped.size_ = static_cast<std::size_t>(status.st_size);
    if (mapped.size_ == 0) return mapped;
    void* memory = ::mmap(nullptr, mapped.size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (memory == MAP_FAILED) return cannot(errno);
    mapped.memory_ = memory;
    return mapped;
  }
  Mapped(Mapped&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)), size_(other.size_) {}
  Mapped& operator=(Mapped&&) = delete;
  ~Mapped() {
    if (memory_ != nullptr) ::munmap(memory_, size_);
  }
  Bytes bytes() const { return {static_cast<const Byte*>(memory_), memory_ == nullptr ? 0 : size_}; }

 private:
  Mapped() = default;
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

// The key beside the file; none if it cannot be read.
Result<std::optional<recording::RecordingKey>> load_key(const std::string& path) {
  auto content = effects::read_file(path, recording::RecordingKey::size);
  if (!content) return std::nullopt;
  if (content->size() != recording::RecordingKey::size) {
    return effects::fail("the key in '" + path + "' is not one of 32 bytes; use the one that `--record` wrote");
  }
  recording::RecordingKey key;
  copy(as_bytes(*content), key.mutable_bytes());
  wipe({reinterpret_cast<Byte*>(content->data()), content->size()});
  return std::optional(std::move(key));
}

// A machine of either kind, stepped again.
template <Machine S>
class Replay {
 public:
  Replay(const Options& options, recording::RecordingReader reader, bool has_key)
      : options_(options), reader_(std::move(reader)), has_key_(has_key) {}

  Result<void> run() {
    for (;;) {
      auto frame = reader_.next(frame_);
      if (!frame) {
        return fail(std::string(recording::describe(frame.error())) + "; the " + std::to_string(events_) +
                    " events before that " + (has_key_ ? "replay the same" : "are listed"));
      }
      const recording::FrameHeader& header = frame->header;
      if (first_us_ == 0) first_us_ = header.time.monotonic.microseconds;
      if (header.kind == recording::FrameKind::end) break;
      if (header.kind == recording::FrameKind::told) ++events_;
      if (!has_key_) {
        list(header);
      } else if (auto stepped = step(*frame); !stepped) {
        return stepped;
      }
      if (events_ == options_.until) return {};
    }
    if (options_.until != UINT64_MAX) {
      return fail("it has " + std::to_string(events_) + " events; name one of them with --until");
    }
    if (has_key_) {
      std::printf("replayed %llu events of %llu %s%s: every answer is the same, byte for byte\n",
                  static_cast<unsigned long long>(events_), static_cast<unsigned long long>(born_), machine_name,
                  born_ == 1 ? "" : "s");
    }
    return {};
  }

 private:
  using Replayed = recording::ReplayedMachine<S>;
  using Verdict = typename Replayed::Verdict;

  struct Actor {
    Budget budget{std::size_t{1} << 62};
    std::optional<Replayed> machine;
    std::uint64_t last_event = 0;
  };

  Result<void> step(const recording::RecordingReader::Frame& frame) {
    const recording::FrameHeader& header = frame.header;
    if (header.kind == recording::FrameKind::born) {
      auto actor = std::make_unique<Actor>();
      actor->machine = Replayed::born(frame.content, header.time, actor->budget, cpu_);
      if (!actor->machine || !actors_.emplace(header.machine, std::move(actor)).second) return damaged();
      ++born_;
      if (options_.print) print(header, frame.content.size(), "begins");
      return {};
    }
    const auto found = actors_.find(header.machine);
    if (found == actors_.end()) return damaged();
    Actor& actor = *found->second;
    if (header.kind == recording::FrameKind::gone) {
      const auto [verdict, handed_over] = actor.machine->end(frame.content);
      if (verdict != Verdict::same) return verdict == Verdict::differs ? differs(actor, header) : damaged();
      if (options_.print) print(header, frame.content.size(), handed_over ? "goes on in another process" : "ends");
      actors_.erase(found);
      return {};
    }
    const std::size_t size = frame.content.size();
    auto told = actor.machine->tell(frame.content, header.time, stage_, cpu_);
    if (told.verdict != Verdict::same) return told.verdict == Verdict::differs ? differs(actor, header) : damaged();
    actor.last_event = events_;
    if (options_.print || events_ == options_.until) print(header, size, account(told));
    if (events_ == options_.until) show_state(actor);
    return {};
  }

  std::string account(const typename Replayed::Told& told) {
    std::string line = words(*told.event);
    const char* mark = " -> ";
    for (const auto& action : told.progress.actions) line += std::exchange(mark, ", ") + words(action);
    return line;
  }

  void show_state(const Actor& actor) {
    const auto text = effects::text_of([&](Writer& out) { actor.machine->state().describe(out); });
    std::printf("%s\n", text.c_str());
  }

  void list(const recording::FrameHeader& header) {
    static constexpr auto names = alternatives<typename S::Event>();
    switch (header.kind) {
      case recording::FrameKind::born:
        return print(header, header.size, "begins");
      case recording::FrameKind::gone:
        return print(header, header.size, "ends");
      default:
        return print(header, header.size, std::string(header.event < names.size() ? names[header.event] : "?"));
    }
  }

  void print(const recording::FrameHeader& header, std::size_t size, const std::string& said) {
    const std::string number = header.kind == recording::FrameKind::told ? std::to_string(events_) : "";
    std::string line;
    for (const char c : said) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    std::printf("%8s %12.6f s  %s %llu  %6zu bytes  %s\n", number.c_str(),
                static_cast<double>(header.time.monotonic.microseconds - first_us_) / 1e6, machine_name,
                static_cast<unsigned long long>(header.machine), size, line.c_str());
  }

  std::unexpected<Failure> fail(const std::string& why) const {
    std::fflush(stdout);
    return effects::fail("cannot replay '" + options_.file + "': " + why);
  }
  std::unexpected<Failure> damaged() const { return fail("it is damaged at event " + std::to_string(events_)); }
  std::unexpected<Failure> differs(const Actor& actor, const recording::FrameHeader& header) const {
    return fail(machine_name + (" " + std::to_string(header.machine)) + " answers event " +
                std::to_string(actor.last_event) +
                " otherwise than when it was recorded; replay it with the limpid that recorded it");
  }

  // What one machine is, for a person.
  static constexpr const char* machine_name = std::same_as<S, stack::HostServer> ? "host" : "connection";

  const Options& options_;
  recording::RecordingReader reader_;
  const bool has_key_;
  const CpuFeatures cpu_ = effects::cpu_features();
  Buffer frame_{effects::startup_budget()};
  recording::Stage<S> stage_{effects::startup_budget()};
  std::map<std::uint64_t, std::unique_ptr<Actor>> actors_;
  std::uint64_t events_ = 0, born_ = 0;
  std::int64_t first_us_ = 0;
};

bool is_kind(const SnapshotKind& found, const SnapshotKind& kind) {
  return std::string_view(found.name, 4) == std::string_view(kind.name, 4);
}

Result<void> run(const Options& options) {
  auto file = Mapped::open(options.file);
  if (!file) return std::unexpected(file.error());
  const auto refuse = [&](std::string_view why) {
    return effects::fail("cannot replay '" + options.file + "': " + std::string(why));
  };
  const auto kind = recording::read_head(file->bytes());
  if (!kind) return refuse(std::string(recording::describe(kind.error())) + "; name a file that `--record` wrote");
  const auto replay = [&]<class Machine>(std::type_identity<Machine>) -> std::optional<Result<void>> {
    if (!is_kind(*kind, Machine::snapshot_kind)) return std::nullopt;
    if (kind->version != Machine::snapshot_kind.version) {
      return refuse("it is of another version of limpid; replay it with the one that recorded it");
    }
    auto key = load_key(options.file + ".key");
    if (!key) return std::unexpected(key.error());
    auto reader = recording::RecordingReader::open(file->bytes(), *key ? &**key : nullptr, effects::cpu_features());
    if (!reader) return refuse(recording::describe(reader.error()));
    if (!*key)
      std::printf("without the key in '%s.key' only times, sizes and kinds can be shown\n", options.file.c_str());
    return Replay<Machine>(options, std::move(*reader), key->has_value()).run();
  };
  if (const auto done = replay(std::type_identity<stack::Server>())) return *done;
  if (const auto done = replay(std::type_identity<stack::Client>())) return *done;
  if (const auto done = replay(std::type_identity<stack::HostServer>())) return *done;
  return refuse("it is of machines unknown here");
}

}  // namespace

void add_replay(CLI::App& tool, int& status) {
  CLI::App* command = tool.add_subcommand("replay", "step a recorded session again, byte for byte");
  auto options = std::make_shared<Options>();
  command->add_option("FILE", options->file, "what `serve --record` or `get --record` wrote, its key beside it")
      ->required();
  command->add_option("--until", options->until, "stop behind event N and show the connection's state in words")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_flag("--print", options->print, "print every event and what was answered");
  command->callback([options, &status] {
    const auto replayed = run(*options);
    status = replayed ? done : complain(replayed.error());
  });
}

}  // namespace limpid::apps
