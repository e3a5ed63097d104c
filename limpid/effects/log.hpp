// What a server says while it runs: complaints, a line each, and the access log.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "limpid/core/stream.hpp"
#include "limpid/core/time.hpp"
#include "limpid/effects/counters.hpp"
#include "limpid/effects/descriptor.hpp"
#include "limpid/effects/failure.hpp"
#include "limpid/http/server.hpp"

namespace limpid::effects {

enum class LogForm : std::uint8_t {
  text,
  json,  // an object a line, with "time" and what it is about
};

// Writes one line on stderr: "limpid: text", or {"time": ..., "message": text}. Control characters become spaces. From
// any thread.
void complain(LogForm form, std::string_view text);

// Lets one of many pass in a second. From any thread.
class OnceASecond {
 public:
  bool may(Instant now) {
    std::int64_t next = next_us_.load(std::memory_order_relaxed);
    return now.microseconds >= next &&
           next_us_.compare_exchange_strong(next, now.microseconds + 1'000'000, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::int64_t> next_us_ = 0;
};

// What any peer can cause is complained of once a second, by whichever worker comes first.
struct Complaints {
  OnceASecond of_shortage, of_tls, of_log;
};

// The file of the access log, shared by all workers.
class LogFile {
 public:
  // "-" is standard output. A file is made with mode 0640, appended to, and never blocks a worker.
  static Result<LogFile> open(const std::string& path);

  // After somebody renamed it: goes on in a new file under the old name. From any thread.
  Result<void> reopen() const;

  int descriptor() const { return file_.get(); }

 private:
  LogFile(std::string path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  std::string path_;
  Descriptor file_;
};

// A worker's share of it: lines are collected and written together. Only whole lines reach the file, and no request can
// forge one or a part of one.
class AccessLog {
 public:
  AccessLog() = default;  // nothing is logged
  AccessLog(const LogFile& file, LogForm form) : file_(&file), form_(form) {}

  // Text is what is widely called the combined format; the peer's words in it are escaped as \xHH. `at` is the end of
  // the exchange.
  void add(const stream::Endpoint& peer, UnixTime at, const http::RequestServed& served, Counter& lost);
  // Writes what can be written now. Yields an errno value if that is not all, EAGAIN where somebody reads too slowly.
  int flush();
  bool empty() const { return lines_.empty(); }

 private:
  const LogFile* file_ = nullptr;
  LogForm form_ = LogForm::text;
  std::string lines_;
};

// One line, with its end: what add() collects.
std::string access_line(LogForm form, const stream::Endpoint& peer, UnixTime at, const http::RequestServed& served);

}  // namespace limpid::effects
