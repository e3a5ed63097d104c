// What a person reads when something outside went wrong: what, why, and what to do about it, in one line.
#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace limpid::effects {

struct Failure {
  std::string text;  // without "limpid: " in front and without a line end
};

template <class T>
using Result = std::expected<T, Failure>;

inline std::unexpected<Failure> fail(std::string text) { return std::unexpected(Failure{std::move(text)}); }

// The system's own words for an errno value, in lower case as they stand in the middle of a line.
inline std::string system_words(int error) {
  std::string words = std::strerror(error);
  if (words.size() > 1 && words[0] >= 'A' && words[0] <= 'Z' && words[1] >= 'a' && words[1] <= 'z') {
    words[0] = static_cast<char>(words[0] - 'A' + 'a');
  }
  return words;
}

}  // namespace limpid::effects
