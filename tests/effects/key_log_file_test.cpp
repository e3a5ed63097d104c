#include "limpid/effects/key_log_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <filesystem>

namespace limpid::effects {
namespace {

namespace fs = std::filesystem;

class KeyLog : public ::testing::Test {
 protected:
  KeyLog() {
    std::string name = (fs::temp_directory_path() / "limpid-keys-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    path = (folder / "keys").string();
  }
  ~KeyLog() override { fs::remove_all(folder); }

  // Why the keys are not written there; empty if they are.
  std::string refusal() const {
    const auto log = KeyLogFile::open(path);
    return log ? "" : log.error().text;
  }
  void make_file(mode_t mode) const {
    ASSERT_TRUE(Descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)));
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }

  fs::path folder;
  std::string path;
};

TEST_F(KeyLog, IsMadeForItsOwnerOnlyAndKeepsWhatWasThere) {
  const mode_t before = ::umask(0);
  for (const char* line : {"first\n", "second\n"}) {
    const auto log = KeyLogFile::open(path);
    ASSERT_TRUE(log);
    EXPECT_EQ(log->write(as_bytes(line)), 0);
  }
  ::umask(before);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_EQ(status.st_size, 13);
}

TEST_F(KeyLog, AFileThatOthersMayOpenIsRefused) {
  for (const mode_t mode : {0640u, 0604u, 0620u, 0602u, 0610u, 0601u}) {
    make_file(mode);
    EXPECT_EQ(refusal(), "will not write keys to '" + path + "': others may open it; run: chmod 600 '" + path + "'");
  }
  make_file(0600);
  EXPECT_EQ(refusal(), "");
}

// In a process of its own, since it cannot be taken back: geteuid answers as if we were somebody else.
void be_somebody_else() {
  const sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_geteuid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(program), const_cast<sock_filter*>(program)};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    std::_Exit(2);
  }
}

TEST_F(KeyLog, AFileOfSomebodyElseIsRefused) {
  make_file(0600);
  const auto child = [&] {
    be_somebody_else();
    const bool right =
        refusal() == "will not write keys to '" + path + "': it belongs to somebody else; choose another file";
    std::_Exit(right ? 0 : 1);
  };
  EXPECT_EXIT(child(), ::testing::ExitedWithCode(0), "");
}

TEST_F(KeyLog, APipeIsRefusedIfOthersMayOpenItOrNobodyReadsIt) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(refusal(), "cannot write keys to '" + path + "': no such device or address; choose another file");
  const Descriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(reader);
  EXPECT_EQ(refusal(), "");
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  EXPECT_EQ(refusal(), "will not write keys to '" + path + "': others may open it; run: chmod 600 '" + path + "'");
}

}  // namespace
}  // namespace limpid::effects
