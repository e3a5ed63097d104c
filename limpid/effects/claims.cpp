#include "limpid/effects/claims.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "limpid/effects/files.hpp"

namespace limpid::effects {
namespace {

std::string name_of(const crypto::SealId& id) {
  std::string name;
  for (const Byte byte : id) {
    name += "0123456789abcdef"[byte >> 4];
    name += "0123456789abcdef"[byte & 15];
  }
  return name;
}

}  // namespace

Result<Claims> Claims::open(const std::string& folder) {
  if (auto made = make_folders(folder, 0700); !made) return std::unexpected(made.error());
  Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor) {
    return fail("cannot keep claims in '" + folder + "': " + system_words(errno) +
                "; choose a folder that is writable");
  }
  // Whoever could remove a claim could have a second one granted.
  struct stat status{};
  if (::fstat(descriptor.get(), &status) != 0 || status.st_uid != ::geteuid() || (status.st_mode & 022) != 0) {
    return fail("cannot keep claims in '" + folder + "': others may write to it; choose a folder of your own");
  }
  return Claims(folder, std::move(descriptor));
}

Result<stack::Claim> Claims::claim(const crypto::SealId& id) const {
  const std::string name = name_of(id);
  const Descriptor file(
      ::openat(folder_.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    if (errno == EEXIST) {
      return fail("the snapshot " + name + " was resumed before; a second copy of a live connection is refused");
    }
    return fail("cannot claim a snapshot in '" + path_ + "': " + system_words(errno) + "; make the folder writable");
  }
  // A claim that a power cut forgets could be made again.
  if (::fsync(file.get()) != 0 || ::fsync(folder_.get()) != 0) {
    return fail("cannot claim a snapshot in '" + path_ + "': " + system_words(errno) + "; check the disk");
  }
  return stack::Claim::granted(id);
}

bool Claims::is_claimed(const crypto::SealId& id) const {
  return ::faccessat(folder_.get(), name_of(id).c_str(), F_OK, 0) == 0;
}

}  // namespace limpid::effects
