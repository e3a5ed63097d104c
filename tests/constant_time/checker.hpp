// What notices that a branch or an address depends on undefined bytes: clang's MemorySanitizer in a build with it,
// otherwise valgrind's memcheck.
#pragma once

#include <cstddef>

#ifdef __has_feature
#define LIMPID_HAS_FEATURE(feature) __has_feature(feature)
#else
#define LIMPID_HAS_FEATURE(feature) 0
#endif

#if LIMPID_HAS_FEATURE(memory_sanitizer)

#include <sanitizer/msan_interface.h>

namespace limpid::checker {

inline constexpr bool knows_all_instructions = true;
inline unsigned error_count = 0;

inline void make_undefined(const void* at, std::size_t size) { __msan_poison(at, size); }
inline void make_defined(const void* at, std::size_t size) { __msan_unpoison(at, size); }
inline bool is_there() { return true; }
inline unsigned errors() { return error_count; }

}  // namespace limpid::checker

// Called by the sanitizer for each report. (This header has one includer.)
extern "C" void __sanitizer_report_error_summary(const char*) { ++limpid::checker::error_count; }

#else

#include <valgrind/memcheck.h>

namespace limpid::checker {

inline constexpr bool knows_all_instructions = false;

inline void make_undefined(void* at, std::size_t size) { VALGRIND_MAKE_MEM_UNDEFINED(at, size); }
inline void make_defined(void* at, std::size_t size) { VALGRIND_MAKE_MEM_DEFINED(at, size); }
inline bool is_there() { return RUNNING_ON_VALGRIND != 0; }
inline unsigned errors() { return VALGRIND_COUNT_ERRORS; }

}  // namespace limpid::checker

#endif
