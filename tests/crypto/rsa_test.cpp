// RSA signatures beside OpenSSL's, with keys of every shape from GMP's primes, and Wycheproof's vectors.
#include "limpid/crypto/rsa.hpp"

#include <gmp.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "limpid/crypto/rsa_encoding.hpp"
#include "tests/support/cpu.hpp"
#include "tests/support/rsa_keys.hpp"
#include "tests/support/wycheproof.hpp"

namespace limpid::crypto {
namespace {

using test::best_cpu;
using test::to_hex;
namespace wycheproof = test::wycheproof;
using Kind = SignatureAlgorithm::Kind;
using Octets = std::vector<Byte>;

constexpr std::array<Byte, 32> no_hedge{};
constexpr HashAlgorithm hashes[] = {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512};

struct Integer {
  mpz_t value;
  Integer() { mpz_init(value); }
  explicit Integer(Bytes bytes) : Integer() { mpz_import(value, bytes.size(), 1, 1, 0, 0, bytes.data()); }
  Integer(const Integer& other) : Integer() { mpz_set(value, other.value); }
  Integer& operator=(const Integer& other) {
    mpz_set(value, other.value);
    return *this;
  }
  ~Integer() { mpz_clear(value); }
  Octets octets() const {
    Octets bytes((mpz_sizeinbase(value, 2) + 7) / 8);
    mpz_export(bytes.data(), nullptr, 1, 1, 0, 0, value);
    return bytes;
  }
  std::size_t bits() const { return mpz_sizeinbase(value, 2); }
};

// All numbers of a key, each of which may be spoilt.
struct Numbers {
  Octets n, e, d, p, q, dp, dq, qinv;

  static Numbers of(const Integer& p, const Integer& q, unsigned long e = 65537) {
    Integer n, exponent, phi, less_p, less_q, d, dp, dq, qinv;
    mpz_set_ui(exponent.value, e);
    mpz_mul(n.value, p.value, q.value);
    mpz_sub_ui(less_p.value, p.value, 1);
    mpz_sub_ui(less_q.value, q.value, 1);
    mpz_lcm(phi.value, less_p.value, less_q.value);
    EXPECT_NE(mpz_invert(d.value, exponent.value, phi.value), 0);
    mpz_mod(dp.value, d.value, less_p.value);
    mpz_mod(dq.value, d.value, less_q.value);
    mpz_invert(qinv.value, q.value, p.value);
    return {n.octets(), exponent.octets(), d.octets(), p.octets(), q.octets(), dp.octets(), dq.octets(), qinv.octets()};
  }
  // A modulus of exactly so many bits.
  static Numbers random(std::size_t bits, unsigned long e = 65537) {
    gmp_randstate_t state;
    gmp_randinit_mt(state);
    gmp_randseed_ui(state, bits + e);
    Integer p, q, n, gcd;
    const auto prime = [&](Integer& to, std::size_t length) {
      do {
        mpz_urandomb(to.value, state, length);
        mpz_setbit(to.value, length - 1);
        mpz_nextprime(to.value, to.value);
        mpz_sub_ui(gcd.value, to.value, 1);
      } while (mpz_gcd_ui(nullptr, gcd.value, e) != 1 || to.bits() != length);
    };
    do {
      prime(p, (bits + 1) / 2);
      prime(q, (bits + 1) / 2);
      mpz_mul(n.value, p.value, q.value);
    } while (n.bits() != bits);
    gmp_randclear(state);
    return of(p, q, e);
  }
  RsaPrivateNumbers view() const { return {n, e, d, p, q, dp, dq, qinv}; }
};

const Numbers& numbers_2048() {
  static const Numbers numbers = Numbers::random(2048);
  return numbers;
}
PrivateKey key_2048(KeyType type = KeyType::rsa) { return *PrivateKey::rsa(type, numbers_2048().view()); }

class OpenSslKey {
 public:
  explicit OpenSslKey(const RsaPrivateNumbers& numbers) {
    OSSL_PARAM_BLD* build = OSSL_PARAM_BLD_new();
    std::vector<BIGNUM*> kept;
    const auto push = [&](const char* name, Bytes number) {
      kept.push_back(BN_bin2bn(number.data(), static_cast<int>(number.size()), nullptr));
      OSSL_PARAM_BLD_push_BN(build, name, kept.back());
    };
    push(OSSL_PKEY_PARAM_RSA_N, numbers.n);
    push(OSSL_PKEY_PARAM_RSA_E, numbers.e);
    push(OSSL_PKEY_PARAM_RSA_D, numbers.d);
    push(OSSL_PKEY_PARAM_RSA_FACTOR1, numbers.p);
    push(OSSL_PKEY_PARAM_RSA_FACTOR2, numbers.q);
    push(OSSL_PKEY_PARAM_RSA_EXPONENT1, numbers.dp);
    push(OSSL_PKEY_PARAM_RSA_EXPONENT2, numbers.dq);
    push(OSSL_PKEY_PARAM_RSA_COEFFICIENT1, numbers.qinv);
    OSSL_PARAM* parameters = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
    EVP_PKEY* made = nullptr;
    EVP_PKEY_fromdata_init(context);
    EXPECT_EQ(EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, parameters), 1);
    key_.reset(made);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(build);
    for (BIGNUM* number : kept) BN_free(number);
  }
  Octets sign(SignatureAlgorithm algorithm, Bytes message) const {
    const Context context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    EVP_DigestSignInit(context.get(), &options, digest(algorithm.hash), nullptr, key_.get());
    set(options, algorithm);
    std::size_t size = 1024;
    Octets signature(size);
    EXPECT_EQ(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()), 1);
    signature.resize(size);
    return signature;
  }
  bool verify(SignatureAlgorithm algorithm, Bytes message, Bytes signature) const {
    const Context context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* options = nullptr;
    EVP_DigestVerifyInit(context.get(), &options, digest(algorithm.hash), nullptr, key_.get());
    set(options, algorithm);
    return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
  }

