// http: include of <immintrin.h>
#include <immintrin.h>
