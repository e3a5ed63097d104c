#include "limpid/effects/passphrase.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <filesystem>
#include <fstream>
#include <vector>

namespace limpid::effects {
namespace {

namespace fs = std::filesystem;

class Passphrase : public ::testing::Test {
 protected:
  Passphrase() {
    std::string name = (fs::temp_directory_path() / "limpid-passphrase-XXXXXX").string();
    folder = ::mkdtemp(name.data());
  }
  ~Passphrase() override { fs::remove_all(folder); }
  PassphraseSource file_of(std::string_view content) const {
    std::ofstream(folder / "file") << content;
    return {(folder / "file").string(), false};
  }

  fs::path folder;
};

TEST_F(Passphrase, IsTheFirstLineOfTheFile) {
  const auto text = [&](std::string_view content) {
    const auto passphrase = get_passphrase(file_of(content), "key.pem");
    return passphrase ? std::string(as_text(passphrase->bytes())) : passphrase.error().text;
  };
  EXPECT_EQ(text("secret"), "secret");
  EXPECT_EQ(text("secret\r\nmore\n"), "secret");
  EXPECT_EQ(text("\n"), "");
  const std::string longest(1024, 'x');
  EXPECT_EQ(text(longest), longest);
  EXPECT_TRUE(text(longest + "x").contains("larger than 1024 bytes"));
  EXPECT_EQ(get_passphrase({"", false}, "key.pem").error().text,
            "the key in 'key.pem' is encrypted; name a file that holds its passphrase with --passphrase-file");
}

// It is got in a thread whose stack is ours to look at afterwards.
TEST_F(Passphrase, LeavesNothingOnTheStack) {
  for (const std::size_t size : {9u, 15u, 16u, 100u}) {
    const std::string secret = std::string(size - 8, '-') + "pa55word";
    PassphraseSource source = file_of(secret + "\n");
    std::vector<char> stack(1 << 19);
    pthread_attr_t attributes;
    ASSERT_EQ(pthread_attr_init(&attributes), 0);
    ASSERT_EQ(pthread_attr_setstack(&attributes, stack.data(), stack.size()), 0);
    pthread_t thread{};
    const auto get = [](void* from) -> void* {
      const auto passphrase = get_passphrase(*static_cast<PassphraseSource*>(from), "key.pem");
      return passphrase ? from : nullptr;
    };
    ASSERT_EQ(pthread_create(&thread, &attributes, get, &source), 0);
    void* got = nullptr;
    ASSERT_EQ(pthread_join(thread, &got), 0);
    pthread_attr_destroy(&attributes);
    EXPECT_EQ(got, &source);
    EXPECT_FALSE(std::string_view(stack.data(), stack.size()).contains("pa55word")) << size;
  }
}

}  // namespace
}  // namespace limpid::effects
