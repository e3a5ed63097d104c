// SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012): for tables that peers fill, so that they
// cannot aim at one slot. Not for authentication of anything that leaves the machine.
#pragma once

#include "limpid/core/secret.hpp"

namespace limpid::crypto {

using HashTableKey = Secret<16>;

std::uint64_t keyed_hash(const HashTableKey& key, Bytes message);

}  // namespace limpid::crypto
