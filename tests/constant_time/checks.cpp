// Runs every operation that touches secrets with those secrets marked undefined for a checker (checker.hpp), which then
// reports each branch and each address that depends on one. constant_time_test.py builds this and runs it.
//
//     checks [NAME]...    the named checks or all that are for this checker; exit status 1 if one leaks or proves blind
//
// A check yields what came out of its operation, which must still be undefined: after it the harness branches on that,
// and a checker that does not notice has lost track of the secrets on the way.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

#include "limpid/crypto/aead.hpp"
#include "limpid/crypto/generator.hpp"
#include "limpid/crypto/hkdf.hpp"
#include "limpid/crypto/key_agreement.hpp"
#include "limpid/crypto/keyed_hash.hpp"
#include "limpid/crypto/seal.hpp"
#include "limpid/crypto/signature.hpp"
#include "tests/constant_time/checker.hpp"
#include "tests/support/cpu.hpp"
#include "tests/support/random.hpp"
#include "tests/support/rsa_keys.hpp"

namespace limpid {

// In place of the library's: what it makes public is public for the checker, too.
bool declassify(std::uint64_t mask) {
  checker::make_defined(&mask, sizeof mask);
  return (mask & 1) != 0;
}
void declassify(MutableBytes bytes) { checker::make_defined(bytes.data(), bytes.size()); }

}  // namespace limpid