 private:
  using Context = std::unique_ptr<EVP_MD_CTX, decltype([](EVP_MD_CTX* c) { EVP_MD_CTX_free(c); })>;
  static const EVP_MD* digest(HashAlgorithm hash) {
    if (hash == HashAlgorithm::sha256) return EVP_sha256();
    return hash == HashAlgorithm::sha384 ? EVP_sha384() : EVP_sha512();
  }
  static void set(EVP_PKEY_CTX* options, SignatureAlgorithm algorithm) {
    if (algorithm.kind != Kind::rsa_pss) return;
    EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST);
  }
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_{nullptr, EVP_PKEY_free};
};

void expect_to_agree_with_openssl(const RsaPrivateNumbers& numbers, std::span<const HashAlgorithm> with = hashes) {
  const auto key = PrivateKey::rsa(KeyType::rsa, numbers);
  ASSERT_TRUE(key);
  const OpenSslKey openssl(numbers);
  Octets message(1);
  for (const Kind kind : {Kind::rsa_pss, Kind::rsa_pkcs1}) {
    for (const HashAlgorithm hash : with) {
      const SignatureAlgorithm algorithm{kind, hash};
      message.push_back(static_cast<Byte>(message.size()));
      const Signature made = key->sign(algorithm, message, no_hedge, best_cpu());
      ASSERT_EQ(made.size, numbers.n.size());
      EXPECT_TRUE(openssl.verify(algorithm, message, made.bytes()));
      const Octets theirs = openssl.sign(algorithm, message);
      EXPECT_EQ(to_hex(key->sign(algorithm, message, no_hedge, portable_cpu).bytes()), to_hex(made.bytes()));
      EXPECT_TRUE(verify(key->public_key(), algorithm, message, made.bytes(), best_cpu()));
      EXPECT_TRUE(verify(key->public_key(), algorithm, message, theirs, best_cpu()));
      EXPECT_FALSE(verify(key->public_key(), algorithm, as_bytes("other"), theirs, best_cpu()));
      if (kind == Kind::rsa_pkcs1) {
        EXPECT_EQ(to_hex(theirs), to_hex(made.bytes()));
      }
    }
  }
}

// Moduli that fill their limbs and bytes and such as do not, from one width to the next.
TEST(Rsa, KeysOfEverySizeAgreeWithOpenSsl) {
  for (const std::size_t bits : {2048, 2049, 2050, 2055, 2056, 2111, 2496, 3071, 3072, 3073}) {
    SCOPED_TRACE(bits);
    const Numbers numbers = Numbers::random(bits);
    expect_to_agree_with_openssl(numbers.view(), std::span(hashes).subspan(bits % 3, 1));
  }
}

TEST(Rsa, OfTheLargestSizeAgreesWithOpenSsl) {
  const Numbers numbers = Numbers::of(Integer(Bytes(test::rsa_keys::p4096)), Integer(Bytes(test::rsa_keys::q4096)));
  ASSERT_EQ(numbers.n.size(), 1024u);
  expect_to_agree_with_openssl(numbers.view(), std::span(hashes).first(1));
}

TEST(Rsa, EveryExponentAllowedAgreesWithOpenSsl) {
  for (const unsigned long e : {65539ul, 0xfffffffful, 0x100000001ul, 0x1fffffffful}) {
    expect_to_agree_with_openssl(Numbers::random(2048, e).view(), std::span(hashes).first(1));
  }
}

