// No trace of a long-term key stays behind: after an operation the test searches its own memory and registers for the
// key and the nonce, in every form that they take on the way.
#include "limpid/crypto/clean_stack.hpp"

#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>

#include "limpid/crypto/ecdsa.hpp"
#include "limpid/crypto/ed25519.hpp"
#include "limpid/crypto/rsa.hpp"
#include "limpid/crypto/scalar25519.hpp"
#include "limpid/crypto/signature.hpp"
#include "tests/support/cpu.hpp"
#include "tests/support/rsa_keys.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define LIMPID_SHADOW_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define LIMPID_SHADOW_MEMORY 1
#endif
#endif

namespace limpid::crypto {
namespace {

using test::best_cpu;

constexpr std::array<Byte, 32> hedge{1, 2, 3};

// Eight-byte pieces of secrets, masked so that the list does not find itself. (Not by their complements: much of n - d
// is d's.)
class Traces {
 public:
  void add(Bytes secret) {
    for (std::size_t at = 0; at + 8 <= secret.size(); at += 8) {
      std::uint64_t piece;
      std::memcpy(&piece, &secret[at], 8);
      if (piece != 0 && ~piece != 0) masked_.at(count_++) = piece ^ mask;
    }
  }
  template <std::size_t N>
  void add(const Limbs<N>& secret) {  // limbs, and as bytes
    Secret<8 * N> encoded;
    to_big_endian(secret, encoded.mutable_bytes());
    add(Bytes(encoded.bytes()));
    std::memcpy(encoded.mutable_bytes().data(), secret.limb, 8 * N);
    add(Bytes(encoded.bytes()));
  }

  // How many pieces stand at any address of [from, to).
  std::size_t found(const Byte* from, const Byte* to) const {
    std::size_t hits = 0;
    for (; from + 8 <= to; ++from) {
      std::uint64_t here;
      std::memcpy(&here, from, 8);
      here ^= mask;
      for (std::size_t i = 0; i < count_; ++i) hits += here == masked_[i];
    }
    return hits;
  }

 private:
  static constexpr std::uint64_t mask = 0x5bd1e9951b873593;
  std::array<std::uint64_t, 160> masked_{};
  std::size_t count_ = 0;
};

// One test's key, and all that follows from it. Whatever the set-up leaves on the stack is overwritten.
struct Subject {
  Traces traces;
  std::optional<PrivateKey> key;
  Byte seed = 0;

  // The key's bytes: not stored, so as not to be found.
  SecretBytes<48> secret() const {
    auto bytes = SecretBytes<48>::zeros(key_size);
    for (std::size_t i = 0; i < key_size; ++i) {
      bytes.mutable_bytes()[i] = static_cast<Byte>(seed * 41 + i * i * 7 + i * 13 + 5);
    }
    return bytes;
  }
  std::size_t key_size = 32;

  template <class Curve>
  void add_ecdsa(Bytes scalar_bytes, HashAlgorithm algorithm, Bytes message) {
    const auto scalar = from_big_endian<Curve::Number::size>(scalar_bytes.first<scalar_size<Curve>>());
    const Digest digest = hash(algorithm, message, best_cpu());
    typename Curve::Number nonce;
    ecdsa::NonceGenerator<Curve>(scalar, algorithm, digest.bytes(), hedge, best_cpu()).next(nonce);
    const auto& order = Curve::modulo_order;
    for (const auto& number : {scalar, nonce}) {
      traces.add(number);
      traces.add(order.negate(number));
      traces.add(order.enter(number));
      traces.add(order.inverse(order.enter(number)));
    }
  }

