#include "limpid/crypto/aead.hpp"
#include "limpid/crypto/hkdf.hpp"
#include "limpid/crypto/key_agreement.hpp"
#include "limpid/crypto/keyed_hash.hpp"
#include "limpid/crypto/seal.hpp"
#include "limpid/crypto/signature.hpp"
#include "tests/bare_machine/hex.hpp"
#include "tests/bare_machine/report.hpp"
#include "tests/bare_machine/tests.hpp"
#include "tests/support/rsa_keys.hpp"

namespace limpid::bare_machine {
namespace {

using namespace crypto;

// FIPS 180-4's examples: the digests of "abc".
void test_hashes(CpuFeatures cpu, std::string_view path) {
  const Bytes abc = as_bytes("abc");
  answer("SHA-256", path, hash(HashAlgorithm::sha256, abc, cpu).bytes(),
         hex<"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad">);
  answer("SHA-384", path, hash(HashAlgorithm::sha384, abc, cpu).bytes(),
         hex<"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
             "8086072ba1e7cc2358baeca134c825a7">);
  answer("SHA-512", path, hash(HashAlgorithm::sha512, abc, cpu).bytes(),
         hex<"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
             "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f">);
}

// RFC 4231, test case 2, and RFC 5869, test case 1.
void test_derivation(CpuFeatures cpu, std::string_view path) {
  const auto tag = hmac(HashAlgorithm::sha256, as_bytes("Jefe"), as_bytes("what do ya want for nothing?"), cpu);
  answer("HMAC-SHA-256", path, tag.bytes(), hex<"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843">);
  const auto prk = hkdf_extract(HashAlgorithm::sha256, hex<"000102030405060708090a0b0c">,
                                hex<"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b">, cpu);
  std::array<Byte, 42> okm;
  hkdf_expand(HashAlgorithm::sha256, prk.bytes(), hex<"f0f1f2f3f4f5f6f7f8f9">, okm, cpu);
  answer("HKDF-SHA-256", path, okm,
         hex<"3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865">);
}

struct AeadCase {
  AeadAlgorithm algorithm;
  std::string_view name;
  Bytes key, nonce, aad, plaintext, sealed;
};

void test_aead(const AeadCase& test, CpuFeatures cpu, std::string_view path) {
  AeadKey key(test.algorithm, test.key, cpu);
  const AeadNonce nonce = test.nonce.first<aead_nonce_size>();
  std::array<Byte, 160> storage;
  const MutableBytes room = MutableBytes(storage).first(test.sealed.size());
  const bool sealed = key.seal(nonce, test.aad, test.plaintext, room, cpu);
  answer(test.name, path, sealed ? Bytes(room.last(16)) : Bytes(), test.sealed.last(16));
  answer(test.name, "the whole ciphertext", Bytes(room) == test.sealed);
  room[0] ^= 1;
  answer(test.name, "an altered one is refused", !key.open(nonce, test.aad, room, cpu));
  room[0] ^= 1;
  answer(test.name, "opens",
         key.open(nonce, test.aad, room, cpu) && Bytes(room.first(test.plaintext.size())) == test.plaintext);
}

// The GCM specification's test cases 4 and 16 (McGrew, Viega), and RFC 8439, section 2.8.2.
void test_aeads(CpuFeatures cpu, std::string_view path) {
  constexpr auto nonce = hex<"cafebabefacedbaddecaf888">;
  constexpr auto aad = hex<"feedfacedeadbeeffeedfacedeadbeefabaddad2">;
  constexpr auto plaintext =
      hex<"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
          "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39">;
  test_aead({AeadAlgorithm::aes_128_gcm, "AES-128-GCM", hex<"feffe9928665731c6d6a8f9467308308">, nonce, aad, plaintext,
             hex<"42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                 "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
                 "5bc94fbc3221a5db94fae95ae7121a47">},
            cpu, path);
  test_aead({AeadAlgorithm::aes_256_gcm, "AES-256-GCM",
             hex<"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308">, nonce, aad, plaintext,
             hex<"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                 "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                 "76fc6ece0f4e1768cddf8853bb2d551b">},
            cpu, path);
  test_aead({AeadAlgorithm::chacha20_poly1305, "ChaCha20-Poly1305",
             hex<"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f">, hex<"070000004041424344454647">,
             hex<"50515253c0c1c2c3c4c5c6c7">,
             as_bytes("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
                      "sunscreen would be it."),
             hex<"d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
                 "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
                 "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
                 "3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691">},
            cpu, path);
}

// A key pair out of a private value, the way a snapshot brings it back.
EphemeralKey loaded(NamedGroup group, Bytes private_value, CpuFeatures cpu) {
  Budget budget(0);
  std::array<Byte, 51> storage;
  Writer out(storage);
  out.u16(static_cast<std::uint16_t>(group));
  out.vector8([&] { out.bytes(private_value); });
  Reader in(out.written());
  EphemeralKey key;
  const LoadContext context{.now = {}, .budget = budget, .cpu = cpu};
  answer("the private value is accepted", "", decode(in, context, key));
  return key;
}

void test_agreement(NamedGroup group, std::string_view name, Bytes ours, Bytes our_public, Bytes theirs, Bytes shared,
                    CpuFeatures cpu, std::string_view path) {
  const EphemeralKey key = loaded(group, ours, cpu);
  answer(name, path, key.public_key(), our_public);
  const auto secret = key.agree(theirs, cpu);
  answer(name, "shared secret", secret ? Bytes(secret->bytes()) : Bytes(), shared);
  std::array<Byte, 97> invalid{};
  answer(name, "an invalid value is refused", !key.agree(Bytes(invalid).first(theirs.size()), cpu));
}

// RFC 7748, section 6.1, and RFC 5903, section 8.1.
void test_agreements(CpuFeatures cpu, std::string_view path) {
  test_agreement(NamedGroup::x25519, "X25519", hex<"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a">,
                 hex<"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a">,
                 hex<"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f">,
                 hex<"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742">, cpu, path);
  test_agreement(NamedGroup::secp256r1, "P-256",
                 hex<"c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433">,
                 hex<"04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
                     "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3">,
                 hex<"04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                     "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab">,
                 hex<"d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de">, cpu, path);
}

void test_signature(std::string_view name, KeyType type, Bytes private_bytes, Bytes public_bytes, Bytes message,
                    Bytes known, CpuFeatures cpu, std::string_view path) {
  const auto scheme = scheme_of(type);
  const auto key = PrivateKey::from_bytes(type, private_bytes);
  const auto public_key = PublicKey::from_bytes(type, public_bytes);
  if (!key || !public_key) return answer(name, "the key is accepted", false);
  answer(name, path, key->public_key().bytes(), public_bytes);
  answer(name, "the published signature verifies", verify(*public_key, scheme, message, known, cpu));
  const std::array<Byte, 32> hedge{7};
  const Signature made = key->sign(scheme, message, hedge, cpu);
  if (type == KeyType::ed25519) answer(name, "signs", made.bytes(), known);
  answer(name, "our signature verifies", verify(*public_key, scheme, message, made.bytes(), cpu));
  answer(name, "of another message it does not", !verify(*public_key, scheme, as_bytes("other"), made.bytes(), cpu));
}

// Loads, signs and verifies, with both paddings.
void test_rsa(CpuFeatures cpu, std::string_view path) {
  const auto key = PrivateKey::rsa(KeyType::rsa, test::rsa_2048());
  if (!key) return answer("RSA-2048", "the key is accepted", false);
  const std::array<Byte, 32> hedge{7};
  for (const auto kind : {SignatureAlgorithm::Kind::rsa_pss, SignatureAlgorithm::Kind::rsa_pkcs1}) {
    const SignatureAlgorithm algorithm{kind, HashAlgorithm::sha256};
    const Signature made = key->sign(algorithm, as_bytes("sample"), hedge, cpu);
    const Signature portable = key->sign(algorithm, as_bytes("sample"), hedge, portable_cpu);
    answer("RSA-2048", path, made.bytes(), portable.bytes());
    answer("RSA-2048", "our signature verifies",
           verify(key->public_key(), algorithm, as_bytes("sample"), made.bytes(), cpu));
    answer("RSA-2048", "of another message it does not",
           !verify(key->public_key(), algorithm, as_bytes("other"), made.bytes(), cpu));
  }
}

// RFC 6979, appendices A.2.5 and A.2.6 (in DER), and RFC 8032, section 7.1, test 3.
void test_signatures(CpuFeatures cpu, std::string_view path) {
  test_signature("ECDSA P-256", KeyType::p256, hex<"c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721">,
                 hex<"0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
                     "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299">,
                 as_bytes("sample"),
                 hex<"3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                     "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8">,
                 cpu, path);
  test_signature(
      "ECDSA P-384", KeyType::p384,
      hex<"6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5">,
      hex<"04ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13"
          "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720">,
      as_bytes("sample"),
      hex<"306602310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46"
          "02310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8">,
      cpu, path);
  test_rsa(cpu, path);
  test_signature("Ed25519", KeyType::ed25519, hex<"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7">,
                 hex<"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025">, hex<"af82">,
                 hex<"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a">,
                 cpu, path);
}

// The SipHash paper's appendix A, and sealing there and back.
void test_snapshot_helpers(CpuFeatures cpu, std::string_view path) {
  const HashTableKey key(hex<"000102030405060708090a0b0c0d0e0f">);
  answer("SipHash-2-4", path, keyed_hash(key, hex<"000102030405060708090a0b0c0d0e">) == 0xa129ca6149be45e5);
  Budget budget(1 << 16);
  const SealKey seal_key(hex<"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f">);
  const auto blob = seal(as_bytes("a state"), seal_key, SealId{1}, SealSalt{2}, budget, cpu);
  if (!blob) return answer("sealing", path, false);
  const auto opened = open({blob->data(), blob->size()}, seal_key, budget, cpu);
  answer("sealing and opening", path, opened && Bytes(opened->data(), opened->size()) == as_bytes("a state"));
}

// A record of the largest size, on this path and on the portable one.
void test_long_records(CpuFeatures cpu, std::string_view path) {
  Budget budget(1 << 17);
  Buffer plaintext(budget), sealed(budget), again(budget);
  if (!plaintext.resize(1 << 14) || !sealed.resize((1 << 14) + 16) || !again.resize((1 << 14) + 16)) {
    return answer("memory for records", path, false);
  }
  for (std::size_t i = 0; i < plaintext.size(); ++i) plaintext[i] = static_cast<Byte>(i * i >> 3);
  const std::array<Byte, 32> raw{1, 2, 3};
  const std::array<Byte, 12> nonce{4, 5, 6};
  const auto test = [&](AeadAlgorithm algorithm, std::string_view name) {
    const Bytes key = Bytes(raw).first(aead_key_size(algorithm));
    AeadKey ours(algorithm, key, cpu), portable(algorithm, key, portable_cpu);
    const Bytes text(plaintext.data(), plaintext.size());
    const bool both = ours.seal(nonce, {}, text, {sealed.data(), sealed.size()}, cpu) &&
                      portable.seal(nonce, {}, text, {again.data(), again.size()}, portable_cpu);
    answer(name, path, both && Bytes(sealed.data(), sealed.size()) == Bytes(again.data(), again.size()));
  };
  test(AeadAlgorithm::aes_128_gcm, "16 KiB under AES-128-GCM, the same on every path");
  test(AeadAlgorithm::aes_256_gcm, "16 KiB under AES-256-GCM, the same on every path");
  test(AeadAlgorithm::chacha20_poly1305, "16 KiB under ChaCha20-Poly1305, the same on every path");
}

}  // namespace

void test_crypto(CpuFeatures cpu, std::string_view path) {
  test_hashes(cpu, path);
  test_derivation(cpu, path);
  test_aeads(cpu, path);
  test_agreements(cpu, path);
  test_signatures(cpu, path);
  test_snapshot_helpers(cpu, path);
  test_long_records(cpu, path);
}

}  // namespace limpid::bare_machine
