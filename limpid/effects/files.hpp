// Files: small ones read whole, written whole or not at all, and a directory that nothing leads out of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "limpid/core/bytes.hpp"
#include "limpid/core/time.hpp"
#include "limpid/effects/descriptor.hpp"
#include "limpid/effects/failure.hpp"

namespace limpid::effects {

// The whole content of a regular file, a pipe or a terminal of at most `limit` bytes. The failure names the path.
Result<std::string> read_file(const std::string& path, std::size_t limit);

// A file that appears under its name whole, by commit(), or not at all: until then its bytes are in a file without a
// name, or where the file system has no such thing, in one beside it, which the destructor removes. (A name that is
// already there as a device or a pipe is written to directly.)
class WholeFile {
 public:
  // `mode` is what chmod takes; the umask does not widen or narrow it.
  static Result<WholeFile> create(std::string path, unsigned mode);
  WholeFile(WholeFile&& other) noexcept = default;
  WholeFile& operator=(WholeFile&&) = delete;
  ~WholeFile();

  Result<void> write(Bytes bytes);
  Result<void> commit();  // durable when it returns; replaces what had the name

 private:
  WholeFile(std::string path, std::string temporary, Descriptor file)
      : path_(std::move(path)), temporary_(std::move(temporary)), file_(std::move(file)) {}

  std::string path_;
  std::string temporary_;     // a name to remove; empty when there is none
  bool to_be_named_ = false;  // and not a device
  Descriptor file_;
};

Result<void> write_file(const std::string& path, Bytes content, unsigned mode);

// Makes a folder and those above it that are missing, with this mode. What exists is left as it is.
Result<void> make_folders(const std::string& path, unsigned mode);

// Whether `path` is, or would be, the folder or something below it, links followed.
bool is_inside(const std::string& path, const std::string& folder);

// What a look-up below a Directory found.
struct FileFacts {
  enum class Kind : std::uint8_t { file, folder } kind = Kind::file;
  std::uint64_t size = 0;
  std::uint64_t inode = 0;
  std::int64_t modified_seconds = 0;
  std::uint32_t modified_nanoseconds = 0;
};

struct OpenFile {
  Descriptor descriptor;
  FileFacts facts;
};

struct NamedFile {
  std::string name;
  FileFacts facts;
};

struct FolderContent {
  std::vector<NamedFile> files;  // folders first, each by name
  FileFacts folder;
  bool complete = true;  // there are no more
};

// A directory held open by its descriptor, so that it stays the same one if it is renamed. Look-ups never leave it:
// neither by "..", nor by an absolute path, nor by a symbolic link, nor by /proc's magic links (openat2(2),
// RESOLVE_BENEATH; where the kernel or a sandbox lacks that, every component is opened without following links).
class Directory {
 public:
  static Result<Directory> open(const std::string& path);

  // `path` is relative; empty means the directory itself. Yields an errno value: ENOENT for whatever is not a regular
  // file or a folder as well, EXDEV for what leads outside. Never blocks on a pipe or a device.
  std::expected<OpenFile, int> find(std::string_view path) const;

  // The files and folders in the one at `path` that may be served, without those that begin with a dot: at most `most`
  // of them, whichever the file system names first.
  std::expected<FolderContent, int> list(std::string_view path, std::size_t most) const;

 private:
  explicit Directory(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
  Descriptor descriptor_;
};

// Reads at `offset` until `room` is full or the file ends. Yields how much was read, or an errno value.
std::expected<std::size_t, int> read_at(const Descriptor& file, std::uint64_t offset, MutableBytes room);

}  // namespace limpid::effects