namespace limpid::crypto {
namespace {

using Outcome = std::vector<Byte>;

test::Random random_source(1);

std::vector<Byte> secret(std::size_t size) {
  std::vector<Byte> bytes = random_source.bytes(size);
  checker::make_undefined(bytes.data(), bytes.size());
  return bytes;
}
template <std::size_t N>
Secret<N> fixed_secret() {
  const std::vector<Byte> bytes = secret(N);
  return Secret<N>(std::span<const Byte, N>(bytes.data(), N));
}
Outcome outcome_of(Bytes bytes) { return {bytes.begin(), bytes.end()}; }
void append(Outcome& outcome, Bytes bytes) { outcome.insert(outcome.end(), bytes.begin(), bytes.end()); }

constexpr std::size_t sizes[] = {0, 1, 15, 16, 17, 63, 64, 111, 112, 113, 127, 128, 129, 300, 1400};

template <HashAlgorithm algorithm, CpuFeatures cpu = portable_cpu>
Outcome check_hash() {
  Outcome outcome;
  for (const std::size_t size : sizes) {
    Hash hash(algorithm);
    hash.update(secret(size), cpu);
    if (size != 0) append(outcome, hash.finish(cpu).bytes());
  }
  return outcome;
}

template <HashAlgorithm algorithm, CpuFeatures cpu = portable_cpu>
Outcome check_hmac() {
  Outcome outcome;
  for (const std::size_t size : sizes) {
    append(outcome, hmac(algorithm, secret(size), secret(40), cpu).bytes());
  }
  return outcome;
}

template <HashAlgorithm algorithm, CpuFeatures cpu = portable_cpu>
Outcome check_hkdf() {
  const HashSecret prk = hkdf_extract(algorithm, secret(digest_size(algorithm)), secret(32), cpu);
  Outcome outcome(300);
  hkdf_expand(algorithm, prk.bytes(), as_bytes("tls13 derived"), outcome, cpu);
  return outcome;
}

Outcome check_generator() {
  const Secret<32> seed = fixed_secret<32>();
  Generator generator(seed.bytes());
  generator.mix(secret(32));
  Outcome outcome(300);
  generator.fill(outcome);
  return outcome;
}

Outcome check_comparison() {
  const std::vector<Byte> a = secret(32), b = secret(32);
  const bool equal = constant_time_equal(a, b);
  return {static_cast<Byte>(equal)};
}

Outcome check_keyed_hash() {
  const std::uint64_t hash = keyed_hash(fixed_secret<16>(), as_bytes("a peer's address"));
  return {static_cast<Byte>(hash)};
}

// TLS derives its nonces from secrets; additional data is public.
template <AeadAlgorithm algorithm, CpuFeatures cpu = portable_cpu>
Outcome check_aead() {
  Outcome outcome;
  AeadKey key(algorithm, secret(aead_key_size(algorithm)), cpu);
  for (const std::size_t size : sizes) {
    const Secret<12> nonce = fixed_secret<12>();
    std::vector<Byte> record(size + aead_tag_size);
    const bool sealed = key.seal(nonce.bytes(), as_bytes("record"), secret(size), record, cpu);
    append(outcome, record);
    declassify(record);  // the peer sees it
    const bool opened = key.open(nonce.bytes(), as_bytes("record"), record, cpu);
    append(outcome, Bytes(record).first(size));
    declassify(record);
    record.front() ^= 1;
    const bool forged = key.open(nonce.bytes(), as_bytes("record"), record, cpu);
    if (!sealed || !opened || forged) std::printf("the AEAD failed\n");
  }
  return outcome;
}

Outcome check_seal() {
  Budget budget(1 << 16);
  const SealKey key = fixed_secret<32>();
  auto blob = seal(secret(300), key, SealId{1}, SealSalt{2}, budget, portable_cpu);
  declassify({blob->data(), blob->size()});
  const auto opened = open({blob->data(), blob->size()}, key, budget, portable_cpu);
  return outcome_of({opened->data(), opened->size()});
}

template <NamedGroup group, CpuFeatures cpu = portable_cpu>
Outcome check_key_agreement() {
  Generator public_generator(std::array<Byte, 32>{7});
  const EphemeralKey peer = EphemeralKey::generate(group, public_generator, cpu);
  const Secret<32> seed = fixed_secret<32>();
  Generator generator(seed.bytes());
  const EphemeralKey key = EphemeralKey::generate(group, generator, cpu);
  const auto shared = key.agree(peer.public_key(), cpu);
  return outcome_of(shared->bytes());
}

// With a key that was loaded: what libsodium makes, MemorySanitizer takes for defined.
template <NamedGroup group, CpuFeatures cpu>
Outcome check_agreement_with_loaded_key() {
  Outcome saved{static_cast<Byte>(static_cast<int>(group) >> 8), static_cast<Byte>(group), 32};
  append(saved, secret(32));
  Budget budget(0);
  Reader in(saved);
  EphemeralKey key;
  if (!decode(in, LoadContext{.now = {}, .budget = budget, .cpu = cpu}, key)) std::printf("the key is refused\n");
  const std::array<Byte, 32> base_point{9};
  const auto shared = key.agree(base_point, cpu);
  return outcome_of(shared->bytes());
}

// Signatures are public, so there is nothing undefined to hand out but the key itself.
template <KeyType type, CpuFeatures cpu = portable_cpu>
Outcome check_signature() {
  const std::vector<Byte> seed = secret(type == KeyType::p384 ? 48 : 32);
  const auto key = PrivateKey::from_bytes(type, seed);
  const Secret<32> hedge = fixed_secret<32>();
  const Signature signature = key->sign(scheme_of(type), as_bytes("transcript"), hedge.bytes(), cpu);
  if (!verify(key->public_key(), scheme_of(type), as_bytes("transcript"), signature.bytes(), cpu)) {
    std::printf("the signature is wrong\n");
  }
  return outcome_of(key->secret_bytes());
}

// Loading the key and signing with it, twice: PSS and PKCS #1 v1.5.
template <CpuFeatures cpu = portable_cpu>
Outcome check_rsa() {
  const RsaPrivateNumbers numbers = test::rsa_2048();
  std::vector<Outcome> kept;
  const auto hidden = [&](Bytes number) {
    kept.push_back(outcome_of(number));
    checker::make_undefined(kept.back().data(), kept.back().size());
    return Bytes(kept.back());
  };
  const auto key =
      PrivateKey::rsa(KeyType::rsa, {numbers.n, numbers.e, hidden(numbers.d), hidden(numbers.p), hidden(numbers.q),
                                     hidden(numbers.dp), hidden(numbers.dq), hidden(numbers.qinv)});
  const Secret<32> hedge = fixed_secret<32>();
  for (const auto kind : {SignatureAlgorithm::Kind::rsa_pss, SignatureAlgorithm::Kind::rsa_pkcs1}) {
    const SignatureAlgorithm algorithm{kind, HashAlgorithm::sha256};
    const Signature signature = key->sign(algorithm, as_bytes("transcript"), hedge.bytes(), cpu);
    if (!verify(key->public_key(), algorithm, as_bytes("transcript"), signature.bytes(), cpu)) {
      std::printf("the signature is wrong\n");
    }
  }
  return kept[1];
}

Outcome check_generated_private_keys() {
  const Secret<32> seed = fixed_secret<32>();
  Generator generator(seed.bytes());
  Outcome outcome;
  for (const KeyType type : {KeyType::p256, KeyType::p384, KeyType::ed25519}) {
    append(outcome, PrivateKey::generate(type, generator).secret_bytes());
  }
  return outcome;
}

struct Check {
  std::string_view name;
  Outcome (*run)();
  CpuFeatures cpu = portable_cpu;  // what it needs
};

constexpr CpuFeatures aes_pclmul{.aes_pclmul = true};
constexpr CpuFeatures sha{.sha = true};
constexpr CpuFeatures bmi2_adx{.bmi2_adx = true};
constexpr CpuFeatures avx512_ifma{.avx512_ifma = true};
constexpr CpuFeatures vaes_avx512{.aes_pclmul = true, .vaes_avx512 = true};

constexpr Check checks[] = {
    {"sha256", check_hash<HashAlgorithm::sha256>},
    {"sha384", check_hash<HashAlgorithm::sha384>},
    {"sha512", check_hash<HashAlgorithm::sha512>},
    {"hmac_sha256", check_hmac<HashAlgorithm::sha256>},
    {"hmac_sha384", check_hmac<HashAlgorithm::sha384>},
    {"hkdf_sha256", check_hkdf<HashAlgorithm::sha256>},
    {"hkdf_sha384", check_hkdf<HashAlgorithm::sha384>},
    {"generator", check_generator},
    {"comparison", check_comparison},
    {"keyed_hash", check_keyed_hash},
    {"aes_128_gcm_portable", check_aead<AeadAlgorithm::aes_128_gcm>},
    {"aes_256_gcm_portable", check_aead<AeadAlgorithm::aes_256_gcm>},
    {"aes_128_gcm_x86", check_aead<AeadAlgorithm::aes_128_gcm, aes_pclmul>, aes_pclmul},
    {"aes_256_gcm_x86", check_aead<AeadAlgorithm::aes_256_gcm, aes_pclmul>, aes_pclmul},
    {"chacha20_poly1305", check_aead<AeadAlgorithm::chacha20_poly1305>},
    {"sha256_x86", check_hash<HashAlgorithm::sha256, sha>, sha},
    {"hmac_sha256_x86", check_hmac<HashAlgorithm::sha256, sha>, sha},
    {"hkdf_sha256_x86", check_hkdf<HashAlgorithm::sha256, sha>, sha},
    {"aes_128_gcm_vaes", check_aead<AeadAlgorithm::aes_128_gcm, vaes_avx512>, vaes_avx512},
    {"aes_256_gcm_vaes", check_aead<AeadAlgorithm::aes_256_gcm, vaes_avx512>, vaes_avx512},
    {"chacha20_poly1305_x86", check_aead<AeadAlgorithm::chacha20_poly1305, avx512_ifma>, avx512_ifma},
    {"seal", check_seal},
    {"x25519", check_key_agreement<NamedGroup::x25519>},
    {"x25519_x86", check_agreement_with_loaded_key<NamedGroup::x25519, avx512_ifma>, avx512_ifma},
    {"p256", check_key_agreement<NamedGroup::secp256r1>},
    {"p256_x86", check_key_agreement<NamedGroup::secp256r1, bmi2_adx>, bmi2_adx},
    {"p384", check_key_agreement<NamedGroup::secp384r1>},
    {"ed25519", check_signature<KeyType::ed25519>},
    {"ecdsa_p256", check_signature<KeyType::p256>},
    {"ecdsa_p256_x86", check_signature<KeyType::p256, bmi2_adx>, bmi2_adx},
    {"ecdsa_p384", check_signature<KeyType::p384>},
    {"rsa", check_rsa<>},
    {"rsa_x86", check_rsa<avx512_ifma>, avx512_ifma},
    {"private_keys", check_generated_private_keys},
};

// valgrind does not know these instructions; MemorySanitizer does not see into libsodium.
constexpr bool is_for_this_checker(CpuFeatures cpu) {
  return (cpu.sha || cpu.avx512_ifma || cpu.vaes_avx512) == checker::knows_all_instructions;
}

// What the CPU can do. valgrind runs ADCX and ADOX, but its CPUID says nothing of them.
CpuFeatures cpu_under_the_checker() {
  CpuFeatures cpu = test::best_cpu();
  if constexpr (!checker::knows_all_instructions) {
    std::ifstream file("/proc/cpuinfo");
    const std::string text(std::istreambuf_iterator<char>(file), {});
    cpu.bmi2_adx = text.find(" bmi2 ") != text.npos && text.find(" adx ") != text.npos;
  }
  return cpu;
}

constexpr bool has(CpuFeatures cpu, CpuFeatures needed) {
  constexpr bool CpuFeatures::* bits[] = {&CpuFeatures::aes_pclmul, &CpuFeatures::sha, &CpuFeatures::bmi2_adx,
                                          &CpuFeatures::avx512_ifma, &CpuFeatures::vaes_avx512};
  return std::all_of(std::begin(bits), std::end(bits), [&](auto bit) { return cpu.*bit || !(needed.*bit); });
}

// Branches on every byte: the leak that the checker must see.
[[gnu::noinline]] int leak(const Outcome& outcome) {
  int odd = 0;
  for (const Byte byte : outcome) {
    if (value_barrier(static_cast<int>(byte)) & 1) {
      asm volatile("" : "+r"(odd));
      ++odd;
    }
  }
  return odd;
}

}  // namespace
}  // namespace limpid::crypto

