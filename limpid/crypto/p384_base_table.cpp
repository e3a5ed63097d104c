#include "limpid/crypto/base_table.hpp"

namespace limpid::crypto {

constinit const BaseTable<P384> p384_base_table = BaseTable<P384>::make();

}  // namespace limpid::crypto
