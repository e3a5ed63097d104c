#include "limpid/crypto/field25519.hpp"

namespace limpid::crypto::field25519 {

template void multiply(Element&, const Element&, const Element&);
template void square(Element&, const Element&);
template void invert(Element&, const Element&);

}  // namespace limpid::crypto::field25519