int main(int argc, char** argv) {
  using namespace limpid;
  if (!checker::is_there()) {
    std::printf("not under valgrind: nothing would be noticed\n");
    return 1;
  }
  bool failed = false;
  for (const crypto::Check& check : crypto::checks) {
    const auto is_named = [&](const char* name) { return check.name == name; };
    if (argc > 1 ? std::none_of(argv + 1, argv + argc, is_named) : !crypto::is_for_this_checker(check.cpu)) continue;
    if (!crypto::has(crypto::cpu_under_the_checker(), check.cpu)) {
      std::printf("%-22s not run: this CPU has not %s\n", check.name.data(), test::name_of(check.cpu).c_str());
      continue;
    }
    const unsigned before = checker::errors();
    const crypto::Outcome outcome = check.run();
    const unsigned leaks = checker::errors() - before;
    crypto::leak(outcome);
    const bool blind = checker::errors() - before - leaks == 0;
    std::printf("%-22s %s%s\n", check.name.data(), leaks == 0 ? "no leak" : "LEAKS", blind ? ", BUT BLIND" : "");
    failed = failed || leaks != 0 || blind;
  }
  std::fflush(stdout);
  std::_Exit(failed ? 1
                    : 0);  // MemorySanitizer's exit status would be that of a program with errors, which every run has
}