TEST(Rsa, PrimesInEitherOrder) {
  const Numbers& a = numbers_2048();
  expect_to_agree_with_openssl(Numbers::of(Integer(a.q), Integer(a.p)).view());
}

TEST(Rsa, ManyMessages) {
  const PrivateKey key = key_2048();
  const OpenSslKey openssl(numbers_2048().view());
  for (std::uint8_t i = 0; i < 40; ++i) {
    const SignatureAlgorithm algorithm{i % 4 == 0 ? Kind::rsa_pkcs1 : Kind::rsa_pss, hashes[i % 3]};
    const Octets message(i, i);
    std::array<Byte, 32> hedge{i};
    const Signature signature = key.sign(algorithm, message, hedge, best_cpu());
    ASSERT_TRUE(openssl.verify(algorithm, message, signature.bytes()));
  }
}

// --- what verifies ---

TEST(Rsa, WhatIsNotTheSignatureIsRefused) {
  const PrivateKey key = key_2048();
  for (const Kind kind : {Kind::rsa_pss, Kind::rsa_pkcs1}) {
    const SignatureAlgorithm algorithm{kind, HashAlgorithm::sha256};
    const auto good = [&](Bytes signature) {
      return verify(key.public_key(), algorithm, as_bytes("m"), signature, best_cpu());
    };
    Signature signature = key.sign(algorithm, as_bytes("m"), no_hedge, best_cpu());
    EXPECT_TRUE(good(signature.bytes()));
    for (std::size_t bit = 0; bit < 2048; bit += 7) {
      signature.storage[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
      EXPECT_FALSE(good(signature.bytes())) << bit;
      signature.storage[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    }
    for (std::size_t n = 0; n < 256; ++n) EXPECT_FALSE(good(signature.bytes().first(n)));
    Octets longer(signature.bytes().begin(), signature.bytes().end());
    longer.insert(longer.begin(), 0);
    EXPECT_FALSE(good(longer));
    longer.erase(longer.begin());
    longer.push_back(0);
    EXPECT_FALSE(good(longer));
    EXPECT_FALSE(good(Octets(256)));
    EXPECT_FALSE(good(Octets(256, 0xff)));
    for (const HashAlgorithm other : {HashAlgorithm::sha384, HashAlgorithm::sha512}) {
      EXPECT_FALSE(verify(key.public_key(), {kind, other}, as_bytes("m"), signature.bytes(), best_cpu()));
    }
    const Kind other = kind == Kind::rsa_pss ? Kind::rsa_pkcs1 : Kind::rsa_pss;
    EXPECT_FALSE(verify(key.public_key(), {other, algorithm.hash}, as_bytes("m"), signature.bytes(), best_cpu()));
  }
}

// The same residue, but not below the modulus. A modulus of which two fit into as many bytes, almost: 2041 bits of 2048
// are not allowed, so one of 2049 in 257 bytes.
TEST(Rsa, ASignatureThatIsNotBelowTheModulusIsRefused) {
  const Numbers numbers = Numbers::random(2049);
  const auto key = PrivateKey::rsa(KeyType::rsa, numbers.view());
  const SignatureAlgorithm algorithm{Kind::rsa_pkcs1, HashAlgorithm::sha256};
  const Signature signature = key->sign(algorithm, {}, no_hedge, best_cpu());
  Integer sum(signature.bytes());
  for (int i = 0; i < 3; ++i) {
    mpz_add(sum.value, sum.value, Integer(numbers.n).value);
    const Octets more = sum.octets();
    ASSERT_EQ(more.size(), 257u);
    EXPECT_FALSE(verify(key->public_key(), algorithm, {}, more, best_cpu()));
  }
  EXPECT_TRUE(verify(key->public_key(), algorithm, {}, signature.bytes(), best_cpu()));
}

TEST(RsaEncoding, EveryByteOfPssCounts) {
  for (const std::size_t bits : {2048, 2049, 2050, 2051, 2056, 2057}) {
    for (const HashAlgorithm hash : hashes) {
      const Octets digest(digest_size(hash), 3), salt(digest_size(hash), 9);
      Octets encoded((bits + 7) / 8);
      rsa::encode_pss(hash, digest, salt, bits, encoded, best_cpu());
      const auto good = [&](Octets copy) { return rsa::verify_pss(hash, digest, bits, copy, best_cpu()); };
      EXPECT_TRUE(good(encoded));
      // Below 2^emBits.
      EXPECT_LE(Integer(encoded).bits(), bits - 1);
      for (std::size_t at = 0; at < encoded.size(); ++at) {
        for (const Byte change : {Byte{0x01}, Byte{0x80}}) {
          Octets changed = encoded;
          changed[at] ^= change;
          EXPECT_FALSE(good(changed)) << bits << ": " << at;
        }
      }
    }
  }
}

// What is inside the mask: padding that is not zero, another separator, a longer and a shorter salt.
TEST(RsaEncoding, ThePaddingOfPssIsChecked) {
  const HashAlgorithm hash = HashAlgorithm::sha256;
  const Octets digest(32, 3), salt(32, 9), other_salt(32, 0);
  Octets one(256), zero(256);
  rsa::encode_pss(hash, digest, salt, 2048, one, best_cpu());
  // DB is masked with MGF1(H) and ends with 1, salt: changing the masked DB changes the DB alike.
  for (std::size_t at = 0; at < 256 - 33; ++at) {
    Octets changed = one;
    changed[at] ^= 0x02;
    EXPECT_FALSE(rsa::verify_pss(hash, digest, 2048, changed, best_cpu())) << at;
  }
  // A salt of another length under a right hash.
  for (const std::size_t size : {0, 31, 33, 64}) {
    Octets encoded(256);
    rsa::encode_pss(hash, digest, Octets(size, 9), 2048, encoded, best_cpu());
    EXPECT_FALSE(rsa::verify_pss(hash, digest, 2048, encoded, best_cpu())) << size;
  }
}

TEST(RsaEncoding, Pkcs1IsTheOneOfTheStandard) {
  Octets encoded(256);
  rsa::encode_pkcs1(HashAlgorithm::sha256, Octets(32, 0xaa), encoded);
  EXPECT_EQ(to_hex(encoded),
            "0001" + to_hex(Octets(202, 0xff)) + "003031300d060960864801650304020105000420" + to_hex(Octets(32, 0xaa)));
}

// --- keys ---

TEST(RsaPrivateKey, EveryWrongNumberIsRefused) {
  const Numbers& good = numbers_2048();
  ASSERT_TRUE(PrivateKey::rsa(KeyType::rsa, good.view()));
  Octets Numbers::* const fields[] = {&Numbers::n,  &Numbers::d,  &Numbers::p,   &Numbers::q,
                                      &Numbers::dp, &Numbers::dq, &Numbers::qinv};
  for (Octets Numbers::* field : fields) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{64}, (good.*field).size() - 1}) {
      Numbers bad = good;
      (bad.*field)[at] ^= 0x04;
      EXPECT_FALSE(PrivateKey::rsa(KeyType::rsa, bad.view()));
    }
    Numbers bad = good;
    (bad.*field).clear();
    EXPECT_FALSE(PrivateKey::rsa(KeyType::rsa, bad.view()));
    bad = good;
    (bad.*field).insert((bad.*field).begin(), 1);
    EXPECT_FALSE(PrivateKey::rsa(KeyType::rsa, bad.view()));
  }
  Numbers bad = good;
  bad.e = {1, 0, 3};
  EXPECT_FALSE(PrivateKey::rsa(KeyType::rsa, bad.view()));
  bad = good;
  std::swap(bad.p, bad.q);
  std::swap(bad.dp, bad.dq);
  EXPECT_FALSE(PrivateKey::rsa(KeyType::rsa, bad.view()));  // qinv is that of the other order
  EXPECT_FALSE(PrivateKey::rsa(KeyType::p256, good.view()));
}

