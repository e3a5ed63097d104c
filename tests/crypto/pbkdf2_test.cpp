// What encrypted key files need: SHA-1, PBKDF2 and AES-CBC, against published vectors and OpenSSL.
#include "limpid/crypto/pbkdf2.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "limpid/crypto/aes_cbc.hpp"
#include "limpid/crypto/sha1.hpp"
#include "tests/support/cpu.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/random.hpp"

namespace limpid::crypto {
namespace {

using test::best_cpu;
using test::to_hex;
using Octets = std::vector<Byte>;

TEST(Sha1, AgreesWithOpenSslAtEveryLengthAndCut) {
  test::Random random(1);
  EXPECT_EQ(to_hex(sha1(as_bytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");  // FIPS 180
  for (std::size_t size = 0; size < 300; ++size) {
    const Octets message = random.bytes(size);
    std::array<Byte, 20> expected;
    SHA1(message.data(), size, expected.data());
    EXPECT_EQ(sha1(message), expected) << size;
    Sha1 pieces;
    const std::size_t cut = size * 7 % (size + 1);
    pieces.update(Bytes(message).first(cut));
    pieces.update(Bytes(message).subspan(cut));
    std::array<Byte, 20> digest;
    pieces.finish_into(digest);
    EXPECT_EQ(digest, expected) << size;
  }
}

TEST(HmacSha1, AgreesWithOpenSsl) {
  test::Random random(2);
  for (const std::size_t key_size : {0, 1, 20, 63, 64, 65, 200}) {
    const Octets key = random.bytes(key_size), message = random.bytes(100);
    std::array<Byte, 20> expected;
    HMAC(EVP_sha1(), key.data(), static_cast<int>(key_size), message.data(), 100, expected.data(), nullptr);
    HmacSha1 mac(key);
    mac.update(message, portable_cpu);
    EXPECT_EQ(mac.finish(portable_cpu).bytes(), Bytes(expected)) << key_size;
  }
}

// RFC 6070, its tests of 1, 2 and 4096 iterations, of more than one block, and with a zero in passphrase and salt.
TEST(Pbkdf2, Rfc6070) {
  const auto derive = [](std::string_view passphrase, std::string_view salt, std::uint32_t iterations,
                         std::size_t size) {
    Octets key(size);
    pbkdf2(Prf::hmac_sha1, as_bytes(passphrase), as_bytes(salt), iterations, key, portable_cpu);
    return to_hex(key);
  };
  EXPECT_EQ(derive("password", "salt", 1, 20), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
  EXPECT_EQ(derive("password", "salt", 2, 20), "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
  EXPECT_EQ(derive("password", "salt", 4096, 20), "4b007901b765489abead49d926f721d065a429c1");
  EXPECT_EQ(derive("passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, 25),
            "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038");
  EXPECT_EQ(derive({"pass\0word", 9}, {"sa\0lt", 5}, 4096, 16), "56fa6aa75548099dcc37d7f03425e0c3");
}

TEST(Pbkdf2, AgreesWithOpenSsl) {
  test::Random random(3);
  const std::pair<Prf, const EVP_MD*> functions[] = {{Prf::hmac_sha1, EVP_sha1()},
                                                     {Prf::hmac_sha256, EVP_sha256()},
                                                     {Prf::hmac_sha384, EVP_sha384()},
                                                     {Prf::hmac_sha512, EVP_sha512()}};
  for (const auto& [prf, digest] : functions) {
    for (const std::size_t size : {1, 16, 20, 32, 65, 200}) {
      const Octets passphrase = random.bytes(size), salt = random.bytes(8 + size % 9);
      const auto iterations = static_cast<std::uint32_t>(1 + size);
      Octets key(size), expected(size);
      ASSERT_EQ(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(passphrase.data()), static_cast<int>(size), salt.data(),
                                  static_cast<int>(salt.size()), static_cast<int>(iterations), digest,
                                  static_cast<int>(size), expected.data()),
                1);
      for (const CpuFeatures cpu : {portable_cpu, best_cpu()}) {
        pbkdf2(prf, passphrase, salt, iterations, key, cpu);
        EXPECT_EQ(key, expected) << size;
      }
    }
  }
}

TEST(AesCbc, AgreesWithOpenSsl) {
  test::Random random(4);
  for (const std::size_t key_size : {16, 32}) {
    for (std::size_t size = 0; size < 70; ++size) {
      const Octets key = random.bytes(key_size), plaintext = random.bytes(size);
      std::array<Byte, 16> iv;
      copy(random.bytes(16), iv);
      Octets ciphertext(size + 16);
      EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
      EVP_EncryptInit_ex(context, key_size == 16 ? EVP_aes_128_cbc() : EVP_aes_256_cbc(), nullptr, key.data(),
                         iv.data());
      int written = 0, last = 0;
      EVP_EncryptUpdate(context, ciphertext.data(), &written, plaintext.data(), static_cast<int>(size));
      EVP_EncryptFinal_ex(context, ciphertext.data() + written, &last);
      EVP_CIPHER_CTX_free(context);
      ciphertext.resize(static_cast<std::size_t>(written + last));
      Octets decrypted(ciphertext.size());
      const auto length = aes_cbc_decrypt(key, iv, ciphertext, decrypted);
      ASSERT_EQ(length, size);
      decrypted.resize(size);
      EXPECT_EQ(decrypted, plaintext);
    }
  }
}

TEST(AesCbc, WhatIsNoPaddingIsRefusedAndWiped) {
  const Octets key(16, 1);
  const std::array<Byte, 16> iv{};
  Octets out(32, 9);
  EXPECT_FALSE(aes_cbc_decrypt(key, iv, {}, {}).has_value());
  EXPECT_FALSE(aes_cbc_decrypt(key, iv, Octets(17, 0), out).has_value());
  // The last block is chosen through the iv: a block of zeros decrypts to D, so D ^ iv can be any text.
  std::array<Byte, 16> text{};
  const Octets block(16);
  std::array<Byte, 16> mask{};
  {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    EVP_DecryptInit_ex(context, EVP_aes_128_ecb(), nullptr, key.data(), nullptr);
    EVP_CIPHER_CTX_set_padding(context, 0);
    int written = 0;
    EVP_DecryptUpdate(context, mask.data(), &written, block.data(), 16);
    EVP_CIPHER_CTX_free(context);
    ASSERT_EQ(written, 16);
  }
  const auto unpadded = [&](const std::array<Byte, 16>& wanted) {
    std::array<Byte, 16> chosen;
    for (std::size_t i = 0; i < 16; ++i) chosen[i] = mask[i] ^ wanted[i];
    Octets plaintext(16, 7);
    const auto size = aes_cbc_decrypt(key, chosen, block, plaintext);
    if (!size) {
      EXPECT_EQ(plaintext, Octets(16, 0));
    }
    return size;
  };
  for (std::size_t size = 0; size < 256; ++size) {
    text.fill(static_cast<Byte>(size));
    EXPECT_EQ(unpadded(text).has_value(), size >= 1 && size <= 16) << size;
    for (std::size_t at = 0; at < 16 && size >= 2 && size <= 16; ++at) {
      std::array<Byte, 16> changed = text;
      changed[at] ^= 0x20;
      EXPECT_EQ(unpadded(changed), at < 16 - size ? std::optional(16 - size) : std::nullopt) << size << " " << at;
    }
  }
}

}  // namespace
}  // namespace limpid::crypto
