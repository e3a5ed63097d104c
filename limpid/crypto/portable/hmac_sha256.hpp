// HMAC with SHA-256 of one message, by the portable kernel alone. For the generator, of which everybody needs one: it
// would bring along every hash and every kernel where nobody else asks for any.
#pragma once

#include "limpid/core/secret.hpp"

namespace limpid::crypto::portable {

// As hmac(HashAlgorithm::sha256, key, message, portable_cpu).
Secret<32> hmac_sha256(std::span<const Byte, 32> key, Bytes message);

}  // namespace limpid::crypto::portable
