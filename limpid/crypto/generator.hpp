// The generator of every random byte that a machine draws: ChaCha20 with fast key erasure. Seeded by an event, so it is
// as deterministic as the rest; entropy enters by the seed and by `mix` only.
#pragma once

#include "limpid/core/secret.hpp"

namespace limpid::crypto {

class Generator {
 public:
  // All-zero key, predictable: only to be loaded or assigned into.
  Generator() = default;
  explicit Generator(std::span<const Byte, 32> seed) : key_(seed) {}

  // Draws bytes, at most 2^32 - 1. The key that made them is overwritten before this returns, so a later leak of the
  // state does not give them away. Two draws must not stand in one argument list: compilers order them differently.
  void fill(MutableBytes out);

  // Makes the state depend on `entropy`, of any length, too. It never becomes more predictable than before.
  void mix(Bytes entropy);

  static void fields(auto& self, auto&& visit) { visit(self.key_); }

 private:
  Secret<32> key_;
};

// A draw as a value: draw<32>(generator).
template <std::size_t N>
Secret<N> draw(Generator& generator) {
  Secret<N> drawn;
  generator.fill(drawn.mutable_bytes());
  return drawn;
}

}  // namespace limpid::crypto