  [[gnu::noinline]] void prepare(KeyType type, Bytes message) {
    if (type == KeyType::p384) key_size = 48;
    on_clean_stack<cleared_rsa_stack>([&] {
      const auto bytes = secret();
      if (type == KeyType::p256) {
        add_ecdsa<P256>(bytes.bytes(), HashAlgorithm::sha256, message);
      } else if (type == KeyType::p384) {
        add_ecdsa<P384>(bytes.bytes(), HashAlgorithm::sha384, message);
      } else if (type == KeyType::rsa) {
        const auto numbers = test::rsa_2048();
        for (const Bytes number : {numbers.p, numbers.q, numbers.dp, numbers.dq}) {
          traces.add(from_big_endian<16>(number.first<128>()));
        }
      } else {
        traces.add(bytes.bytes());
        // The scalar and the prefix (RFC 8032, section 5.1.5), before and after clamping.
        Digest expanded = hash(HashAlgorithm::sha512, bytes.bytes(), best_cpu());
        traces.add(expanded.bytes());
        expanded.mutable_bytes()[0] &= 248;
        expanded.mutable_bytes()[31] = static_cast<Byte>((expanded.mutable_bytes()[31] & 127) | 64);
        traces.add(expanded.bytes());
        // The scalar reduced, the nonce (section 5.1.6, step 2), and both as signed bits.
        const auto add_scalar = [&](const Limbs<4>& scalar) {
          for (const Limbs<4>& form : {scalar, scalar25519::signed_bits(scalar)}) traces.add(form);
        };
        add_scalar(
            scalar25519::multiply_add(from_little_endian<4>(expanded.bytes().first<32>()), Limbs<4>::from_word(1), {}));
        Hash hash(HashAlgorithm::sha512);
        hash.update(expanded.bytes().last(32), best_cpu());
        hash.update(message, best_cpu());
        Digest nonce = hash.finish(best_cpu());
        traces.add(nonce.bytes());
        add_scalar(scalar25519::reduce(from_little_endian<8>(nonce.bytes().first<64>())));
        wipe(expanded.mutable_bytes());
        wipe(nonce.mutable_bytes());
      }
    });
    on_clean_stack<cleared_rsa_stack>([&] { key = load(); });
  }

  std::optional<PrivateKey> load() const {
    if (key_type == KeyType::rsa) return PrivateKey::rsa(key_type, test::rsa_2048());
    return PrivateKey::from_bytes(key_type, secret().bytes());
  }
  KeyType key_type = KeyType::p256;
};

constexpr Byte paint = 0xa7;
constexpr std::size_t searched_stack = 128 * 1024;

// Below this frame, which must be the caller's callee: what its calls left there.
[[gnu::noinline]] std::size_t found_on_stack(const Traces& traces) {
  const Byte* here = static_cast<const Byte*>(__builtin_frame_address(0));
  // The search itself runs in the first of these bytes; they were overwritten before, or hold nothing of interest.
  return traces.found(here - searched_stack, here);
}

struct Registers {
  alignas(64) std::array<Byte, 32 * 64> vectors;
  std::array<std::uint64_t, 9> scratch;
};

[[gnu::always_inline]] inline void save_registers(Registers& saved, bool zmm, bool ymm) {
  asm volatile(
      "movq %%rax, 0(%0)\n movq %%rcx, 8(%0)\n movq %%rdx, 16(%0)\n movq %%rsi, 24(%0)\n"
      "movq %%r8, 40(%0)\n movq %%r9, 48(%0)\n movq %%r10, 56(%0)\n movq %%r11, 64(%0)\n"
      :
      : "D"(saved.scratch.data())
      : "memory");
#define LIMPID_STORE(instruction, prefix, n) instruction " %%" prefix #n ", 64*" #n "(%0)\n"
#define LIMPID_STORE_16(i, p)                                                                                     \
  LIMPID_STORE(i, p, 0)                                                                                           \
  LIMPID_STORE(i, p, 1)                                                                                           \
  LIMPID_STORE(i, p, 2)                                                                                           \
  LIMPID_STORE(i, p, 3)                                                                                           \
  LIMPID_STORE(i, p, 4)                                                                                           \
  LIMPID_STORE(i, p, 5)                                                                                           \
  LIMPID_STORE(i, p, 6)                                                                                           \
  LIMPID_STORE(i, p, 7) LIMPID_STORE(i, p, 8) LIMPID_STORE(i, p, 9) LIMPID_STORE(i, p, 10) LIMPID_STORE(i, p, 11) \
      LIMPID_STORE(i, p, 12) LIMPID_STORE(i, p, 13) LIMPID_STORE(i, p, 14) LIMPID_STORE(i, p, 15)
  if (zmm) {
    asm volatile(LIMPID_STORE_16("vmovdqu64", "zmm") LIMPID_STORE("vmovdqu64", "zmm", 16) LIMPID_STORE(
                     "vmovdqu64", "zmm", 17) LIMPID_STORE("vmovdqu64", "zmm", 18) LIMPID_STORE("vmovdqu64", "zmm", 19)
                     LIMPID_STORE("vmovdqu64", "zmm", 20) LIMPID_STORE("vmovdqu64", "zmm", 21)
                         LIMPID_STORE("vmovdqu64", "zmm", 22) LIMPID_STORE("vmovdqu64", "zmm", 23)
                             LIMPID_STORE("vmovdqu64", "zmm", 24) LIMPID_STORE("vmovdqu64", "zmm", 25)
                                 LIMPID_STORE("vmovdqu64", "zmm", 26) LIMPID_STORE("vmovdqu64", "zmm", 27)
                                     LIMPID_STORE("vmovdqu64", "zmm", 28) LIMPID_STORE("vmovdqu64", "zmm", 29)
                                         LIMPID_STORE("vmovdqu64", "zmm", 30) LIMPID_STORE("vmovdqu64", "zmm", 31)
                 :
                 : "r"(saved.vectors.data())
                 : "memory");
  } else if (ymm) {
    asm volatile(LIMPID_STORE_16("vmovdqu", "ymm") : : "r"(saved.vectors.data()) : "memory");
  } else {
    asm volatile(LIMPID_STORE_16("movdqu", "xmm") : : "r"(saved.vectors.data()) : "memory");
  }
}

// All memory that this process may write, except its stack above `stack` and the key itself.
std::size_t found_in_memory(const Subject& subject, const Byte* stack) {
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  if (maps == nullptr) return 0;
  // What is read through FILE lies in its own buffer; nothing of it is secret.
  std::size_t hits = 0;
  char line[512];
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    std::uintptr_t from = 0, to = 0;
    char permissions[5] = {};
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, permissions) != 3) continue;
    if (permissions[0] != 'r' || permissions[1] != 'w' || std::strstr(line, "[vvar") != nullptr) continue;
    const auto* first = reinterpret_cast<const Byte*>(from);
    const auto* last = reinterpret_cast<const Byte*>(to);
    if (std::strstr(line, "[stack]") != nullptr) last = stack;
    const auto* key = reinterpret_cast<const Byte*>(&*subject.key);
    const auto* key_end = key + sizeof(PrivateKey);
    if (key >= first && key < last) {
      hits += subject.traces.found(first, key) + subject.traces.found(key_end, last);
    } else {
      hits += subject.traces.found(first, last);
    }
  }
  std::fclose(maps);
  return hits;
}

