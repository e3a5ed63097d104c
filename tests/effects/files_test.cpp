#include "limpid/effects/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>

namespace limpid::effects {
namespace {

namespace fs = std::filesystem;

class Files : public ::testing::Test {
 protected:
  Files() {
    std::string name = (fs::temp_directory_path() / "limpid-files-XXXXXX").string();
    root = ::mkdtemp(name.data());
  }
  ~Files() override { fs::remove_all(root); }
  std::string path(const std::string& name) const { return (root / name).string(); }
  void put(const std::string& name, const std::string& content) { std::ofstream(root / name) << content; }
  std::size_t entries() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(root), {})); }

  fs::path root;
};

TEST_F(Files, ReadsWholeUpToTheLimit) {
  put("a", "0123456789");
  EXPECT_EQ(*read_file(path("a"), 10), "0123456789");
  const auto larger = read_file(path("a"), 9);
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().text,
            "cannot read '" + path("a") + "': it is larger than 9 bytes; check that it is the file you meant");
}

TEST_F(Files, AMissingFileIsNamedWithARemedy) {
  EXPECT_EQ(read_file(path("none"), 10).error().text,
            "cannot read '" + path("none") + "': no such file or directory; check the path");
  EXPECT_EQ(read_file(root.string(), 10).error().text,
            "cannot read '" + root.string() + "': it is a folder; name a file in it");
}

TEST_F(Files, AppearsWholeOrNotAtAll) {
  {
    auto file = WholeFile::create(path("out"), 0600);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->write(as_bytes("half")));
    EXPECT_FALSE(fs::exists(path("out")));
  }
  EXPECT_EQ(entries(), 0u);
  ASSERT_TRUE(write_file(path("out"), as_bytes("old"), 0600));
  ASSERT_TRUE(write_file(path("out"), as_bytes("whole"), 0640));
  EXPECT_EQ(*read_file(path("out"), 100), "whole");
  EXPECT_EQ(fs::status(path("out")).permissions(), fs::perms(0640));
  EXPECT_EQ(entries(), 1u);
}

TEST_F(Files, WritesThroughALinkAndNeverReplacesADeviceOrAFolder) {
  put("target", "old");
  fs::create_symlink("target", root / "link");
  ASSERT_TRUE(write_file(path("link"), as_bytes("new"), 0644));
  EXPECT_TRUE(fs::is_symlink(root / "link"));
  EXPECT_EQ(*read_file(path("target"), 100), "new");

  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const Descriptor reader(::open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK));
  ASSERT_TRUE(write_file(path("pipe"), as_bytes("through"), 0644));
  EXPECT_TRUE(fs::is_fifo(root / "pipe"));
  char got[16];
  EXPECT_EQ(::read(reader.get(), got, sizeof got), 7);

  EXPECT_EQ(write_file(root.string(), {}, 0644).error().text,
            "cannot write '" + root.string() + "': it is a folder; name a file in it");
  EXPECT_EQ(write_file(path("none/out"), {}, 0644).error().text,
            "cannot write '" + path("none/out") + "': no such file or directory; check the path");
}

TEST_F(Files, MakesMissingFolders) {
  ASSERT_TRUE(make_folders(path("a/b/c"), 0700));
  EXPECT_TRUE(fs::is_directory(root / "a/b/c"));
  EXPECT_EQ(fs::status(root / "a").permissions(), fs::perms(0700));
  ASSERT_TRUE(make_folders(path("a/b/c"), 0700));
  put("file", "");
  EXPECT_FALSE(make_folders(path("file/below"), 0700));
  EXPECT_FALSE(make_folders(path("file"), 0700));
}

class Beneath : public Files {
 protected:
  Beneath() {
    fs::create_directories(root / "site/sub");
    put("secret", "secret");
    put("site/page", "page");
    put("site/sub/deep", "deep");
    fs::create_symlink("../secret", root / "site/up");
    fs::create_symlink(root / "secret", root / "site/absolute");
    fs::create_symlink("/proc/self/root", root / "site/magic");
    fs::create_symlink("sub/deep", root / "site/within");
    ::mkfifo(path("site/pipe").c_str(), 0600);
  }
  std::expected<OpenFile, int> find(std::string_view name) {
    auto directory = Directory::open(path("site"));
    return directory->find(name);
  }
};

TEST_F(Beneath, FindsFilesAndFolders) {
  auto page = find("page");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->facts.kind, FileFacts::Kind::file);
  EXPECT_EQ(page->facts.size, 4u);
  Byte room[10];
  EXPECT_EQ(*read_at(page->descriptor, 1, room), 3u);
  EXPECT_EQ(as_text(Bytes(room).first(3)), "age");
  EXPECT_EQ(*read_at(page->descriptor, 4, room), 0u);
  EXPECT_TRUE(find("sub/deep"));
  EXPECT_TRUE(find("within"));
  EXPECT_EQ(find("")->facts.kind, FileFacts::Kind::folder);
  EXPECT_EQ(find("sub/")->facts.kind, FileFacts::Kind::folder);
}

TEST_F(Beneath, NothingLeadsOutside) {
  for (const char* name :
       {"../secret", "sub/../../secret", "..", "up", "absolute", "magic/etc/passwd", "/etc/passwd"}) {
    EXPECT_FALSE(find(name)) << name;
  }
  EXPECT_EQ(find("../secret").error(), EXDEV);
  EXPECT_EQ(find("/etc/passwd").error(), EXDEV);
  EXPECT_EQ(find(std::string_view("page\0x", 6)).error(), ENOENT);
}

TEST_F(Beneath, OnlyRegularFilesAndNeverBlocks) {
  EXPECT_EQ(find("pipe").error(), ENOENT);
  EXPECT_EQ(find("none").error(), ENOENT);
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path("site/socket").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(find("socket").error(), ENOENT);
}

TEST_F(Beneath, ItStaysTheSameDirectoryWhenRenamed) {
  auto directory = Directory::open(path("site"));
  fs::rename(root / "site", root / "moved");
  EXPECT_TRUE(directory->find("page"));
}

// In a process of its own, since it cannot be taken back: openat2 is answered with ENOSYS, as old kernels do.
void without_openat2() {
  const sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter{std::size(program), const_cast<sock_filter*>(program)};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

TEST_F(Beneath, NothingLeadsOutsideWithoutOpenat2) {
  const auto directory = Directory::open(path("site"));
  const auto child = [&] {
    without_openat2();
    bool right =
        directory->find("page") && directory->find("sub/deep") && directory->find("") && directory->find("sub/");
    for (const char* name : {"../secret", "sub/../../secret", "..", "up", "absolute", "within", "magic/etc/passwd",
                             "/etc/passwd", "page/x", "pipe", "none"}) {
      right = right && !directory->find(name);
    }
    std::_Exit(right ? 0 : 1);
  };
  EXPECT_EXIT(child(), ::testing::ExitedWithCode(0), "");
}

TEST_F(Files, ADirectoryThatIsNoneIsNamed) {
  put("file", "");
  EXPECT_EQ(Directory::open(path("file")).error().text,
            "cannot serve '" + path("file") + "': it is not a folder; name the folder that holds it");
  EXPECT_EQ(Directory::open(path("none")).error().text,
            "cannot serve '" + path("none") + "': no such file or directory; check the path");
}

}  // namespace
}  // namespace limpid::effects
