// Ed25519 against libsodium, whose judgement of hostile signatures is ours, and against OpenSSL on honest ones.
#include "limpid/crypto/ed25519.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <memory>

#include "limpid/crypto/scalar25519.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/random.hpp"
#include "tests/support/small_order.hpp"

namespace limpid::crypto::ed25519 {
namespace {

using test::from_hex;
using test::to_hex;
using Encoded = std::array<Byte, 32>;
using Signature = std::array<Byte, 64>;

Encoded to_encoded(Bytes bytes) {
  Encoded result{};
  copy(bytes.first(32), result);
  return result;
}

Signature signature_of(Bytes r, Bytes s) {
  Signature signature;
  copy(r, MutableBytes(signature).first(32));
  copy(s, MutableBytes(signature).last(32));
  return signature;
}

// The verdict of libsodium, which ours must be.
bool verdict(const Encoded& key, Bytes message, const Signature& signature) {
  const bool good =
      crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(), key.data()) == 0;
  EXPECT_EQ(verify(key, message, signature), good) << to_hex(key) << ' ' << to_hex(signature);
  return good;
}

TEST(Ed25519, KeysAndSignaturesAreThoseOfLibsodiumAndOpenSsl) {
  test::Random random(1);
  for (std::size_t i = 0; i < 600; ++i) {
    const Encoded seed = to_encoded(random.bytes(32));
    const auto message = random.bytes(i % 300);
    Encoded key, expected_key;
    std::array<Byte, 64> secret_key;
    crypto_sign_ed25519_seed_keypair(expected_key.data(), secret_key.data(), seed.data());
    derive_public_key(seed, key);
    ASSERT_EQ(to_hex(key), to_hex(expected_key));

    Signature signature, expected;
    crypto_sign_ed25519_detached(expected.data(), nullptr, message.data(), message.size(), secret_key.data());
    sign(seed, key, message, signature);
    ASSERT_EQ(to_hex(signature), to_hex(expected));
    ASSERT_TRUE(verdict(key, message, signature));

    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> other(
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), 32), EVP_PKEY_free);
    const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    std::size_t size = 32;
    Encoded other_key;
    EVP_PKEY_get_raw_public_key(other.get(), other_key.data(), &size);
    ASSERT_EQ(to_hex(key), to_hex(other_key));
    EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, other.get());
    ASSERT_EQ(EVP_DigestVerify(context.get(), signature.data(), 64, message.data(), message.size()), 1);
  }
}

TEST(Ed25519, WhatIsChangedIsRefused) {
  test::Random random(2);
  for (std::size_t i = 0; i < 200; ++i) {
    const Encoded seed = to_encoded(random.bytes(32));
    auto message = random.bytes(i + 1);
    Encoded key;
    Signature signature;
    derive_public_key(seed, key);
    sign(seed, key, message, signature);
    const auto flip = [&](MutableBytes bytes) {
      bytes[random.below(bytes.size())] ^= static_cast<Byte>(1 << random.below(8));
    };
    for (int j = 0; j < 3; ++j) {
      Signature changed = signature;
      flip(changed);
      EXPECT_FALSE(verdict(key, message, changed));
    }
    Encoded other_key = key;
    flip(other_key);
    EXPECT_FALSE(verdict(other_key, message, signature));
    flip(message);
    EXPECT_FALSE(verdict(key, message, signature));
  }
}

TEST(Ed25519, SignaturesOfAnotherLengthAreRefused) {
  const Encoded seed{1};
  Encoded key;
  std::array<Byte, 65> longer{};
  derive_public_key(seed, key);
  sign(seed, key, {}, std::span(longer).first<64>());
  EXPECT_TRUE(verify(key, {}, Bytes(longer).first(64)));
  EXPECT_FALSE(verify(key, {}, longer));
  for (std::size_t size = 0; size < 64; ++size) EXPECT_FALSE(verify(key, {}, Bytes(longer).first(size)));
}

// The same S with multiples of L added to it, as far as 32 bytes reach, and numbers around L.
TEST(Ed25519, SIsBelowTheOrder) {
  test::Random random(3);
  const Encoded seed = to_encoded(random.bytes(32));
  Encoded key;
  Signature signature;
  derive_public_key(seed, key);
  sign(seed, key, {}, signature);
  auto s = from_little_endian<4>(Bytes(signature).last<32>());
  int above = 0;
  while (add(s, s, scalar25519::order) == 0) {
    to_little_endian(s, std::span(signature).last<32>());
    EXPECT_FALSE(verdict(key, {}, signature)) << above;
    ++above;
  }
  EXPECT_EQ(above, 15);
  for (int i = -3; i <= 3; ++i) {
    Limbs<4> number = scalar25519::order;
    number[0] += static_cast<Limb>(static_cast<std::int64_t>(i));
    to_little_endian(number, std::span(signature).last<32>());
    EXPECT_FALSE(verdict(key, {}, signature));
  }
}

