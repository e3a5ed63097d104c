// The three functions of libsodium whose own versions drag a C library in, being here they keep its utils.o out, and
// what stands for kernels that are never chosen.
#include <cstddef>

#include "limpid/core/constant_time.hpp"
#include "limpid/xen_netfront/platform/entropy.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

using namespace limpid;

extern "C" {

[[noreturn]] void sodium_misuse() { xen_netfront::platform::panic("libsodium was misused"); }

void sodium_memzero(void* const memory, const std::size_t size) { wipe({static_cast<Byte*>(memory), size}); }

// Asked for by functions that nothing here calls.
void randombytes_buf(void* const to, const std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    static_cast<Byte*>(to)[i] = static_cast<Byte>(xen_netfront::platform::hardware_random());
}

// Kernels that only sodium_init would choose, which nobody calls, since it keeps globals. In their places they keep 16
// KB out.
extern const char crypto_stream_chacha20_dolbeau_avx2_implementation[1] = {};
extern const char crypto_stream_chacha20_dolbeau_ssse3_implementation[1] = {};
extern const char crypto_onetimeauth_poly1305_sse2_implementation[1] = {};

}  // extern "C"
