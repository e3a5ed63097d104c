// Included before everything in the pure folders: libstdc++'s checks of accesses (_GLIBCXX_ASSERTIONS) stop the program
// without the sentence that names file, function and condition, which took an eighth of the code. Builds with
// sanitizers keep the sentence. (From GCC 13 on libstdc++ asks _GLIBCXX_VERBOSE_ASSERT; 12 leaves no choice.)
#pragma once

#include <cstddef>

#if defined(__glibcxx_assert_impl)
#undef __glibcxx_assert_impl
#define __glibcxx_assert_impl(condition)           \
  if (__builtin_expect(!bool(condition), false)) { \
    __glibcxx_constexpr_assert(false);             \
    __builtin_abort();                             \
  }
#endif
