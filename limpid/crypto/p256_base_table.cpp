#include "limpid/crypto/base_table.hpp"

namespace limpid::crypto {

constinit const BaseTable<P256> p256_base_table = BaseTable<P256>::make();

}  // namespace limpid::crypto
