#include "limpid/http/path.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace limpid::http {
namespace {

std::expected<std::string, PathFault> normalized(std::string_view raw) {
  std::vector<Byte> out(raw.size());
  const auto result = normalize_path(raw, out);
  if (!result) return std::unexpected(result.error());
  return std::string(*result);
}

TEST(Path, DecodesAndNormalizes) {
  const struct {
    std::string_view raw, path;
  } cases[] = {
      {"/", ""},
      {"/a", "a"},
      {"/a/", "a/"},
      {"/a/b.html", "a/b.html"},
      {"//a", "a"},
      {"/a//b///c", "a/b/c"},
      {"/.", ""},
      {"/./a", "a"},
      {"/a/.", "a/"},
      {"/a/./b", "a/b"},
      {"/a/..", ""},
      {"/a/../b", "b"},
      {"/a/b/..", "a/"},
      {"/a/b/../", "a/"},
      {"/a/b/../../c", "c"},
      {"/a/b/../c/../d", "a/d"},
      {"/a/%2e%2e/b", "b"},
      {"/a/%2E/b", "a/b"},
      {"/%61%20b", "a b"},
      {"/caf%C3%A9", "caf\xc3\xa9"},
      {"/...", "..."},
      {"/..a", "..a"},
      {"/.hidden", ".hidden"},
      {"/a..", "a.."},
      {"/%252e%252e/x", "%2e%2e/x"},
      {"/a;b=c,d", "a;b=c,d"},
  };
  for (const auto& c : cases) EXPECT_EQ(normalized(c.raw), c.path) << c.raw;
}

TEST(Path, RefusesWhatIsNotAPathBelowTheRoot) {
  const struct {
    std::string_view raw;
    PathFault fault;
  } cases[] = {
      {"", PathFault::not_absolute},
      {"a", PathFault::not_absolute},
      {"*", PathFault::not_absolute},
      {"/..", PathFault::leaves_the_root},
      {"/../a", PathFault::leaves_the_root},
      {"/a/../..", PathFault::leaves_the_root},
      {"/a/../../a", PathFault::leaves_the_root},
      {"/%2e%2e", PathFault::leaves_the_root},
      {"/.%2e/x", PathFault::leaves_the_root},
      {"/./..", PathFault::leaves_the_root},
      {"//..", PathFault::leaves_the_root},
      {"/a%2fb", PathFault::encoded_slash},
      {"/..%2f..", PathFault::encoded_slash},
      {"/a\\b", PathFault::bad_character},
      {"/..%5c..", PathFault::bad_character},
      {"/%00", PathFault::bad_character},
      {"/%0a", PathFault::bad_character},
      {"/%7f", PathFault::bad_character},
      {"/a b", PathFault::bad_character},
      {"/\x80", PathFault::bad_character},
      {"/%", PathFault::bad_encoding},
      {"/%4", PathFault::bad_encoding},
      {"/%4/", PathFault::bad_encoding},
      {"/%g0", PathFault::bad_encoding},
      {"/%+1", PathFault::bad_encoding},
  };
  for (const auto& c : cases) {
    const auto path = normalized(c.raw);
    ASSERT_FALSE(path) << c.raw;
    EXPECT_EQ(path.error(), c.fault) << c.raw;
  }
}

// Every string of up to seven pieces of those that matter: the result never leaves the root and is a fixed point.
TEST(Path, NothingThatPassesLeavesTheRoot) {
  constexpr std::string_view pieces[] = {"/", ".", "%2e", "a", "%61"};
  std::size_t passed = 0;
  for (int length = 0; length <= 7; ++length) {
    std::size_t combinations = 1;
    for (int i = 0; i < length; ++i) combinations *= std::size(pieces);
    for (std::size_t n = 0; n < combinations; ++n) {
      std::string raw = "/";
      std::size_t rest = n;
      for (int i = 0; i < length; ++i, rest /= std::size(pieces)) raw += pieces[rest % std::size(pieces)];
      // The reference: a stack of segments.
      std::vector<std::string> stack;
      bool outside = false, directory = true;
      std::string text;
      for (std::size_t i = 1; i < raw.size(); ++i) {
        if (raw[i] == '%') {
          text += raw[i + 1] == '2' ? '.' : 'a';
          i += 2;
        } else {
          text += raw[i];
        }
      }
      text += '/';
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('/', at);
        const std::string segment = text.substr(at, end - at);
        at = end + 1;
        directory = segment.empty() || segment == "." || segment == "..";
        if (segment == "..") {
          outside = outside || stack.empty();
          if (!stack.empty()) stack.pop_back();
        } else if (!segment.empty() && segment != ".") {
          stack.push_back(segment);
        }
      }
      std::string expected;
      for (std::size_t i = 0; i < stack.size(); ++i)
        expected += stack[i] + (i + 1 < stack.size() || directory ? "/" : "");
      const auto path = normalized(raw);
      ASSERT_EQ(path.has_value(), !outside) << raw;
      if (!path) continue;
      ++passed;
      ASSERT_EQ(*path, expected) << raw;
      ASSERT_EQ(normalized("/" + *path), *path) << raw;
    }
  }
  EXPECT_GT(passed, 10'000u);
}

}  // namespace
}  // namespace limpid::http
