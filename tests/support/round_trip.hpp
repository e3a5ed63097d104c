// Saving and loading one value, without a header.
#pragma once

#include <optional>

#include "limpid/core/snapshot.hpp"

namespace limpid::test {

template <class T>
std::vector<Byte> encoded(const T& value) {
  Budget budget(1 << 20);
  Buffer buffer(budget);
  Writer out(buffer);
  encode(out, Instant{0}, value);
  return {buffer.begin(), buffer.end()};
}

// Absent if the bytes are refused. The value must not hold memory of the budget.
template <class T>
std::optional<T> decoded(Bytes bytes, CpuFeatures cpu = portable_cpu) {
  Budget budget(1 << 20);
  Reader in(bytes);
  T value;
  if (!decode(in, LoadContext{Instant{0}, budget, cpu}, value) || !in.finished()) return std::nullopt;
  return std::optional<T>(std::move(value));
}

// A loaded copy, which must save to the same bytes.
template <class T>
std::optional<T> reloaded(const T& value, CpuFeatures cpu = portable_cpu) {
  const std::vector<Byte> saved = encoded(value);
  std::optional<T> loaded = decoded<T>(saved, cpu);
  if (loaded && encoded(*loaded) != saved) return std::nullopt;
  return loaded;
}

}  // namespace limpid::test
