// <immintrin.h>, without what g++ 12 says about it: in GCC's header an undefined vector is one initialized by itself,
// and its warnings show wherever that is inlined (GCC's bug 105593).
#pragma once

#ifndef __clang__
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#ifndef __clang__
#pragma GCC diagnostic pop
#endif
