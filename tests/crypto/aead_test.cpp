#include "limpid/crypto/aead.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <sys/mman.h>

#include "tests/support/cpu.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/random.hpp"
#include "tests/support/round_trip.hpp"
#include "tests/support/wycheproof.hpp"

namespace limpid::crypto {
namespace {

namespace wycheproof = test::wycheproof;
using test::from_hex;
using test::to_hex;
using Nonce = std::array<Byte, aead_nonce_size>;

constexpr AeadAlgorithm algorithms[] = {AeadAlgorithm::aes_128_gcm, AeadAlgorithm::aes_256_gcm,
                                        AeadAlgorithm::chacha20_poly1305};

Nonce nonce_of(Bytes bytes) {
  Nonce nonce;
  copy(bytes, nonce);
  return nonce;
}

std::vector<Byte> sealed(AeadAlgorithm algorithm, Bytes key, Bytes nonce, Bytes aad, Bytes text, CpuFeatures cpu) {
  AeadKey aead(algorithm, key, cpu);
  std::vector<Byte> out(text.size() + aead_tag_size);
  EXPECT_TRUE(aead.seal(nonce_of(nonce), aad, text, out, cpu));
  return out;
}

std::vector<Byte> sealed_by_openssl(AeadAlgorithm algorithm, Bytes key, Bytes nonce, Bytes aad, Bytes text) {
  const EVP_CIPHER* const ciphers[] = {EVP_aes_128_gcm(), EVP_aes_256_gcm(), EVP_chacha20_poly1305()};
  std::vector<Byte> out(text.size() + aead_tag_size);
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  int n = 0;
  EVP_EncryptInit_ex(context, ciphers[static_cast<int>(algorithm)], nullptr, key.data(), nonce.data());
  EVP_EncryptUpdate(context, nullptr, &n, aad.data(), static_cast<int>(aad.size()));
  EVP_EncryptUpdate(context, out.data(), &n, text.data(), static_cast<int>(text.size()));
  EVP_EncryptFinal_ex(context, out.data() + n, &n);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, aead_tag_size, out.data() + text.size());
  EVP_CIPHER_CTX_free(context);
  return out;
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 4 and 16; RFC 8439, section 2.8.2.
TEST(Aead, PublishedExamples) {
  const auto gcm_text = from_hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
      "ba637b39");
  const auto gcm_aad = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const auto gcm_nonce = from_hex("cafebabefacedbaddecaf888");
  for (const CpuFeatures cpu : test::cpu_paths()) {
    EXPECT_EQ(to_hex(sealed(AeadAlgorithm::aes_128_gcm, from_hex("feffe9928665731c6d6a8f9467308308"), gcm_nonce,
                            gcm_aad, gcm_text, cpu)),
              "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b39"
              "6a0aac97"
              "3d58e091"
              "5bc94fbc3221a5db94fae95ae7121a47");
    EXPECT_EQ(to_hex(sealed(AeadAlgorithm::aes_256_gcm,
                            from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"), gcm_nonce,
                            gcm_aad, gcm_text, cpu)),
              "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e63"
              "93ba7a0a"
              "bcc9f662"
              "76fc6ece0f4e1768cddf8853bb2d551b");
    EXPECT_EQ(
        to_hex(sealed(AeadAlgorithm::chacha20_poly1305,
                      from_hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
                      from_hex("070000004041424344454647"), from_hex("50515253c0c1c2c3c4c5c6c7"),
                      as_bytes("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
                               "future, sunscreen would be it."),
                      cpu)),
        "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b"
        "29"
        "05d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec6"
        "4b"
        "6116"
        "1ae10b594f09e26a7e902ecbd0600691");
  }
}

// Both directions of each vector, on each path; an invalid one must not open, and must be left as it was.
wycheproof::Outcome judge(AeadAlgorithm algorithm, const wycheproof::Case& c) {
  const auto key = c.bytes("key"), nonce = c.bytes("iv"), aad = c.bytes("aad"), text = c.bytes("msg");
  auto ciphertext = c.bytes("ct");
  const auto tag = c.bytes("tag");
  ciphertext.insert(ciphertext.end(), tag.begin(), tag.end());
  bool accepted = false;
  for (const CpuFeatures cpu : test::cpu_paths()) {
    AeadKey aead(algorithm, key, cpu);
    std::vector<Byte> opened = ciphertext;
    accepted = aead.open(nonce_of(nonce), aad, opened, cpu);
    if (accepted) {
      opened.resize(text.size());
      EXPECT_EQ(opened, text);
      EXPECT_EQ(sealed(algorithm, key, nonce, aad, text, cpu), ciphertext);
    } else {
      EXPECT_EQ(opened, ciphertext);
    }
    EXPECT_EQ(accepted, c.valid()) << test::name_of(cpu);
  }
  return wycheproof::judged(accepted);
}

TEST(Aead, WycheproofAesGcm) {
  wycheproof::for_each("aes_gcm_test.json", [](const wycheproof::Case& c) {
    if (c.number("keySize") == 192) return wycheproof::excluded("AES-192, which no TLS suite has");
    if (c.number("ivSize") != 96) return wycheproof::excluded("nonces other than 96 bits, which AeadNonce cannot hold");
    return judge(c.number("keySize") == 128 ? AeadAlgorithm::aes_128_gcm : AeadAlgorithm::aes_256_gcm, c);
  });
}

TEST(Aead, WycheproofChaCha20Poly1305) {
  wycheproof::for_each("chacha20_poly1305_test.json", [](const wycheproof::Case& c) {
    if (c.number("ivSize") != 96) return wycheproof::excluded("nonces other than 96 bits, which AeadNonce cannot hold");
    return judge(AeadAlgorithm::chacha20_poly1305, c);
  });
}

TEST(Aead, EveryPathAgreesWithOpenSslAtEveryLength) {
  test::Random random(1);
  const std::vector<Byte> text = random.bytes(20'000);
  for (const AeadAlgorithm algorithm : algorithms) {
    for (std::size_t n = 0; n <= 16'400; n += n < 1300 ? 1 : 131) {
      const auto key = random.bytes(aead_key_size(algorithm)), nonce = random.bytes(12),
                 aad = random.bytes(random.below(80));
      const Bytes plaintext = Bytes(text).subspan(random.below(32), n);
      const auto expected = sealed_by_openssl(algorithm, key, nonce, aad, plaintext);
      for (const CpuFeatures cpu : test::cpu_paths()) {
        ASSERT_EQ(sealed(algorithm, key, nonce, aad, plaintext, cpu), expected) << n << " " << test::name_of(cpu);
        std::vector<Byte> in_place = expected;
        ASSERT_TRUE(AeadKey(algorithm, key, cpu).open(nonce_of(nonce), aad, in_place, cpu)) << n;
        ASSERT_EQ(Bytes(in_place).first(n), plaintext) << n << " " << test::name_of(cpu);
        ASSERT_EQ(Bytes(in_place).subspan(n), Bytes(expected).subspan(n)) << "the tag stays";
      }
    }
  }
}

TEST(Aead, AgreesAtEveryLengthOfAdditionalData) {
  test::Random random(2);
  const auto aad = random.bytes(1100), key = random.bytes(32), nonce = random.bytes(12), text = random.bytes(50);
  for (const AeadAlgorithm algorithm : algorithms) {
    const Bytes its_key = Bytes(key).first(aead_key_size(algorithm));
    for (std::size_t n = 0; n <= aad.size(); ++n) {
      const auto expected = sealed_by_openssl(algorithm, its_key, nonce, Bytes(aad).first(n), text);
      for (const CpuFeatures cpu : test::cpu_paths()) {
        ASSERT_EQ(sealed(algorithm, its_key, nonce, Bytes(aad).first(n), text, cpu), expected)
            << n << test::name_of(cpu);
      }
    }
  }
}

TEST(Aead, ChaCha20Poly1305AgreesWithLibsodium) {
  test::Random random(3);
  for (std::size_t n = 0; n < 400; ++n) {
    const auto key = random.bytes(32), nonce = random.bytes(12), aad = random.bytes(random.below(40)),
               text = random.bytes(n);
    std::vector<Byte> expected(n + aead_tag_size);
    crypto_aead_chacha20poly1305_ietf_encrypt(expected.data(), nullptr, text.data(), n, aad.data(), aad.size(), nullptr,
                                              nonce.data(), key.data());
    for (const CpuFeatures cpu : test::cpu_paths()) {
      ASSERT_EQ(sealed(AeadAlgorithm::chacha20_poly1305, key, nonce, aad, text, cpu), expected) << test::name_of(cpu);
    }
  }
}

TEST(Aead, SealsInPlace) {
  test::Random random(4);
  for (const CpuFeatures cpu : test::cpu_paths()) {
    for (const AeadAlgorithm algorithm : algorithms) {
      const auto key = random.bytes(aead_key_size(algorithm)), nonce = random.bytes(12), aad = random.bytes(5);
      for (const std::size_t n : {0, 1, 16, 100, 128, 129, 400, 1400, 16'384}) {
        auto buffer = random.bytes(n + aead_tag_size);
        const Bytes text = Bytes(buffer).first(n);
        const auto expected = sealed(algorithm, key, nonce, aad, text, cpu);
        AeadKey aead(algorithm, key, cpu);
        ASSERT_TRUE(aead.seal(nonce_of(nonce), aad, text, buffer, cpu));
        ASSERT_EQ(buffer, expected) << n;
      }
    }
  }
}

TEST(Aead, WhatDoesNotOpenIsUnaltered) {
  test::Random random(5);
  for (const CpuFeatures cpu : test::cpu_paths()) {
    for (const AeadAlgorithm algorithm : algorithms) {
      const auto key = random.bytes(aead_key_size(algorithm)), aad = random.bytes(5);
      const Nonce nonce = nonce_of(random.bytes(12));
      const AeadKey aead(algorithm, key, cpu);
      for (const std::size_t n : {0, 1, 40, 300}) {
        const auto good = sealed(algorithm, key, nonce, aad, random.bytes(n), cpu);
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
          auto bad = good;
          bad[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
          const auto before = bad;
          ASSERT_FALSE(aead.open(nonce, aad, bad, cpu)) << bit;
          ASSERT_EQ(bad, before) << bit;
        }
        for (std::size_t size = 0; size < good.size(); ++size) {
          auto bad = good;
          ASSERT_FALSE(aead.open(nonce, aad, MutableBytes(bad).first(size), cpu)) << size;
          ASSERT_EQ(bad, good) << size;
        }
        for (std::size_t bit = 0; bit < 96; ++bit) {
          Nonce other = nonce;
          other[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
          auto same = good;
          ASSERT_FALSE(aead.open(other, aad, same, cpu));
        }
        auto same = good;
        ASSERT_FALSE(aead.open(nonce, Bytes(aad).first(4), same, cpu));
        ASSERT_TRUE(aead.open(nonce, aad, same, cpu));
      }
    }
  }
}

TEST(Aead, NeverReadsOrWritesOutside) {
  // Exactly sized heap blocks: the address sanitizer judges what these calls touch; without it, the guard bytes do.
  test::Random random(6);
  for (const CpuFeatures cpu : test::cpu_paths()) {
    for (const AeadAlgorithm algorithm : algorithms) {
      const auto key = random.bytes(aead_key_size(algorithm));
      const Nonce nonce = nonce_of(random.bytes(12));
      AeadKey aead(algorithm, key, cpu);
      for (std::size_t n = 0; n < 300; ++n) {
        const auto text = random.bytes(n), aad = random.bytes(n % 33);
        std::vector<Byte> guarded(n + aead_tag_size + 64, 0xa5);
        ASSERT_TRUE(aead.seal(nonce, aad, text, MutableBytes(guarded).subspan(32, n + aead_tag_size), cpu));
        ASSERT_TRUE(aead.open(nonce, aad, MutableBytes(guarded).subspan(32, n + aead_tag_size), cpu));
        const std::vector<Byte> guard(32, 0xa5);
        ASSERT_EQ(Bytes(guarded).first(32), Bytes(guard)) << n;
        ASSERT_EQ(Bytes(guarded).last(32), Bytes(guard)) << n;
        std::vector<Byte> exact(n + aead_tag_size);
        ASSERT_TRUE(aead.seal(nonce, aad, text, exact, cpu));
        ASSERT_TRUE(aead.open(nonce, aad, exact, cpu));
      }
    }
  }
}

// Pages that may be used, between two that may not.
class PagesBetweenGuards {
 public:
  PagesBetweenGuards() : begin_(static_cast<Byte*>(mmap(nullptr, size + 2 * page, PROT_NONE, flags, -1, 0)) + page) {
    EXPECT_EQ(mprotect(begin_, size, PROT_READ | PROT_WRITE), 0);
  }
  ~PagesBetweenGuards() { munmap(begin_ - page, size + 2 * page); }
  MutableBytes first(std::size_t n) { return {begin_, n}; }
  MutableBytes last(std::size_t n) { return {begin_ + size - n, n}; }

  static constexpr std::size_t page = 4096, size = 2 * page;

 private:
  static constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  Byte* begin_;
};

TEST(Aead, TouchesNoPageBesideItsBuffers) {
  test::Random random(10);
  PagesBetweenGuards aad_pages, in_pages, out_pages;
  for (const CpuFeatures cpu : test::cpu_paths()) {
    for (const AeadAlgorithm algorithm : algorithms) {
      AeadKey aead(algorithm, random.bytes(aead_key_size(algorithm)), cpu);
      const Nonce nonce = nonce_of(random.bytes(12));
      for (std::size_t n = 0; n <= 4096; n += n < 1100 ? 1 : 107) {
        const auto text = random.bytes(n), aad = random.bytes(n % 350);
        for (const auto part : {&PagesBetweenGuards::first, &PagesBetweenGuards::last}) {
          const MutableBytes its_aad = (aad_pages.*part)(aad.size()), in = (in_pages.*part)(n),
                             out = (out_pages.*part)(n + aead_tag_size);
          copy(aad, its_aad);
          copy(text, in);
          ASSERT_TRUE(aead.seal(nonce, its_aad, in, out, cpu));
          ASSERT_TRUE(aead.open(nonce, its_aad, out, cpu));
          ASSERT_EQ(Bytes(out).first(n), text) << n;
        }
      }
    }
  }
}

TEST(Aead, AKeyOfOnePathServesTheOthers) {
  test::Random random(7);
  const Nonce nonce = nonce_of(random.bytes(12));
  const auto text = random.bytes(500);
  for (const AeadAlgorithm algorithm : algorithms) {
    const auto key = random.bytes(aead_key_size(algorithm));
    const auto expected = sealed(algorithm, key, nonce, {}, text, portable_cpu);
    for (const CpuFeatures expanded_by : test::cpu_paths()) {
      for (const CpuFeatures used_by : test::cpu_paths()) {
        AeadKey aead(algorithm, key, expanded_by);
        std::vector<Byte> out(text.size() + aead_tag_size);
        ASSERT_TRUE(aead.seal(nonce, {}, text, out, used_by));
        EXPECT_EQ(out, expected);
      }
    }
  }
}

TEST(Aead, WithoutAKeyRefusesEverything) {
  std::vector<Byte> out(20, 7);
  const std::vector<Byte> before = out;
  const std::vector<Byte> key(32);
  AeadKey none, wrong_size(AeadAlgorithm::aes_128_gcm, key, portable_cpu);
  AeadKey moved_from(AeadAlgorithm::aes_256_gcm, key, portable_cpu);
  AeadKey moved_to = std::move(moved_from);
  for (AeadKey* aead : {&none, &wrong_size, &moved_from}) {
    EXPECT_EQ(aead->seals_left(), 0u);
    EXPECT_FALSE(aead->seal(Nonce{}, {}, Bytes(key).first(4), out, portable_cpu));
    EXPECT_FALSE(aead->open(Nonce{}, {}, out, portable_cpu));
  }
  EXPECT_FALSE(moved_to.seal(Nonce{}, {}, Bytes(key).first(5), out, portable_cpu)) << "the output is of another size";
  EXPECT_EQ(out, before);
  EXPECT_TRUE(moved_to.seal(Nonce{}, {}, Bytes(key).first(4), out, portable_cpu));
}

TEST(Aead, LeavesNoKeyBehind) {
  const std::vector<Byte> key = test::Random(9).bytes(32);
  for (const CpuFeatures cpu : test::cpu_paths()) {
    alignas(AeadKey) Byte memory[sizeof(AeadKey)];
    AeadKey* aead = new (memory) AeadKey(AeadAlgorithm::aes_256_gcm, key, cpu);
    const auto count = [&](Bytes bytes) {
      asm volatile("" : : "r"(memory) : "memory");
      std::size_t found = 0;
      for (std::size_t at = 0; at + bytes.size() <= sizeof memory; ++at)
        found += Bytes(memory).subspan(at, bytes.size()) == bytes;
      return found;
    };
    EXPECT_EQ(count(key), 2u) << "the raw key, and the first two round keys, which equal it";
    const AeadKey moved = std::move(*aead);
    EXPECT_EQ(count(key), 0u);
    *aead = AeadKey(AeadAlgorithm::aes_256_gcm, key, cpu);
    aead->~AeadKey();
    EXPECT_EQ(count(key), 0u);
    EXPECT_LT(sizeof memory - count(Bytes(std::array<Byte, 1>{})), 16u) << "what is not zero";
  }
}

// The encoding: algorithm 1, length of the key 1, key, count 8.
TEST(Aead, TheLimitOfRfc8446IsEnforced) {
  for (const AeadAlgorithm algorithm : {AeadAlgorithm::aes_128_gcm, AeadAlgorithm::aes_256_gcm}) {
    std::vector<Byte> saved =
        test::encoded(AeadKey(algorithm, std::vector<Byte>(aead_key_size(algorithm)), portable_cpu));
    ASSERT_EQ(aead_seal_limit(algorithm), 0x16a09e6u);
    copy(from_hex("00000000016a09e4"), MutableBytes(saved).last(8));
    std::optional<AeadKey> aead = test::decoded<AeadKey>(saved, test::best_cpu());
    ASSERT_TRUE(aead);
    Byte out[16];
    EXPECT_EQ(aead->seals_left(), 2u);
    EXPECT_TRUE(aead->seal(Nonce{}, {}, {}, out, test::best_cpu()));
    EXPECT_TRUE(aead->seal(Nonce{}, {}, {}, out, test::best_cpu()));
    EXPECT_FALSE(aead->seal(Nonce{}, {}, {}, out, test::best_cpu()));
    EXPECT_EQ(aead->seals_left(), 0u);
    EXPECT_TRUE(aead->open(Nonce{}, {}, out, test::best_cpu())) << "opening goes on";
    copy(from_hex("00000000016a09e7"), MutableBytes(saved).last(8));
    EXPECT_FALSE(test::decoded<AeadKey>(saved)) << "more than the limit";
  }
}

TEST(Aead, IsLoadedOnEveryPathAndGoesOn) {
  test::Random random(8);
  for (const CpuFeatures cpu : test::cpu_paths()) {
    for (const AeadAlgorithm algorithm : algorithms) {
      const auto key = random.bytes(aead_key_size(algorithm)), text = random.bytes(200);
      const Nonce nonce = nonce_of(random.bytes(12));
      AeadKey before(algorithm, key, cpu);
      std::vector<Byte> first(216), second(216), expected(216);
      ASSERT_TRUE(before.seal(nonce, {}, text, first, cpu));
      std::optional<AeadKey> after = test::reloaded(before, cpu);
      ASSERT_TRUE(after);
      EXPECT_EQ(after->seals_left(), before.seals_left());
      ASSERT_TRUE(after->seal(nonce, {}, text, second, cpu));
      EXPECT_EQ(second, first);
    }
  }
  const AeadKey none;
  ASSERT_TRUE(test::reloaded(none));
}

TEST(Aead, RefusesSnapshotsOfNoKey) {
  const std::vector<Byte> good =
      test::encoded(AeadKey(AeadAlgorithm::aes_128_gcm, std::vector<Byte>(16), portable_cpu));
  std::vector<Byte> bad = good;
  bad[0] = 3;
  EXPECT_FALSE(test::decoded<AeadKey>(bad)) << "no such algorithm";
  bad[0] = static_cast<Byte>(AeadAlgorithm::aes_256_gcm);
  EXPECT_FALSE(test::decoded<AeadKey>(bad)) << "a key of the wrong size";
}

}  // namespace
}  // namespace limpid::crypto