const std::vector<Encoded>& small_order() {
  static const auto list = [] {
    std::vector<Encoded> points;
    for (const std::string_view hex : test::small_order_encodings) points.push_back(to_encoded(from_hex(hex)));
    return points;
  }();
  return list;
}
constexpr std::size_t points_of_small_order = test::small_order_points.size();

Encoded sum(const Encoded& a, const Encoded& b) {
  Encoded result{};
  EXPECT_EQ(crypto_core_ed25519_add(result.data(), a.data(), b.data()), 0);
  return result;
}

// Keys and R of small order, not canonical, or of large order with a part of small order, with an S that would be right
// but for those parts. Some of the last kind fit, since the equation has no cofactor in it.
TEST(Ed25519, HostileKeysAndRAreJudgedAsByLibsodium) {
  test::Random random(4);
  const auto secret = scalar25519::clamped(to_encoded(random.bytes(32)));
  const auto a = scalar25519::multiply_add(secret, Limbs<4>::from_word(1), {});
  Encoded a_bytes, base_multiple;
  to_little_endian(a, std::span(a_bytes));
  ASSERT_EQ(crypto_scalarmult_ed25519_base_noclamp(base_multiple.data(), a_bytes.data()), 0);
  std::vector<Encoded> keys = small_order();
  for (std::size_t i = 0; i < points_of_small_order; ++i) keys.push_back(sum(base_multiple, small_order()[i]));

  int good = 0, bad = 0;
  for (std::size_t k = 0; k < keys.size(); ++k) {
    const Encoded& key = keys[k];
    const Limbs<4> key_scalar = k < small_order().size() ? Limbs<4>{} : a;
    for (int message_number = 0; message_number < 12; ++message_number) {
      const std::vector<Byte> message(1, static_cast<Byte>(message_number));
      // r B plus each of small order, and those alone with r = 0.
      const Encoded r_bytes = [&] {
        Encoded bytes;
        to_little_endian(scalar25519::clamped(to_encoded(random.bytes(32))), std::span(bytes));
        return bytes;
      }();
      const auto r = scalar25519::multiply_add(from_little_endian<4>(r_bytes), Limbs<4>::from_word(1), {});
      Encoded reduced_r, r_point;
      to_little_endian(r, std::span(reduced_r));
      ASSERT_EQ(crypto_scalarmult_ed25519_base_noclamp(r_point.data(), reduced_r.data()), 0);
      std::vector<std::pair<Limbs<4>, Encoded>> nonces;
      for (std::size_t i = 0; i < points_of_small_order; ++i) nonces.emplace_back(r, sum(r_point, small_order()[i]));
      for (const Encoded& point : small_order()) nonces.emplace_back(Limbs<4>{}, point);
      for (const auto& [nonce, point] : nonces) {
        std::array<Byte, 64> digest;
        crypto_hash_sha512_state hash;
        crypto_hash_sha512_init(&hash);
        crypto_hash_sha512_update(&hash, point.data(), 32);
        crypto_hash_sha512_update(&hash, key.data(), 32);
        crypto_hash_sha512_update(&hash, message.data(), message.size());
        crypto_hash_sha512_final(&hash, digest.data());
        const auto h = scalar25519::reduce(from_little_endian<8>(digest));
        Encoded s;
        to_little_endian(scalar25519::multiply_add(h, key_scalar, nonce), std::span(s));
        ++(verdict(key, message, signature_of(point, s)) ? good : bad);
      }
    }
  }
  EXPECT_GT(good, 50);
  EXPECT_GT(bad, 1'000);
}

// R and keys that are no points at all, or not reduced.
TEST(Ed25519, WhatDoesNotDecodeIsRefused) {
  test::Random random(5);
  const Encoded seed = to_encoded(random.bytes(32));
  Encoded key;
  Signature signature;
  derive_public_key(seed, key);
  sign(seed, key, {}, signature);
  for (int i = 0; i < 300; ++i) {
    EXPECT_FALSE(verdict(to_encoded(random.bytes(32)), {}, signature));
    EXPECT_FALSE(verdict(key, {}, signature_of(random.bytes(32), Bytes(signature).last(32))));
  }
  // All encodings with y from p to 2^255 - 1.
  for (int low = 0xed; low <= 0xff; ++low) {
    Encoded unreduced;
    unreduced.fill(0xff);
    unreduced[0] = static_cast<Byte>(low);
    for (const Byte top : {Byte{0x7f}, Byte{0xff}}) {
      unreduced[31] = top;
      EXPECT_FALSE(verdict(unreduced, {}, signature));
      EXPECT_FALSE(verdict(key, {}, signature_of(unreduced, Bytes(signature).last(32))));
    }
  }
}

}  // namespace
}  // namespace limpid::crypto::ed25519