class CleanStack : public testing::TestWithParam<KeyType> {
 protected:
  void SetUp() override {
#if defined(LIMPID_SHADOW_MEMORY)
    GTEST_SKIP() << "a sanitizer keeps copies of the stack";
#endif
    subject.seed = static_cast<Byte>(GetParam());
    subject.key_type = GetParam();
    subject.prepare(GetParam(), message);
    ASSERT_TRUE(subject.key);
  }
  static constexpr std::array<Byte, 100> message{7};
  // On the heap: the fixture is.
  Subject subject;
  Registers registers{};
  Signature signature;
};

TEST_P(CleanStack, SigningLeavesNothingBehind) {
  const bool zmm = __builtin_cpu_supports("avx512f"), ymm = __builtin_cpu_supports("avx");
  signature = subject.key->sign(scheme_of(GetParam()), message, hedge, best_cpu());
  save_registers(registers, zmm, ymm);
  EXPECT_EQ(found_on_stack(subject.traces), 0u);
  EXPECT_EQ(subject.traces.found(registers.vectors.data(), registers.vectors.data() + registers.vectors.size()), 0u);
  const auto* scratch = reinterpret_cast<const Byte*>(registers.scratch.data());
  EXPECT_EQ(subject.traces.found(scratch, scratch + sizeof registers.scratch), 0u);
  EXPECT_EQ(found_in_memory(subject, static_cast<const Byte*>(__builtin_frame_address(0))), 0u);
  EXPECT_TRUE(verify(subject.key->public_key(), scheme_of(GetParam()), message, signature.bytes(), best_cpu()));
}

TEST_P(CleanStack, LoadingAKeyLeavesNothingBehind) {
  const bool zmm = __builtin_cpu_supports("avx512f"), ymm = __builtin_cpu_supports("avx");
  subject.key = subject.load();
  save_registers(registers, zmm, ymm);
  EXPECT_EQ(found_on_stack(subject.traces), 0u);
  EXPECT_EQ(subject.traces.found(registers.vectors.data(), registers.vectors.data() + registers.vectors.size()), 0u);
  EXPECT_EQ(found_in_memory(subject, static_cast<const Byte*>(__builtin_frame_address(0))), 0u);
}

template <class Curve>
void sign_ecdsa_carelessly(const PrivateKey& key, HashAlgorithm algorithm, Bytes message) {
  const Digest digest = hash(algorithm, message, best_cpu());
  const auto scalar = from_big_endian<Curve::Number::size>(key.secret_bytes().first<scalar_size<Curve>>());
  const auto signature = ecdsa::sign<Curve>(scalar, algorithm, digest.bytes(), hedge, best_cpu());
  asm volatile("" : : "r"(&signature) : "memory");
}

