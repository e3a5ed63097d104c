#include "limpid/crypto/modular_inverse.hpp"

namespace limpid::crypto::division_steps {

void invert_at_run_time(Limb* inverse, const Limb* a, const Limb* modulus, std::size_t limbs, SignedLimb* work) {
  invert(inverse, a, modulus, limbs, work);
}

}  // namespace limpid::crypto::division_steps