// Each is right modulo what it is for, but not reduced. Of a key whose primes leave room for that in their bytes.
TEST(RsaPrivateKey, NumbersThatAreNotReducedAreRefused) {
  const Numbers good = Numbers::random(2050);
  ASSERT_TRUE(PrivateKey::rsa(KeyType::rsa, good.view()));
  const auto raised = [](const Octets& number, const Octets& prime, unsigned long less) {
    Integer sum(number), by(prime);
    mpz_sub_ui(by.value, by.value, less);
    mpz_add(sum.value, sum.value, by.value);
    return sum.octets();
  };
  Numbers bad = good;
  bad.dp = raised(good.dp, good.p, 1);
  EXPECT_FALSE(PrivateKey::rsa(KeyType::rsa, bad.view()));
  bad = good;
  bad.dq = raised(good.dq, good.q, 1);
  EXPECT_FALSE(PrivateKey::rsa(KeyType::rsa, bad.view()));
  bad = good;
  bad.qinv = raised(good.qinv, good.p, 0);
  EXPECT_FALSE(PrivateKey::rsa(KeyType::rsa, bad.view()));
}

TEST(RsaPrivateKey, LeadingZerosDoNotMatter) {
  Numbers padded = numbers_2048();
  for (Octets* field : {&padded.n, &padded.e, &padded.d, &padded.p, &padded.q, &padded.dp, &padded.dq, &padded.qinv}) {
    field->insert(field->begin(), 3, 0);
  }
  const auto key = PrivateKey::rsa(KeyType::rsa_pss, padded.view());
  ASSERT_TRUE(key);
  EXPECT_EQ(key->type(), KeyType::rsa_pss);
  const RsaPrivateNumbers kept = key->rsa_numbers(), good = numbers_2048().view();
  EXPECT_EQ(kept.n, good.n);
  EXPECT_EQ(kept.e, good.e);
  EXPECT_EQ(kept.p, good.p);
  EXPECT_EQ(kept.q, good.q);
  EXPECT_EQ(kept.dp, good.dp);
  EXPECT_EQ(kept.dq, good.dq);
  EXPECT_EQ(kept.qinv, good.qinv);
  EXPECT_TRUE(PrivateKey::rsa(KeyType::rsa_pss, kept));
}

