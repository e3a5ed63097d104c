// Making RSA keys. GMP does it, which is not constant in time: nobody is there to measure while a key is made.
#pragma once

#include "common.hpp"
#include "limpid/crypto/signature.hpp"

namespace limpid::apps {

// `bits` is 2048, 3072 or 4096; the public exponent is 65537. FIPS 186-5, appendix A.1.3: probable primes of half the
// length each, from random numbers. Fails if the key does not work, which only a broken machine brings about.
Result<crypto::PrivateKey> generate_rsa_key(std::size_t bits, crypto::Generator& generator);

}  // namespace limpid::apps
