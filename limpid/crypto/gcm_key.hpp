// What the AES-GCM kernels of portable/ and x86/ share: the expanded key, which has the same bytes whoever made it.
#pragma once

#include "limpid/core/secret.hpp"

namespace limpid::crypto {

struct GcmKey {
  static constexpr std::size_t max_rounds = 14;
  static constexpr std::size_t power_count = 20;

  unsigned rounds = 0;                       // 10 or 14; 0 is no key
  Secret<16 * (max_rounds + 1)> round_keys;  // FIPS 197, section 5.2, in the order of the standard's bytes
  // H^20, H^19, ... H, where H is the hash subkey of SP 800-38D: five vectors of four blocks, for sixteen blocks and
  // the lengths behind them. Each is stored so that multiplication needs no bit reflection: the bytes reversed,
  // multiplied by x, and little-endian (RFC 8452, appendix A, relates the two forms).
  Secret<16 * power_count> powers;
};

}  // namespace limpid::crypto