// A modulus of 2048 bits, and one of 2050 with a prime one bit longer than half of it, which its bytes have room for.
TEST(RsaPrivateKey, PrimesOfUnequalLengthAreRefused) {
  gmp_randstate_t state;
  gmp_randinit_mt(state);
  const auto prime = [&](std::size_t bits, std::initializer_list<std::size_t> set) {
    Integer number;
    mpz_urandomb(number.value, state, bits);
    for (const std::size_t bit : set) mpz_setbit(number.value, bit);
    mpz_nextprime(number.value, number.value);
    return number;
  };
  const auto refused = [](const Integer& p, const Integer& q, std::size_t bits) {
    const Numbers numbers = Numbers::of(p, q);
    EXPECT_EQ(Integer(numbers.n).bits(), bits);
    EXPECT_FALSE(PrivateKey::rsa(KeyType::rsa, numbers.view())) << bits;
  };
  refused(prime(1025, {1025}), prime(1020, {1021, 1020}), 2048);
  const Integer longer = prime(1024, {1025}), shorter = prime(1023, {1024});
  refused(longer, shorter, 2050);
  refused(shorter, longer, 2050);
  gmp_randclear(state);
}

// Everything fits, but a factor is composite: the trial signature does not verify.
TEST(RsaPrivateKey, AFactorThatIsNotPrimeIsRefused) {
  const Numbers& good = numbers_2048();
  Integer composite(good.p);
  do {
    mpz_add_ui(composite.value, composite.value, 2);
  } while (mpz_probab_prime_p(composite.value, 5) != 0 || [&] {
    Integer less;
    mpz_sub_ui(less.value, composite.value, 1);
    return mpz_gcd_ui(nullptr, less.value, 65537) != 1;
  }());
  EXPECT_FALSE(PrivateKey::rsa(KeyType::rsa, Numbers::of(composite, Integer(good.q)).view()));
}

TEST(RsaPrivateKey, ACopySignsAlike) {
  const PrivateKey key = key_2048();
  const PrivateKey copied = key.copy();
  const auto scheme = SignatureScheme::rsa_pss_rsae_sha256;
  EXPECT_EQ(to_hex(copied.sign(scheme, {}, no_hedge, best_cpu()).bytes()),
            to_hex(key.sign(scheme, {}, no_hedge, best_cpu()).bytes()));
  EXPECT_TRUE(copied.secret_bytes().empty());
}

TEST(RsaPrivateKey, SchemesOfTheKeySignAndOthersDoNot) {
  for (const KeyType type : {KeyType::rsa, KeyType::rsa_pss}) {
    const PrivateKey key = key_2048(type);
    for (int code = 0; code < 0x0c00; ++code) {
      const auto scheme = static_cast<SignatureScheme>(code);
      const bool own = type == KeyType::rsa ? code >= 0x0804 && code <= 0x0806 : code >= 0x0809 && code <= 0x080b;
      if (!own && !algorithm_of(scheme)) continue;
      const Signature signature = key.sign(scheme, as_bytes("m"), no_hedge, best_cpu());
      EXPECT_EQ(signature.size, own ? 256 : 0) << code;
      EXPECT_EQ(verify(key.public_key(), scheme, as_bytes("m"), signature.bytes(), best_cpu()), own) << code;
    }
    const SignatureAlgorithm pkcs1{Kind::rsa_pkcs1, HashAlgorithm::sha256};
    EXPECT_EQ(key.sign(pkcs1, {}, no_hedge, best_cpu()).size, type == KeyType::rsa ? 256 : 0);
    EXPECT_EQ(key.sign({Kind::ecdsa, HashAlgorithm::sha256}, {}, no_hedge, best_cpu()).size, 0);
  }
  const Signature pkcs1 = key_2048().sign({Kind::rsa_pkcs1, HashAlgorithm::sha256}, {}, no_hedge, best_cpu());
  EXPECT_FALSE(verify(key_2048(KeyType::rsa_pss).public_key(), {Kind::rsa_pkcs1, HashAlgorithm::sha256}, {},
                      pkcs1.bytes(), best_cpu()));
}

