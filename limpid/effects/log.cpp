#include "limpid/effects/log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>

#include "limpid/effects/clock.hpp"
#include "limpid/effects/sockets.hpp"

namespace limpid::effects {
namespace {

// Lines wait for a file that does not take them up to so many bytes; a write carries at most as many as a pipe takes
// whole or not at all.
constexpr std::size_t most_waiting = 256 * 1024;
constexpr std::size_t largest_write = 4096;

std::string hex(char c) {
  constexpr const char* digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return {digits[byte >> 4], digits[byte & 15]};
}

template <class Text>
std::string escaped(const Text& text) {
  std::string out;
  for (const char c : text) {
    if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {  // bytes of 0x80 and above are negative
      out += "\\x" + hex(c);
    } else {
      out += c;
    }
  }
  return out.empty() ? "-" : out;
}

// A JSON string. What is not ASCII is shown byte by byte, since a peer need not send UTF-8.
template <class Text>
std::string quoted(const Text& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c < 0x20 || c == 0x7f) {
      out += "\\u00" + hex(c);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string time_text(UnixTime time, const char* format) {
  const std::time_t seconds = time.seconds;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

std::string address(const stream::Endpoint& peer) {
  std::string text = to_string(peer);
  text.resize(text.rfind(':'));
  if (text.starts_with('[')) text = text.substr(1, text.size() - 2);
  return text;
}

std::string_view describe(http::Abandoned why) {
  switch (why) {
    case http::Abandoned::no:
      return "";
    case http::Abandoned::file_changed:
      return "file_changed";
    case http::Abandoned::stalled:
      return "stalled";
    case http::Abandoned::reset:
      return "reset";
  }
  return "";
}

}  // namespace

void complain(LogForm form, std::string_view text) {
  std::string line;
  if (form == LogForm::json) {
    line = "{\"time\":\"" + time_text(now().wall, "%Y-%m-%dT%H:%M:%SZ") + "\",\"message\":" + quoted(text) + "}\n";
  } else {
    line = "limpid: ";
    for (const char c : text) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    line += '\n';
  }
  std::fwrite(line.data(), 1, line.size(), stderr);
}

Result<LogFile> LogFile::open(const std::string& path) {
  constexpr int flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  if (path != "-") {
    Descriptor file(::open(path.c_str(), flags | O_CREAT, 0640));
    if (file) return LogFile(path, std::move(file));
    const int error = errno;
    return fail("cannot write the access log '" + path +
                "': " + (error == ENXIO ? "nobody reads that pipe" : system_words(error)) + "; choose another file");
  }
  // A pipe is opened again, so that not blocking on it is our own affair. A file is not, since its offset is shared.
  struct stat status{};
  Descriptor file;
  if (::fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode))
    file = Descriptor(::open("/proc/self/fd/1", flags));
  if (!file) file = Descriptor(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  if (!file) return fail("cannot write the access log to standard output: " + system_words(errno) + "; name a file");
  return LogFile(path, std::move(file));
}

Result<void> LogFile::reopen() const {
  if (path_ == "-") return {};
  const auto fresh = open(path_);
  if (!fresh) return std::unexpected(fresh.error());
  // The workers keep the number, and a write under way its file.
  if (::dup3(fresh->descriptor(), descriptor(), O_CLOEXEC) < 0) {
    return fail("cannot go on in the access log '" + path_ + "': " + system_words(errno) + "; send SIGHUP again");
  }
  return {};
}

std::string access_line(LogForm form, const stream::Endpoint& peer, UnixTime at, const http::RequestServed& served) {
  const std::string version = "HTTP/1." + std::to_string(served.minor_version);
  const std::string status = std::to_string(static_cast<unsigned>(served.status));
  const std::string bytes = std::to_string(served.body_bytes);
  if (form == LogForm::text) {
    std::string line = address(peer) + " - - [" + time_text(at, "%d/%b/%Y:%H:%M:%S +0000") + "] \"";
    if (!served.method_name.empty()) {
      line += escaped(served.method_name) + ' ' + escaped(served.target) + ' ' + version;
    } else {
      line += '-';
    }
    return line + "\" " + status + ' ' + bytes + " \"" + escaped(served.referer) + "\" \"" +
           escaped(served.user_agent) + "\"\n";
  }
  std::string line = "{\"time\":\"" + time_text(at, "%Y-%m-%dT%H:%M:%SZ") + "\",\"peer\":" + quoted(to_string(peer));
  if (!served.method_name.empty()) {
    line += ",\"method\":" + quoted(served.method_name) + ",\"target\":" + quoted(served.target) +
            ",\"version\":" + quoted(version);
  }
  line += ",\"status\":" + status + ",\"bytes\":" + bytes;
  if (served.abandoned != http::Abandoned::no) line += ",\"abandoned\":" + quoted(describe(served.abandoned));
  if (!served.referer.empty()) line += ",\"referer\":" + quoted(served.referer);
  if (!served.user_agent.empty()) line += ",\"user_agent\":" + quoted(served.user_agent);
  return line + "}\n";
}

void AccessLog::add(const stream::Endpoint& peer, UnixTime at, const http::RequestServed& served, Counter& lost) {
  if (file_ == nullptr) return;
  const std::string line = access_line(form_, peer, at, served);
  if (lines_.size() + line.size() > most_waiting) return count(lost);
  lines_ += line;
}

int AccessLog::flush() {
  std::size_t written = 0;
  int error = 0;
  while (written < lines_.size() && error == 0) {
    // As many whole lines as go into one write; every line is shorter than that.
    std::size_t size = std::min(largest_write, lines_.size() - written);
    size = lines_.rfind('\n', written + size - 1) + 1 - written;
    const ssize_t n = ::write(file_->descriptor(), lines_.data() + written, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) error = errno;
    if (n > 0) written += static_cast<std::size_t>(n);
  }
  lines_.erase(0, written);
  return error;
}

}  // namespace limpid::effects
