#include "limpid/effects/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "limpid/core/constant_time.hpp"
#include "limpid/effects/entropy.hpp"

namespace limpid::effects {
namespace {

// The remedy that fits an errno value, for the end of a line that names a path.
std::string remedy(int error) {
  switch (error) {
    case ENOENT:
      return "check the path";
    case ENOTDIR:
      return "a folder in the path is a file";
    case EACCES:
    case EPERM:
      return "change its permissions or run as a user who may";
    case ENOSPC:
    case EDQUOT:
      return "free some space";
    case EROFS:
      return "choose a place that is writable";
    default:
      return "try again or choose another path";
  }
}

std::unexpected<Failure> path_failure(std::string_view doing, const std::string& path, int error) {
  return fail("cannot " + std::string(doing) + " '" + path + "': " + system_words(error) + "; " + remedy(error));
}

FileFacts facts_of(const struct stat& status) {
  return {.kind = S_ISDIR(status.st_mode) ? FileFacts::Kind::folder : FileFacts::Kind::file,
          .size = static_cast<std::uint64_t>(status.st_size),
          .inode = status.st_ino,
          .modified_seconds = status.st_mtim.tv_sec,
          .modified_nanoseconds = static_cast<std::uint32_t>(status.st_mtim.tv_nsec)};
}

constexpr const char* own_descriptors = "/proc/self/fd/";

constexpr int look_up_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

Descriptor open_beneath(int directory, const std::string& path) {
  open_how how{};
  how.flags = look_up_flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return Descriptor(static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

// The same without openat2, except that no symbolic link is followed at all: each component is opened on its own.
Descriptor open_by_components(int directory, std::string_view path) {
  if (path.starts_with('/')) {
    errno = EXDEV;
    return {};
  }
  Descriptor at(::openat(directory, ".", look_up_flags | O_DIRECTORY));
  while (at && !path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string component(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      errno = EXDEV;
      return {};
    }
    at = Descriptor(
        ::openat(at.get(), component.c_str(), look_up_flags | O_NOFOLLOW | (path.empty() ? 0 : O_DIRECTORY)));
  }
  return at;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return path_failure("read", path, errno);
  struct stat status{};
  constexpr std::size_t least_room = 64;
  std::size_t room = 16384;
  if (::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode)) {
    room = std::max(least_room, std::min(static_cast<std::size_t>(status.st_size), limit) + 1);
  }
  // It may be a secret: no copy of it is left in memory given back, nor on the stack, where a short string lies.
  std::string content(room, '\0');
  std::size_t size = 0;
  const auto wipe_it = [&] { wipe({reinterpret_cast<Byte*>(content.data()), content.size()}); };
  for (;;) {
    if (size == content.size()) {
      std::string larger(2 * size, '\0');
      larger.replace(0, size, content);
      wipe_it();
      content = std::move(larger);
    }
    const ssize_t n = ::read(file.get(), content.data() + size, content.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EISDIR) return fail("cannot read '" + path + "': it is a folder; name a file in it");
    if (n < 0) return path_failure("read", path, errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
    if (size > limit) {
      wipe_it();
      return fail("cannot read '" + path + "': it is larger than " + std::to_string(limit) +
                  " bytes; check that it is the file you meant");
    }
  }
  content.resize(size);
  return content;
}

Result<WholeFile> WholeFile::create(std::string path, unsigned mode) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return fail("cannot write '" + path + "': it is a folder; name a file in it");
    if (!S_ISREG(status.st_mode)) {  // a device or a pipe must not be replaced by a file
      Descriptor device(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
      if (!device) return path_failure("write", path, errno);
      return WholeFile(std::move(path), {}, std::move(device));
    }
    // A link goes on to point where it does.
    if (char* real = ::realpath(path.c_str(), nullptr)) {
      path = real;
      std::free(real);
    }
  }
  // Best without a name, so that nothing stays behind even of a process that is killed.
  std::string temporary;
  Descriptor file;
  if (::access(own_descriptors, X_OK) == 0) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
    file = Descriptor(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  }
  if (!file) {  // not every file system can
    temporary = path + ".XXXXXX";
    file = Descriptor(::mkostemp(temporary.data(), O_CLOEXEC));
  }
  if (!file) return path_failure("write", path, errno);
  WholeFile whole(std::move(path), std::move(temporary), std::move(file));
  whole.to_be_named_ = true;
  if (::fchmod(whole.file_.get(), mode) != 0) return path_failure("write", whole.path_, errno);
  return whole;
}

WholeFile::~WholeFile() {
  if (file_ && !temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<void> WholeFile::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return path_failure("write", path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> WholeFile::commit() {
  if (!to_be_named_) return {};
  if (::fsync(file_.get()) != 0) return path_failure("write", path_, errno);
  if (temporary_.empty()) {
    // linkat does not replace what has the name already; rename does.
    std::string name = path_ + ".";
    const auto random = entropy();
    for (const Byte byte : Bytes(random).first(8)) name += "0123456789abcdef"[byte & 15];
    const std::string own = own_descriptors + std::to_string(file_.get());
    if (::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
      return path_failure("write", path_, errno);
    }
    temporary_ = std::move(name);
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return path_failure("write", path_, errno);
  temporary_.clear();
  return {};
}

Result<void> write_file(const std::string& path, Bytes content, unsigned mode) {
  auto file = WholeFile::create(path, mode);
  if (!file) return std::unexpected(file.error());
  if (auto written = file->write(content); !written) return written;
  return file->commit();
}

Result<void> make_folders(const std::string& path, unsigned mode) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string folder = path.substr(0, end);
    if (::mkdir(folder.c_str(), mode) != 0 && errno != EEXIST) return path_failure("make the folder", folder, errno);
    if (end == std::string::npos) break;
  }
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return path_failure("make the folder", path, errno);
  if (!S_ISDIR(status.st_mode)) return path_failure("make the folder", path, ENOTDIR);
  return {};
}

Result<Directory> Directory::open(const std::string& path) {
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor) return Directory(std::move(descriptor));
  const int error = errno;
  struct stat status{};
  if (error == ENOTDIR && ::stat(path.c_str(), &status) == 0) {
    return fail("cannot serve '" + path + "': it is not a folder; name the folder that holds it");
  }
  return path_failure("serve", path, error);
}

std::expected<OpenFile, int> Directory::find(std::string_view path) const {
  while (path.ends_with('/')) path.remove_suffix(1);
  // An embedded NUL would make the kernel see another path than the caller.
  if (path.find('\0') != path.npos) return std::unexpected(ENOENT);
  const std::string name = path.empty() ? "." : std::string(path);
  OpenFile found{open_beneath(descriptor_.get(), name), {}};
  if (!found.descriptor && (errno == ENOSYS || errno == EPERM)) {
    found.descriptor = open_by_components(descriptor_.get(), name);
  }
  if (!found.descriptor) return std::unexpected(errno == ENXIO ? ENOENT : errno);  // ENXIO: a socket
  struct stat status{};
  if (::fstat(found.descriptor.get(), &status) != 0) return std::unexpected(errno);
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return std::unexpected(ENOENT);
  found.facts = facts_of(status);
  return found;
}

std::expected<FolderContent, int> Directory::list(std::string_view path, std::size_t most) const {
  auto folder = find(path);
  if (!folder) return std::unexpected(folder.error());
  if (folder->facts.kind != FileFacts::Kind::folder) return std::unexpected(ENOTDIR);
  const int descriptor = folder->descriptor.get();
  struct CloseFolder {
    void operator()(DIR* open) const { ::closedir(open); }
  };
  const std::unique_ptr<DIR, CloseFolder> entries(::fdopendir(descriptor));
  if (!entries) return std::unexpected(errno);
  static_cast<void>(folder->descriptor.release());  // closedir closes it
  FolderContent content{{}, folder->facts, true};
  std::size_t looked_at = 0;
  while (const dirent* entry = ::readdir(entries.get())) {
    // Each costs system calls, and what cannot be shown is not counted otherwise.
    if (++looked_at > 4 * most) {
      content.complete = false;
      break;
    }
    const std::string_view name = entry->d_name;
    if (name.starts_with('.')) continue;
    struct stat status{};
    if (::fstatat(descriptor, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    FileFacts facts = facts_of(status);
    if (S_ISLNK(status.st_mode)) {
      // Shown as what it leads to, if that may be served.
      std::string whole(path);
      while (whole.ends_with('/')) whole.pop_back();
      const auto target = find(whole.empty() ? std::string(name) : whole + '/' + std::string(name));
      if (!target) continue;
      facts = target->facts;
    } else if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
      continue;
    }
    if (content.files.size() == most) {
      content.complete = false;
      break;
    }
    content.files.push_back({std::string(name), facts});
  }
  std::sort(content.files.begin(), content.files.end(), [](const NamedFile& a, const NamedFile& b) {
    const bool a_folder = a.facts.kind == FileFacts::Kind::folder, b_folder = b.facts.kind == FileFacts::Kind::folder;
    return a_folder != b_folder ? a_folder : a.name < b.name;
  });
  return content;
}

std::expected<std::size_t, int> read_at(const Descriptor& file, std::uint64_t offset, MutableBytes room) {
  std::size_t filled = 0;
  while (filled < room.size()) {
    const ssize_t n =
        ::pread(file.get(), room.data() + filled, room.size() - filled, static_cast<off_t>(offset + filled));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::unexpected(errno);
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
  }
  return filled;
}

bool is_inside(const std::string& path, const std::string& folder) {
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(path, error);
  const auto root = std::filesystem::weakly_canonical(folder, error);
  return std::mismatch(root.begin(), root.end(), whole.begin(), whole.end()).first == root.end();
}

}  // namespace limpid::effects