// RFC 4055, section 3.1: parameters in a key "MUST be used to restrict the hash algorithm".
TEST(RsaPublicKey, OnceRestrictedVerifiesWithOneHashOnly) {
  const PrivateKey key = key_2048(KeyType::rsa_pss);
  const PublicKey restricted = key.public_key().restricted_to(HashAlgorithm::sha384);
  EXPECT_EQ(key.public_key().only_hash(), std::nullopt);
  EXPECT_EQ(restricted.only_hash(), HashAlgorithm::sha384);
  EXPECT_EQ(restricted, key.public_key()) << "the same key";
  for (const SignatureScheme scheme : schemes_of(KeyType::rsa_pss)) {
    const Signature signature = key.sign(scheme, as_bytes("m"), no_hedge, best_cpu());
    const bool allowed = scheme == SignatureScheme::rsa_pss_pss_sha384;
    EXPECT_TRUE(verify(key.public_key(), scheme, as_bytes("m"), signature.bytes(), best_cpu()));
    EXPECT_EQ(verify(restricted, scheme, as_bytes("m"), signature.bytes(), best_cpu()), allowed);
    EXPECT_EQ(verify(restricted, *algorithm_of(scheme), as_bytes("m"), signature.bytes(), best_cpu()), allowed);
  }
  Budget budget(1 << 14);
  Buffer bytes(budget);
  Writer out(bytes);
  encode(out, Instant{0}, restricted);
  Reader in({bytes.data(), bytes.size()});
  PublicKey loaded;
  ASSERT_TRUE(decode(in, LoadContext{Instant{0}, budget}, loaded) && in.finished());
  EXPECT_EQ(loaded, restricted);
  EXPECT_EQ(loaded.only_hash(), HashAlgorithm::sha384);
}

TEST(RsaPrivateKey, TheSaltComesFromKeyMessageAndHedge) {
  const PrivateKey key = key_2048();
  const auto sign = [&](std::string_view message, Byte hedge) {
    return to_hex(
        key.sign(SignatureScheme::rsa_pss_rsae_sha256, as_bytes(message), std::array<Byte, 32>{hedge}, best_cpu())
            .bytes());
  };
  EXPECT_EQ(sign("a", 0), sign("a", 0));
  EXPECT_NE(sign("a", 0), sign("a", 1));
  EXPECT_NE(sign("a", 0), sign("b", 0));
}

// A bit that flips in any of the numbers, as a fault would: nothing is released.
TEST(Rsa, AWrongResultIsNotReleased) {
  const PublicKey key = key_2048().public_key();
  const Digest digest = hash(HashAlgorithm::sha256, {}, best_cpu());
  const SignatureAlgorithm algorithm{Kind::rsa_pss, HashAlgorithm::sha256};
  for (const CpuFeatures cpu : test::cpu_paths()) {
    for (int field = 0; field < 6; ++field) {
      Numbers numbers = numbers_2048();
      Octets* const spoilt[] = {&numbers.p, &numbers.q, &numbers.dp, &numbers.dq, &numbers.qinv, &numbers.d};
      spoilt[field]->at(60) ^= 0x10;
      std::array<Byte, 256> signature;
      signature.fill(1);
      const bool signed_all_the_same =
          rsa::sign(key, {numbers.d, numbers.p, numbers.q, numbers.dp, numbers.dq, numbers.qinv}, algorithm,
                    digest.bytes(), no_hedge, signature, cpu);
      EXPECT_EQ(signed_all_the_same, field == 5);  // d itself is not used, but for what is drawn
      EXPECT_EQ(signature == (std::array<Byte, 256>{}), field != 5);
    }
  }
}

