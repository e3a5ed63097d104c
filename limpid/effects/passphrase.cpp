#include "limpid/effects/passphrase.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "limpid/effects/descriptor.hpp"
#include "limpid/effects/files.hpp"

namespace limpid::effects {
namespace {

constexpr std::size_t longest = 1024;

// A terminal that neither shows what is typed nor makes signals of it: whoever was stopped in the middle would leave a
// terminal behind that shows nothing. The destructor puts back what was.
class SilentTerminal {
 public:
  explicit SilentTerminal(int terminal) : terminal_(terminal) {
    ok_ = ::tcgetattr(terminal, &before_) == 0;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    ok_ = ok_ && ::tcsetattr(terminal, TCSAFLUSH, &silent) == 0;
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  ~SilentTerminal() {
    if (ok_) ::tcsetattr(terminal_, TCSAFLUSH, &before_);
  }

  bool ok() const { return ok_; }

 private:
  int terminal_;
  bool ok_ = false;
  termios before_{};
};

// Nothing if it was broken off: by ^C, by ^D, or by the terminal's end.
std::optional<SecretText> read_line(int terminal) {
  constexpr char interrupt = 3, end = 4, backspace = 8, clear = 21, rubout = 127;
  std::string line;
  line.reserve(longest);  // so that no copy stays behind
  for (char c = 0;;) {
    const ssize_t n = ::read(terminal, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n > 0 && (c == '\n' || c == '\r')) return SecretText(std::move(line));
    if (n <= 0 || c == interrupt || c == end || line.size() == longest) {
      SecretText forgotten(std::move(line));
      return std::nullopt;
    }
    if (c == clear) {
      line.clear();
    } else if (c != backspace && c != rubout) {
      line += c;
    } else if (!line.empty()) {
      line.pop_back();
    }
  }
}

void say(int terminal, std::string_view text) {
  // A terminal that takes no text gives no passphrase either, which is noticed.
  [[maybe_unused]] const ssize_t written = ::write(terminal, text.data(), text.size());
}

Result<SecretText> ask(int terminal, const std::string& key_path) {
  const SilentTerminal silent(terminal);
  if (!silent.ok()) return fail("cannot ask for the passphrase of '" + key_path + "'; name it with --passphrase-file");
  say(terminal, "passphrase of '" + key_path + "': ");
  auto line = read_line(terminal);
  say(terminal, "\r\n");
  if (!line) return fail("no passphrase was given for the key in '" + key_path + "'; it is encrypted and needs one");
  return std::move(*line);
}

}  // namespace

Result<SecretText> get_passphrase(const PassphraseSource& source, const std::string& key_path) {
  if (!source.file.empty()) {
    auto content = read_file(source.file, longest);
    if (!content) return std::unexpected(content.error());
    SecretText whole(std::move(*content));
    std::string_view line = as_text(whole.bytes());
    line = line.substr(0, line.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    whole.truncate(line.size());
    return whole;
  }
  const Descriptor terminal(source.may_ask ? ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC) : -1);
  if (terminal) return ask(terminal.get(), key_path);
  return fail("the key in '" + key_path +
              "' is encrypted; name a file that holds its passphrase with --passphrase-file");
}

}  // namespace limpid::effects
