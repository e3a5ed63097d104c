#include "limpid/effects/recorder.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>

#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/files.hpp"

namespace limpid::effects {
namespace {

// 0, or an errno value.
int write_all(const Descriptor& file, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return 0;
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::create(const std::string& path, SnapshotKind machine) {
  const auto cannot = [&](int error, std::string_view remedy) {
    return fail("cannot record to '" + path + "': " + system_words(error) + "; " + std::string(remedy));
  };
  // Never over another file: the name may be that of a key which is in use.
  const std::string key_path = path + ".key";
  const auto taken = [&] {
    return fail("cannot record to '" + path + "': its key would replace '" + key_path +
                "'; move that away or name another file");
  };
  if (struct stat there{}; ::lstat(key_path.c_str(), &there) == 0) return taken();
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600));
  if (!file) return cannot(errno, "choose a file that can be written");
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return cannot(errno, "choose another file");
  if (!S_ISREG(status.st_mode)) return fail("cannot record to '" + path + "': it is not a regular file; name one");
  if (status.st_size != 0) {
    return fail("cannot record to '" + path + "': there is something in it already; move it away or name another file");
  }
  if (::fchmod(file.get(), 0600) != 0) return cannot(errno, "choose a file of your own");

  // A file that may not grow is something to report, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  const recording::RecordingKey key(entropy());
  Descriptor key_file(::open(key_path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!key_file && errno == EEXIST) return taken();
  if (!key_file) return cannot(errno, "choose a file that can be written");
  if (const int error = write_all(key_file, key.bytes()); error != 0) return cannot(error, "free some space");
  std::array<Byte, recording::FrameCipher::head_size> head{};
  auto cipher = recording::FrameCipher::begin(machine, key, entropy(), head, cpu_features());
  if (const int error = write_all(file, head); error != 0) return cannot(error, "free some space");
  return std::unique_ptr<Recorder>(new Recorder(path, std::move(file), std::move(cipher)));
}

Recorder::Recorder(std::string path, Descriptor file, recording::FrameCipher cipher)
    : path_(std::move(path)), cpu_(cpu_features()), file_(std::move(file)), cipher_(std::move(cipher)) {}

Recorder::~Recorder() {
  write({.kind = recording::FrameKind::end, .event = 0, .machine = 0, .time = now(), .size = 0},
        [](Buffer&) { return true; });
}

void Recorder::seal_and_write(const recording::FrameHeader& header) {
  const MutableBytes frame(frame_.data(), frame_.size());
  cipher_.seal(header, frame, cpu_);
  if (const int error = write_all(file_, frame); error != 0) give_up(error);
}

void Recorder::give_up(int error) {
  file_.reset();
  std::fprintf(stderr, "limpid: recording to '%s' ends here: %s; free some space and start again to record more\n",
               path_.c_str(), system_words(error).c_str());
}

}  // namespace limpid::effects
