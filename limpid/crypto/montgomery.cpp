#include "limpid/crypto/montgomery.hpp"

namespace limpid::crypto {

template Limbs<16> Montgomery<16>::multiply_long(const Limbs<16>&, const Limbs<16>&) const;
template Limbs<24> Montgomery<24>::multiply_long(const Limbs<24>&, const Limbs<24>&) const;
template Limbs<32> Montgomery<32>::multiply_long(const Limbs<32>&, const Limbs<32>&) const;
template Limbs<48> Montgomery<48>::multiply_long(const Limbs<48>&, const Limbs<48>&) const;
template Limbs<64> Montgomery<64>::multiply_long(const Limbs<64>&, const Limbs<64>&) const;
template Limbs<128> Montgomery<128>::multiply_long(const Limbs<128>&, const Limbs<128>&) const;

}  // namespace limpid::crypto
