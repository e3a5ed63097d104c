#include "limpid/effects/key_log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace limpid::effects {

Result<KeyLogFile> KeyLogFile::open(const std::string& path) {
  // Not blocking: nobody may be reading a pipe of that name.
  Descriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return fail("cannot write keys to '" + path + "': " + system_words(errno) + "; choose another file");
  }
  if (S_ISREG(status.st_mode) && status.st_uid != ::geteuid()) {
    return fail("will not write keys to '" + path + "': it belongs to somebody else; choose another file");
  }
  if ((S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode)) && (status.st_mode & 077) != 0) {
    return fail("will not write keys to '" + path + "': others may open it; run: chmod 600 '" + path + "'");
  }
  return KeyLogFile(std::move(file));
}

int KeyLogFile::write(Bytes lines) const {
  const ssize_t n = ::write(file_.get(), lines.data(), lines.size());
  if (n < 0) return errno;
  return static_cast<std::size_t>(n) == lines.size() ? 0 : ENOSPC;
}

}  // namespace limpid::effects
