// Messages with descriptors between two processes, here two ends in one.
#include "limpid/effects/channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "limpid/effects/clock.hpp"

namespace limpid::effects {
namespace {

Instant soon() { return now().monotonic + seconds(5); }

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    left.emplace(Descriptor(ends[0]));
    raw = ends[1];
    right.emplace(Descriptor(ends[1]));
  }
  // Writes bytes as a broken peer would.
  void write(std::string_view bytes) const {
    ASSERT_EQ(::write(raw, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  std::optional<Channel> left, right;
  int raw = -1;
};

TEST_F(ChannelTest, messages_arrive_with_their_descriptors) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const Descriptor read_end(pipe_ends[0]), write_end(pipe_ends[1]);
  ASSERT_TRUE(right->send(7, as_bytes("first"), {}, soon()));
  ASSERT_TRUE(right->send(8, as_bytes("second"), std::array{pipe_ends[1]}, soon()));
  ASSERT_TRUE(right->send(9, {}, {}, soon()));

  const auto first = left->receive(soon());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->type, 7);
  EXPECT_EQ(as_text(first->body), "first");
  EXPECT_TRUE(first->descriptors.empty());
  const auto second = left->receive(soon());
  ASSERT_TRUE(second);
  ASSERT_EQ(second->descriptors.size(), 1u);
  EXPECT_NE(::fcntl(second->descriptors[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(::write(second->descriptors[0].get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(read_end.get(), &byte, 1), 1);
  EXPECT_TRUE(left->receive(soon())->body.empty());
  EXPECT_TRUE(left->peer_is_this_user());
  EXPECT_EQ(left->peer_process(), ::getpid());
}

TEST_F(ChannelTest, whoever_hangs_up_is_told_from_whoever_is_silent) {
  const auto silent = left->receive(now().monotonic + milliseconds(20));
  ASSERT_FALSE(silent);
  EXPECT_FALSE(left->hung_up());
  right.reset();
  EXPECT_EQ(left->receive(soon()).error().text, "it hung up");
  EXPECT_TRUE(left->hung_up());
  EXPECT_EQ(left->send(1, as_bytes("x"), {}, soon()).error().text, "it hung up");
}

TEST_F(ChannelTest, a_reader_that_does_not_read_is_given_up) {
  const std::string much(1 << 20, 'x');
  EXPECT_EQ(left->send(1, as_bytes(much), {}, now().monotonic + milliseconds(50)).error().text,
            "it did not take what was sent in time");
}

TEST_F(ChannelTest, what_is_cut_anywhere_is_refused) {
  for (std::size_t size = 0; size < 9; ++size) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    Channel whole{Descriptor(ends[0])};
    ASSERT_EQ(::write(ends[1], std::string_view("\1\0\0\0\0\3abc", 9).data(), size), static_cast<ssize_t>(size));
    ::close(ends[1]);
    EXPECT_FALSE(whole.receive(soon())) << size;
  }
}

TEST_F(ChannelTest, lengths_and_numbers_are_limited) {
  write(std::string_view("\1\0\xff\xff\xff\xff", 6));
  EXPECT_EQ(left->receive(soon()).error().text, "what it sent is no message of limpid's");
}

TEST_F(ChannelTest, descriptors_that_are_missing_are_missed) {
  write(std::string_view("\1\2\0\0\0\0", 6));
  EXPECT_FALSE(left->receive(soon()));
}

TEST(ControlSocket, replaces_a_dead_one_and_leaves_a_live_one) {
  std::string folder = std::filesystem::temp_directory_path() / "limpid-channel-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/socket";
  {
    const auto first = listen_at(path);
    ASSERT_TRUE(first);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(listen_at(path).error(), EADDRINUSE);
    EXPECT_TRUE(connect_to(path));
  }
  EXPECT_EQ(connect_to(path).error(), ECONNREFUSED);
  EXPECT_TRUE(listen_at(path));
  EXPECT_EQ(listen_at(std::string(200, 'x')).error(), ENAMETOOLONG);
  EXPECT_EQ(connect_to(folder + "/none").error(), ENOENT);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace limpid::effects
