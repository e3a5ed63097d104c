// crypto: instruction rdtsc 
#include <immintrin.h>
unsigned long long planted() { return __rdtsc(); }