// The same work without the trampoline.
[[gnu::noinline]] void sign_carelessly(const Subject& subject, Bytes message) {
  const PrivateKey& key = *subject.key;
  if (key.type() == KeyType::p256) return sign_ecdsa_carelessly<P256>(key, HashAlgorithm::sha256, message);
  if (key.type() == KeyType::p384) return sign_ecdsa_carelessly<P384>(key, HashAlgorithm::sha384, message);
  if (key.type() == KeyType::rsa) {
    const auto numbers = test::rsa_2048();
    const Digest digest = hash(HashAlgorithm::sha256, message, best_cpu());
    std::array<Byte, 256> signature;
    rsa::sign(key.public_key(), {numbers.d, numbers.p, numbers.q, numbers.dp, numbers.dq, numbers.qinv},
              {SignatureAlgorithm::Kind::rsa_pss, HashAlgorithm::sha256}, digest.bytes(), hedge, signature, best_cpu());
    asm volatile("" : : "r"(&signature) : "memory");
    return;
  }
  std::array<Byte, 64> signature;
  ed25519::sign(key.secret_bytes().first<32>(), key.public_key().bytes().first<32>(), message, signature);
  asm volatile("" : : "r"(&signature) : "memory");
}

TEST_P(CleanStack, TheSearchFindsWhatIsThere) {
  sign_carelessly(subject, message);
  EXPECT_GT(found_on_stack(subject.traces), 0u);
  const auto* stack = static_cast<const Byte*>(__builtin_frame_address(0));
  on_clean_stack<cleared_rsa_stack>([] {});
  EXPECT_EQ(found_in_memory(subject, stack), 0u);
  const auto on_heap = std::make_unique<PrivateKey>(subject.key->copy());
  EXPECT_GE(found_in_memory(subject, stack), 4u);
}

// Registers apart from what a signature happens to leave in them: filled on purpose, by instructions and by copies.
TEST_P(CleanStack, RegistersAreCleared) {
  const bool zmm = __builtin_cpu_supports("avx512f"), ymm = __builtin_cpu_supports("avx");
  for (std::size_t size = 16; size <= 2048; size *= 2) {
    std::vector<Byte> pattern(size, paint), copied(size);
    on_clean_stack([&] {
      asm volatile(
          "movdqu (%0), %%xmm0\n movdqu (%0), %%xmm7\n movdqu (%0), %%xmm8\n movdqu (%0), %%xmm15\n"
          "movq (%0), %%rcx\n movq (%0), %%r8\n movq (%0), %%r9\n movq (%0), %%r10\n movq (%0), %%r11\n"
          :
          : "r"(pattern.data())
          : "xmm0", "xmm7", "xmm8", "xmm15", "rcx", "r8", "r9", "r10", "r11", "memory");
      std::memcpy(copied.data(), pattern.data(), value_barrier(size - 1));
    });
    save_registers(registers, zmm, ymm);
    Traces painted;
    painted.add(Bytes(pattern).first(8));
    EXPECT_EQ(painted.found(registers.vectors.data(), registers.vectors.data() + registers.vectors.size()), 0u) << size;
    const auto* scratch = reinterpret_cast<const Byte*>(registers.scratch.data());
    EXPECT_EQ(painted.found(scratch, scratch + sizeof registers.scratch), 0u);
  }
}

constexpr std::size_t painted_stack = 120 * 1024;
[[gnu::noinline]] void paint_stack() {
  Byte area[painted_stack];
  std::memset(area, paint, sizeof area);
  asm volatile("" : : "r"(area) : "memory");
}

// Bytes from this frame down to the deepest one that lost its paint.
[[gnu::noinline]] std::size_t depth_of_lost_paint() {
  const Byte* here = static_cast<const Byte*>(__builtin_frame_address(0));
  const Byte* deepest = here - painted_stack + 4096;
  while (deepest < here && *deepest == paint) ++deepest;
  return static_cast<std::size_t>(here - deepest);
}

TEST_P(CleanStack, TheTrampolineClearsMoreThanIsUsed) {
  paint_stack();
  sign_carelessly(subject, message);
  const std::size_t used = depth_of_lost_paint();
  EXPECT_GT(used, 500u);
  EXPECT_LT(used, (GetParam() == KeyType::rsa ? cleared_rsa_stack : cleared_stack) - 4096);
}

INSTANTIATE_TEST_SUITE_P(, CleanStack, testing::Values(KeyType::p256, KeyType::ed25519, KeyType::p384, KeyType::rsa),
                         [](const auto& tested) {
                           switch (tested.param) {
                             case KeyType::p256:
                               return "P256";
                             case KeyType::p384:
                               return "P384";
                             case KeyType::rsa:
                               return "Rsa";
                             default:
                               return "Ed25519";
                           }
                         });

}  // namespace
}  // namespace limpid::crypto
