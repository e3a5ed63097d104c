// The account that the image prints of itself.
#pragma once

#include <string_view>

#include "limpid/core/bytes.hpp"

namespace limpid::bare_machine {

// Prints one line for one answer and counts it: what was computed, and what it should have been if that differs.
void answer(std::string_view what, std::string_view path, Bytes computed, Bytes expected);
void answer(std::string_view what, std::string_view path, bool right);

// How many were wrong so far; how many there were.
int wrong_answers();
int answers();

}  // namespace limpid::bare_machine
