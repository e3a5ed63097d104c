#include "limpid/crypto/edwards25519_formulas.hpp"

namespace limpid::crypto::edwards25519 {

template void twice(Point&, WithT);
template void add(Point&, const Term&, const Element&, WithT);

}  // namespace limpid::crypto::edwards25519
