// The trampoline through which every operation with a long-term key runs.
#pragma once

#include <type_traits>

#include "limpid/core/bytes.hpp"

namespace limpid::crypto {

// As much stack as an operation below it may use, with room to spare; the rest would not be cleared. RSA uses more.
inline constexpr std::size_t cleared_stack = 24 * 1024;
inline constexpr std::size_t cleared_rsa_stack = 80 * 1024;

namespace clean_stack {
// For the two sizes above.
template <std::size_t Size>
void run(void (*operation)(void*), void* context);
}  // namespace clean_stack

// Runs `operation()`, then overwrites the stack that it used and the registers that calls do not preserve, vectors
// included. What the caller itself holds stays: it should capture references, and name nothing secret of its own.
template <std::size_t Size = cleared_stack, class Operation>
void on_clean_stack(Operation&& operation) {
  using Type = std::remove_reference_t<Operation>;
  clean_stack::run<Size>([](void* context) { (*static_cast<Type*>(context))(); }, &operation);
}

}  // namespace limpid::crypto