TEST(RsaPublicKey, SizesAndExponentsAreBounded) {
  const Octets e{1, 0, 1};
  const auto odd = [](std::size_t bits) {
    Octets n((bits + 7) / 8, 0x55);
    n[0] = static_cast<Byte>(1 << (bits - 1) % 8);
    return n;
  };
  for (const KeyType type : {KeyType::rsa, KeyType::rsa_pss}) {
    for (const std::size_t bits : {2048, 2049, 4096, 8191, 8192})
      EXPECT_TRUE(PublicKey::rsa(type, odd(bits), e)) << bits;
    for (const std::size_t bits : {8, 1024, 2040, 2047, 8193, 8200, 16384}) {
      EXPECT_FALSE(PublicKey::rsa(type, odd(bits), e)) << bits;
    }
  }
  EXPECT_FALSE(PublicKey::rsa(KeyType::p256, odd(2048), e));
  Octets n = odd(2048);
  n.back() = 0x54;
  EXPECT_FALSE(PublicKey::rsa(KeyType::rsa, n, e));
  n = odd(2048);
  n.insert(n.begin(), 0);
  EXPECT_FALSE(PublicKey::rsa(KeyType::rsa, n, e));
  n.erase(n.begin());
  for (const Octets& good :
       {Octets{1, 0, 1}, Octets{1, 0, 3}, Octets{1, 0, 0, 0, 1}, Octets{1, 0xff, 0xff, 0xff, 0xff}}) {
    EXPECT_TRUE(PublicKey::rsa(KeyType::rsa, n, good));
    EXPECT_EQ(PublicKey::rsa(KeyType::rsa, n, good)->exponent(), Bytes(good));
  }
  for (const Octets& bad : {Octets{}, Octets{0}, Octets{1}, Octets{3}, Octets{0xff, 0xff}, Octets{1, 0, 0},
                            Octets{1, 0, 2}, Octets{0, 1, 0, 1}, Octets{2, 0, 0, 0, 1}, Octets{1, 0, 0, 0, 0, 1}}) {
    EXPECT_FALSE(PublicKey::rsa(KeyType::rsa, n, bad)) << to_hex(bad);
  }
  EXPECT_FALSE(PublicKey::rsa(KeyType::rsa, {}, e));
  EXPECT_FALSE(PublicKey::from_bytes(KeyType::rsa, n));
  EXPECT_EQ(PublicKey::rsa(KeyType::rsa, n, e)->modulus(), Bytes(n));
  EXPECT_TRUE(PublicKey::rsa(KeyType::rsa, n, e)->bytes().empty());
}

TEST(RsaPublicKey, IsSavedAndOnlyValidOnesAreLoaded) {
  const PublicKey key = key_2048().public_key();
  Budget budget(1 << 14);
  Buffer saved(budget);
  Writer out(saved);
  encode(out, Instant{0}, key);
  const auto loaded = [&] {
    Reader in({saved.data(), saved.size()});
    std::optional<PublicKey> again(std::in_place);
    if (!decode(in, LoadContext{Instant{0}, budget}, *again) || !in.finished()) again.reset();
    return again;
  };
  EXPECT_EQ(loaded(), key);
  saved.data()[3 + 255] ^= 1;  // even
  EXPECT_FALSE(loaded());
  saved.data()[3 + 255] ^= 1;
  saved.data()[0] = static_cast<Byte>(KeyType::ed25519);
  EXPECT_FALSE(loaded());
}

// --- vectors ---

std::optional<HashAlgorithm> hash_named(const std::string& name) {
  if (name == "SHA-256") return HashAlgorithm::sha256;
  if (name == "SHA-384") return HashAlgorithm::sha384;
  if (name == "SHA-512") return HashAlgorithm::sha512;
  return std::nullopt;
}

Octets integer(const nlohmann::json& hex) { return Integer(test::from_hex(hex.get<std::string>())).octets(); }

wycheproof::Outcome judge(const wycheproof::Case& c, Kind kind) {
  const auto hash = hash_named(c.text("sha"));
  if (!hash) return wycheproof::excluded("hashes other than SHA-256, SHA-384 and SHA-512");
  const auto& numbers = c.group.at(c.group.contains("publicKey") ? "publicKey" : "privateKey");
  const auto key = PublicKey::rsa(KeyType::rsa, integer(numbers.at("modulus")), integer(numbers.at("publicExponent")));
  if (!key) return wycheproof::excluded("a public exponent below 65537");
  const auto verified = [&](CpuFeatures cpu) {
    return verify(*key, {kind, *hash}, c.bytes("msg"), c.bytes("sig"), cpu);
  };
  if (c.valid()) {
    EXPECT_TRUE(verified(portable_cpu) == verified(best_cpu()));
  }
  if (kind == Kind::rsa_pss && (c.number("sLen") != digest_size(*hash) || c.text("mgfSha") != c.text("sha"))) {
    // Some that are invalid are so because their salt is as long as the digest, which is right here.
    if (c.valid()) {
      EXPECT_FALSE(verified(best_cpu()));
    }
    return wycheproof::excluded("salts or masks of another size or hash than the digest's, which are refused");
  }
  return wycheproof::judged(verified(best_cpu()));
}

class RsaVectors : public testing::TestWithParam<const char*> {};

TEST_P(RsaVectors, Wycheproof) {
  const std::string file = GetParam();
  wycheproof::for_each(
      file,
      [&](const wycheproof::Case& c) {
        return judge(c, file.find("pss") != file.npos ? Kind::rsa_pss : Kind::rsa_pkcs1);
      },
      // A DigestInfo without the NULL that RFC 8017, appendix A.2.4, has in it.
      [](const wycheproof::Case& c) { return !c.has_flag("MissingNull"); });
}

INSTANTIATE_TEST_SUITE_P(, RsaVectors,
                         testing::Values("rsa_signature_2048_sha256_test.json", "rsa_signature_2048_sha384_test.json",
                                         "rsa_signature_2048_sha512_test.json", "rsa_signature_3072_sha256_test.json",
                                         "rsa_signature_3072_sha384_test.json", "rsa_signature_3072_sha512_test.json",
                                         "rsa_signature_4096_sha256_test.json", "rsa_signature_4096_sha384_test.json",
                                         "rsa_signature_4096_sha512_test.json", "rsa_signature_8192_sha256_test.json",
                                         "rsa_signature_8192_sha384_test.json", "rsa_signature_8192_sha512_test.json",
                                         "rsa_pss_2048_sha256_mgf1_32_test.json",
                                         "rsa_pss_2048_sha384_mgf1_48_test.json",
                                         "rsa_pss_3072_sha256_mgf1_32_test.json",
                                         "rsa_pss_4096_sha256_mgf1_32_test.json",
                                         "rsa_pss_4096_sha384_mgf1_48_test.json",
                                         "rsa_pss_4096_sha512_mgf1_64_test.json", "rsa_pss_misc_test.json"),
                         [](const auto& tested) {
                           const std::string name = tested.param;
                           return name.substr(0, name.find("_test"));
                         });

// Files in which every salt has another length than the digest: valid, but not what TLS and our certificates have (RFC
// 8446, section 4.2.3: "The length of the Salt MUST be equal to the length of the output of the digest algorithm").
TEST(RsaPss, SaltsOfOtherLengthsAreRefused) {
  for (const char* file : {"rsa_pss_2048_sha256_mgf1_0_test.json", "rsa_pss_4096_sha512_mgf1_32_test.json"}) {
    std::ifstream in(std::string(LIMPID_SOURCE_DIR "/../shared/vectors/wycheproof/") + file);
    if (!in) GTEST_SKIP() << "../shared/vectors/wycheproof/" << file << " is absent";
    const nlohmann::json all = nlohmann::json::parse(in);
    for (const auto& group : all.at("testGroups")) {
      for (const auto& test : group.at("tests")) {
        EXPECT_EQ(judge({group, test}, Kind::rsa_pss).what, wycheproof::Outcome::excluded);
      }
    }
  }
}

// Private keys: what is signed is the vector's signature.
class RsaGenerationVectors : public testing::TestWithParam<const char*> {};

TEST_P(RsaGenerationVectors, Wycheproof) {
  std::map<std::string, std::optional<PrivateKey>> keys;
  wycheproof::for_each(
      GetParam(),
      [&](const wycheproof::Case& c) -> wycheproof::Outcome {
        const auto hash = hash_named(c.text("sha"));
        if (!hash) return wycheproof::excluded("hashes other than SHA-256, SHA-384 and SHA-512");
        if (c.group.at("privateKey").at("publicExponent") != "010001") {
          return wycheproof::excluded("a public exponent below 65537");
        }
        const Octets der = c.bytes("privateKeyPkcs8");
        auto& key = keys[to_hex(der)];
        if (!key) {
          const unsigned char* at = der.data();
          EVP_PKEY* parsed = d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size()));
          const auto number = [&](const char* name) {
            BIGNUM* value = nullptr;
            EXPECT_EQ(EVP_PKEY_get_bn_param(parsed, name, &value), 1);
            Octets bytes(static_cast<std::size_t>(BN_num_bytes(value)));
            BN_bn2bin(value, bytes.data());
            BN_free(value);
            return bytes;
          };
          key = PrivateKey::rsa(
              KeyType::rsa, Numbers{number("n"), number("e"), number("d"), number("rsa-factor1"), number("rsa-factor2"),
                                    number("rsa-exponent1"), number("rsa-exponent2"), number("rsa-coefficient1")}
                                .view());
          EVP_PKEY_free(parsed);
        }
        EXPECT_TRUE(key);
        if (!key) return wycheproof::judged(false);
        const SignatureAlgorithm algorithm{Kind::rsa_pkcs1, *hash};
        EXPECT_EQ(to_hex(key->sign(algorithm, c.bytes("msg"), no_hedge, best_cpu()).bytes()), c.text("sig"));
        return judge(c, Kind::rsa_pkcs1);
      },
      [](const wycheproof::Case&) { return true; });
}

INSTANTIATE_TEST_SUITE_P(, RsaGenerationVectors,
                         testing::Values("rsa_pkcs1_2048_sig_gen_test.json", "rsa_pkcs1_3072_sig_gen_test.json",
                                         "rsa_pkcs1_4096_sig_gen_test.json"),
                         [](const auto& tested) {
                           const std::string name = tested.param;
                           return name.substr(0, name.find("_sig"));
                         });

}  // namespace
}  // namespace limpid::crypto
