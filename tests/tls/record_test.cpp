// Records: found in a stream, opened, sealed, limited, saved.
#include "limpid/tls/record/record.hpp"

#include <gtest/gtest.h>

#include "limpid/tls/record/protection.hpp"
#include "tests/support/cpu.hpp"
#include "tests/support/hex.hpp"
#include "tests/support/random.hpp"
#include "tests/support/round_trip.hpp"
#include "tests/tls/messages.hpp"

namespace limpid::test {
namespace {

using record::ContentType;
using record::ReadProtection;
using record::Record;
using record::WriteProtection;
using wire::CipherSuite;

constexpr CipherSuite suites[] = {CipherSuite::tls_aes_128_gcm_sha256, CipherSuite::tls_aes_256_gcm_sha384,
                                  CipherSuite::tls_chacha20_poly1305_sha256};

using Message = std::vector<Byte>;

Message header(int type, std::size_t length, int version = 0x0303) {
  return written([&](Writer& out) {
    out.u8(static_cast<std::uint8_t>(type));
    out.u16(static_cast<std::uint16_t>(version));
    out.u16(static_cast<std::uint16_t>(length));
  });
}

HashSecret secret_of(CipherSuite suite, Byte fill = 7) {
  HashSecret secret = HashSecret::zeros(crypto::digest_size(wire::hash_of(suite)));
  std::ranges::fill(secret.mutable_bytes(), fill);
  return secret;
}

Message sealed(WriteProtection& write, ContentType type, Bytes content, std::size_t padding = 0) {
  Message out(content.size() + padding + record::overhead);
  out.resize(write.seal(type, content, padding, out, best_cpu()));
  return out;
}

// A record whose TLSInnerPlaintext is `inner` as it stands: what no writer of ours makes.
Message sealed_raw(CipherSuite suite, std::uint64_t sequence_number, Bytes inner) {
  const TrafficKeys keys = traffic_keys(suite, secret_of(suite), best_cpu());
  crypto::AeadKey key(wire::aead_of(suite), keys.key.bytes(), best_cpu());
  std::array<Byte, 12> nonce{};
  copy(keys.iv.bytes(), nonce);
  for (std::size_t i = 0; i < 8; ++i) nonce[11 - i] ^= static_cast<Byte>(sequence_number >> (8 * i));
  Message bytes = header(23, inner.size() + 16);
  const Message aad = bytes;
  bytes.resize(bytes.size() + inner.size() + 16);
  EXPECT_TRUE(key.seal(nonce, aad, inner, MutableBytes(bytes).subspan(5), best_cpu()));
  return bytes;
}

std::string fault_of(Bytes sealed_record, CipherSuite suite) {
  Message bytes(sealed_record.begin(), sealed_record.end());
  ReadProtection read(suite, secret_of(suite), best_cpu());
  const auto next = record::next_record(bytes);
  if (!next) return "next_record: " + std::string(name(next.error().fault));
  if (!*next) return "incomplete";
  const auto opened = read.open(**next, best_cpu());
  return opened ? "none" : std::string(name(opened.error().fault));
}

TEST(Record, IsFoundOnlyWhenItIsWhole) {
  Message bytes = from_hex("16 0301 0003 010203 17 0303");
  for (std::size_t n = 0; n < 8; ++n) {
    const auto next = record::next_record(MutableBytes(bytes).first(n));
    ASSERT_TRUE(next);
    EXPECT_FALSE(*next) << n;
    EXPECT_EQ(record::first_record_size(Bytes(bytes).first(n)), n);
  }
  const auto next = record::next_record(bytes);
  ASSERT_TRUE(next && *next);
  EXPECT_EQ((*next)->type, ContentType::handshake);
  EXPECT_EQ((*next)->bytes.size(), 8u);
  EXPECT_EQ(record::first_record_size(bytes), 8u);
  EXPECT_EQ(to_hex((*next)->fragment()), "010203");
}

TEST(Record, ContentTypesAreTheFourOnes) {
  for (int type = 0; type < 256; ++type) {
    Message bytes = header(type, 0);
    const auto next = record::next_record(bytes);
    if (type >= 20 && type <= 23) {
      EXPECT_TRUE(next && *next) << type;
    } else {
      ASSERT_FALSE(next) << type;
      EXPECT_EQ(next.error(), (Error{Fault::record_content_type_unknown, 0, static_cast<std::uint32_t>(type)}));
    }
  }
}

TEST(Record, TheVersionIsIgnored) {
  for (const int version : {0x0000, 0x0300, 0x0301, 0x0303, 0x0304, 0x7f1c, 0xffff}) {
    Message bytes = header(22, 1, version);
    bytes.push_back(1);
    const auto next = record::next_record(bytes);
    EXPECT_TRUE(next && *next) << version;
  }
}

TEST(Record, LengthsAboveTheLimitAreRefusedWithTheHeader) {
  for (int type = 20; type <= 23; ++type) {
    const std::size_t limit = type == 23 ? 16640 : 16384;
    Message longest = header(type, limit);
    EXPECT_TRUE(record::next_record(longest));
    for (const std::size_t length : {limit + 1, std::size_t{0xffff}}) {
      Message longer = header(type, length);
      const auto next = record::next_record(longer);
      ASSERT_FALSE(next);
      EXPECT_EQ(next.error(), (Error{Fault::record_too_long, 3, static_cast<std::uint32_t>(length)}));
    }
  }
}

TEST(Record, ContentRules) {
  const auto fault = [](ContentType type, std::string_view hex) {
    const auto content = from_hex(hex);
    const auto checked = record::check_content(type, content);
    return checked ? "none" : std::string(name(checked.error().fault));
  };
  EXPECT_EQ(fault(ContentType::handshake, ""), "empty_handshake_record");
  EXPECT_EQ(fault(ContentType::handshake, "00"), "none");
  EXPECT_EQ(fault(ContentType::alert, ""), "empty_alert_record");
  EXPECT_EQ(fault(ContentType::alert, "00"), "none");  // its length is AlertMessage's matter
  EXPECT_EQ(fault(ContentType::application_data, ""), "none");
  EXPECT_EQ(fault(ContentType::change_cipher_spec, "01"), "none");
  EXPECT_EQ(fault(ContentType::change_cipher_spec, ""), "change_cipher_spec_invalid");
  EXPECT_EQ(fault(ContentType::change_cipher_spec, "02"), "change_cipher_spec_invalid");
  EXPECT_EQ(fault(ContentType::change_cipher_spec, "0101"), "change_cipher_spec_invalid");
  EXPECT_EQ(fault(static_cast<ContentType>(24), "00"), "record_content_type_unknown");
  EXPECT_EQ(fault(ContentType::invalid, "00"), "record_content_type_unknown");
  // What was found: a length, or a type.
  EXPECT_EQ(record::check_content(ContentType::handshake, {}).error(), (Error{Fault::empty_handshake_record, 5, 0}));
  EXPECT_EQ(record::check_content(ContentType::alert, {}).error(), (Error{Fault::empty_alert_record, 5, 0}));
  EXPECT_EQ(record::check_content(ContentType::change_cipher_spec, as_bytes("abc")).error(),
            (Error{Fault::change_cipher_spec_invalid, 5, 3}));
  EXPECT_EQ(record::check_content(static_cast<ContentType>(99), {}).error(),
            (Error{Fault::record_content_type_unknown, 5, 99}));
}

TEST(Record, PlaintextIsWrittenWithinItsLimit) {
  const Message longest(record::max_plaintext);
  const auto bytes = written([&](Writer& out) {
    record::put_plaintext_record(out, ContentType::handshake, longest);
    EXPECT_FALSE(out.failed());
  });
  EXPECT_EQ(to_hex(Bytes(bytes).first(5)), "1603034000");
  const Message longer(record::max_plaintext + 1);
  written([&](Writer& out) {
    record::put_plaintext_record(out, ContentType::handshake, longer);
    EXPECT_TRUE(out.failed());
    EXPECT_EQ(out.size(), 0u);
  });
}

TEST(Protection, WhatIsSealedOpens) {
  Random random(3);
  for (const CipherSuite suite : suites) {
    for (const CpuFeatures cpu : cpu_paths()) {
      WriteProtection write(suite, secret_of(suite), cpu);
      ReadProtection read(suite, secret_of(suite), cpu);
      for (std::uint64_t round = 0; round < 60; ++round) {
        const auto type = round % 3 == 0 ? ContentType::handshake : ContentType::application_data;
        const Message content = random.bytes(1 + random.below(round % 20 == 0 ? record::max_plaintext : 200));
        const std::size_t padding = round % 4 == 0 ? random.below(record::max_plaintext - content.size() + 1) : 0;
        EXPECT_EQ(write.sequence_number(), round);
        Message out(content.size() + padding + record::overhead + 3, 0xee);
        const std::size_t size = write.seal(type, content, padding, out, cpu);
        ASSERT_EQ(size, out.size() - 3);
        EXPECT_EQ(to_hex(Bytes(out).subspan(size)), "eeeeee");
        const auto next = record::next_record(out);
        ASSERT_TRUE(next && *next);
        const auto opened = read.open(**next, cpu);
        ASSERT_TRUE(opened);
        EXPECT_EQ(opened->type, type);
        EXPECT_TRUE(Bytes(opened->content) == Bytes(content));
        EXPECT_EQ(read.sequence_number(), round + 1);
      }
    }
  }
}

TEST(Protection, EmptyApplicationDataIsLegalOtherEmptyContentIsNot) {
  for (const CipherSuite suite : suites) {
    const auto fault = [&](ContentType type, std::size_t padding) {
      WriteProtection write(suite, secret_of(suite), best_cpu());
      return fault_of(sealed(write, type, {}, padding), suite);
    };
    EXPECT_EQ(fault(ContentType::application_data, 0), "none");
    EXPECT_EQ(fault(ContentType::application_data, 16384), "none");
    EXPECT_EQ(fault(ContentType::handshake, 0), "empty_handshake_record");
    EXPECT_EQ(fault(ContentType::handshake, 100), "empty_handshake_record");
    EXPECT_EQ(fault(ContentType::alert, 0), "empty_alert_record");
  }
}

TEST(Protection, InnerContentTypes) {
  const CipherSuite suite = suites[0];
  for (int type = 1; type < 256; ++type) {
    const std::string fault = fault_of(sealed_raw(suite, 0, Message{1, static_cast<Byte>(type), 0, 0}), suite);
    if (type == 20) {
      EXPECT_EQ(fault, "change_cipher_spec_invalid");
    } else if (type >= 21 && type <= 23) {
      EXPECT_EQ(fault, "none") << type;
    } else {
      EXPECT_EQ(fault, "record_content_type_unknown") << type;
    }
  }
  EXPECT_EQ(fault_of(sealed_raw(suite, 0, Message(0)), suite), "content_type_missing");
  EXPECT_EQ(fault_of(sealed_raw(suite, 0, Message(1)), suite), "content_type_missing");
  EXPECT_EQ(fault_of(sealed_raw(suite, 0, Message(16385)), suite), "content_type_missing");
}

TEST(Protection, TheInnerPlaintextHasALimitOfItsOwn) {
  for (const CipherSuite suite : suites) {
    Message inner(16384, 'x');
    inner.push_back(23);
    EXPECT_EQ(fault_of(sealed_raw(suite, 0, inner), suite), "none");
    inner.push_back(0);  // "the full encoded TLSInnerPlaintext MUST NOT exceed 2^14 + 1 octets", padding included
    EXPECT_EQ(fault_of(sealed_raw(suite, 0, inner), suite), "inner_plaintext_too_long");
    inner.resize(16640 - 16);
    EXPECT_EQ(fault_of(sealed_raw(suite, 0, inner), suite), "inner_plaintext_too_long");
    inner.resize(16640 - 16 + 1);
    EXPECT_EQ(fault_of(sealed_raw(suite, 0, inner), suite), "next_record: record_too_long");
  }
}

TEST(Protection, EveryFlippedBitIsFoundAndChangesNothing) {
  for (const CipherSuite suite : suites) {
    WriteProtection write(suite, secret_of(suite), best_cpu());
    const Message good = sealed(write, ContentType::application_data, as_bytes("attack at dawn"));
    ReadProtection read(suite, secret_of(suite), best_cpu());
    for (std::size_t bit = 8; bit < good.size() * 8; ++bit) {
      if (bit >= 24 && bit < 40) continue;  // the length: another record
      Message bytes = good;
      bytes[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
      const Message before = bytes;
      const auto next = record::next_record(bytes);
      ASSERT_TRUE(next && *next);
      const auto opened = read.open(**next, best_cpu());
      ASSERT_FALSE(opened) << bit;
      EXPECT_EQ(opened.error(), (Error{Fault::bad_record_mac, 5, static_cast<std::uint32_t>(good.size() - 5)}));
      EXPECT_EQ(bytes, before);
      EXPECT_EQ(read.sequence_number(), 0u);
    }
    Message bytes = good;
    EXPECT_TRUE(read.open(**record::next_record(bytes), best_cpu()));  // what was skipped did not count
  }
}

TEST(Protection, EveryTruncatedFragmentIsFound) {
  for (const CipherSuite suite : suites) {
    WriteProtection write(suite, secret_of(suite), best_cpu());
    const Message good = sealed(write, ContentType::application_data, as_bytes("attack at dawn"));
    for (std::size_t length = 0; length < good.size() - 5; ++length) {
      Message bytes = header(23, length);
      bytes.insert(bytes.end(), good.begin() + 5, good.begin() + 5 + static_cast<std::ptrdiff_t>(length));
      EXPECT_EQ(fault_of(bytes, suite), "bad_record_mac") << length;
    }
  }
}

TEST(Protection, RecordsMustComeInOrder) {
  const CipherSuite suite = suites[0];
  WriteProtection write(suite, secret_of(suite), best_cpu());
  sealed(write, ContentType::application_data, as_bytes("first"));
  EXPECT_EQ(fault_of(sealed(write, ContentType::application_data, as_bytes("second")), suite), "bad_record_mac");
}

TEST(Protection, SealRefusesWhatDoesNotFit) {
  const CipherSuite suite = suites[0];
  WriteProtection write(suite, secret_of(suite), best_cpu());
  Message out(record::max_record + 100, 0xee);
  const Message before = out;
  const Message content(record::max_plaintext + 1);
  const auto seal = [&](std::size_t size, std::size_t padding, std::size_t room) {
    return write.seal(ContentType::application_data, Bytes(content).first(size), padding, MutableBytes(out).first(room),
                      best_cpu());
  };
  EXPECT_EQ(seal(record::max_plaintext + 1, 0, out.size()), 0u);
  EXPECT_EQ(seal(record::max_plaintext, 1, out.size()), 0u);
  EXPECT_EQ(seal(1, record::max_plaintext, out.size()), 0u);
  EXPECT_EQ(seal(1, SIZE_MAX, out.size()), 0u);
  EXPECT_EQ(seal(10, 5, 10 + 5 + record::overhead - 1), 0u);
  EXPECT_EQ(seal(0, 0, 0), 0u);
  EXPECT_EQ(out, before);
  EXPECT_EQ(write.sequence_number(), 0u);
  EXPECT_EQ(seal(10, 5, 10 + 5 + record::overhead), 10 + 5 + record::overhead);
  EXPECT_EQ(seal(record::max_plaintext, 0, out.size()), record::max_plaintext + record::overhead);
}

// A protection as it would be after `sequence_number` records.
template <class Direction>
std::optional<Direction> after(CipherSuite suite, std::uint64_t sequence_number) {
  const HashSecret secret = secret_of(suite);
  Budget budget(1 << 20);
  Buffer buffer(budget);
  Writer out(buffer);
  encode(out, Instant{0}, suite);
  encode(out, Instant{0}, secret);
  encode(out, Instant{0}, sequence_number);
  return decoded<Direction>(Bytes(buffer.data(), buffer.size()), best_cpu());
}

TEST(Protection, TheWriterStopsAtTheLimitOfItsAead) {
  EXPECT_EQ(record::record_limit(CipherSuite::tls_aes_128_gcm_sha256), 23'726'566u);  // floor(2^24.5)
  EXPECT_EQ(record::record_limit(CipherSuite::tls_aes_256_gcm_sha384), 23'726'566u);
  EXPECT_EQ(record::record_limit(CipherSuite::tls_chacha20_poly1305_sha256), UINT64_MAX);
  for (const CipherSuite suite : suites) {
    const std::uint64_t limit = record::record_limit(suite);
    EXPECT_FALSE(after<WriteProtection>(suite, limit - record::update_margin - 1)->wants_update());
    EXPECT_TRUE(after<WriteProtection>(suite, limit - record::update_margin)->wants_update());
    auto write = after<WriteProtection>(suite, limit - 2);
    ASSERT_TRUE(write);
    EXPECT_EQ(write->records_left(), 2u);
    EXPECT_FALSE(sealed(*write, ContentType::application_data, as_bytes("x")).empty());
    EXPECT_FALSE(sealed(*write, ContentType::application_data, as_bytes("x")).empty());
    EXPECT_TRUE(sealed(*write, ContentType::application_data, as_bytes("x")).empty());
    EXPECT_EQ(write->sequence_number(), limit);
    EXPECT_EQ(write->records_left(), 0u);
    write->update(best_cpu());
    EXPECT_EQ(write->sequence_number(), 0u);
    EXPECT_EQ(write->records_left(), limit);
    EXPECT_FALSE(sealed(*write, ContentType::application_data, as_bytes("x")).empty());
    if (limit != UINT64_MAX) {
      EXPECT_FALSE(after<WriteProtection>(suite, limit + 1));
    }
  }
}

TEST(Protection, HighSequenceNumbersMakeTheRightNonces) {
  for (const CipherSuite suite : suites) {
    for (const std::uint64_t n : {std::uint64_t{0xff}, std::uint64_t{0x100}, std::uint64_t{0x0102030405060708},
                                  std::uint64_t{UINT64_MAX - 1}}) {
      auto read = after<ReadProtection>(suite, n);
      ASSERT_TRUE(read);
      Message bytes = sealed_raw(suite, n, Message{'x', 23});
      EXPECT_TRUE(read->open(**record::next_record(bytes), best_cpu())) << n;
      EXPECT_EQ(read->sequence_number(), n + 1);
    }
  }
}

TEST(Protection, TheReaderNeverWrapsItsSequenceNumber) {
  for (const CipherSuite suite : suites) {
    auto read = after<ReadProtection>(suite, UINT64_MAX);
    ASSERT_TRUE(read);
    Message bytes = sealed_raw(suite, UINT64_MAX, Message{'x', 23});
    const Message before = bytes;
    const auto opened = read->open(**record::next_record(bytes), best_cpu());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().fault, Fault::read_key_exhausted);
    EXPECT_EQ(bytes, before);
    EXPECT_EQ(read->sequence_number(), UINT64_MAX);
  }
}

TEST(Protection, BothEndsUpdateAlike) {
  for (const CipherSuite suite : suites) {
    WriteProtection write(suite, secret_of(suite), best_cpu());
    ReadProtection read(suite, secret_of(suite), best_cpu());
    for (int generation = 0; generation < 3; ++generation) {
      Message bytes = sealed(write, ContentType::application_data, as_bytes("hello"));
      EXPECT_TRUE(read.open(**record::next_record(bytes), best_cpu()));
      const Message old = sealed(write, ContentType::application_data, as_bytes("late"));
      const HashSecret expected = next_traffic_secret(wire::hash_of(suite), write.traffic_secret(), best_cpu());
      write.update(best_cpu());
      read.update(best_cpu());
      EXPECT_TRUE(write.traffic_secret() == expected);
      Message late = old;
      EXPECT_FALSE(read.open(**record::next_record(late), best_cpu()));
    }
  }
}

TEST(Protection, WithoutAKeyNothingOpensOrSeals) {
  WriteProtection write;
  ReadProtection read;
  EXPECT_FALSE(write.has_key());
  EXPECT_EQ(write.records_left(), 0u);
  Message out(100);
  EXPECT_EQ(write.seal(ContentType::handshake, as_bytes("x"), 0, out, best_cpu()), 0u);
  Message bytes = sealed_raw(suites[0], 0, Message{'x', 23});
  EXPECT_FALSE(read.open(**record::next_record(bytes), best_cpu()));
  write.update(best_cpu());
  EXPECT_FALSE(write.has_key());
  EXPECT_TRUE(reloaded(write));
  EXPECT_TRUE(reloaded(read));
}

TEST(Protection, ALoadedOneGoesOn) {
  for (const CipherSuite suite : suites) {
    WriteProtection write(suite, secret_of(suite), best_cpu());
    ReadProtection read(suite, secret_of(suite), best_cpu());
    for (int i = 0; i < 4; ++i) {
      auto loaded_write = reloaded(write, best_cpu());
      auto loaded_read = reloaded(read, portable_cpu);
      ASSERT_TRUE(loaded_write && loaded_read);
      const Message bytes = sealed(write, ContentType::application_data, as_bytes("hello"));
      EXPECT_EQ(sealed(*loaded_write, ContentType::application_data, as_bytes("hello")), bytes);
      Message one = bytes, other = bytes;
      EXPECT_TRUE(read.open(**record::next_record(one), best_cpu()));
      EXPECT_TRUE(loaded_read->open(**record::next_record(other), portable_cpu));
      EXPECT_EQ(one, other);
    }
  }
}

TEST(Protection, DamagedSnapshotsAreRefusedOrSaveToTheSameBytes) {
  for (const CipherSuite suite : suites) {
    const auto saved = encoded(*after<WriteProtection>(suite, 5));
    for (std::size_t n = 0; n < saved.size(); ++n) EXPECT_FALSE(decoded<WriteProtection>(Bytes(saved).first(n)));
    for (std::size_t bit = 0; bit < saved.size() * 8; ++bit) {
      Message damaged = saved;
      damaged[bit / 8] ^= static_cast<Byte>(1 << bit % 8);
      const auto loaded = decoded<WriteProtection>(damaged);
      if (loaded) {
        EXPECT_EQ(encoded(*loaded), damaged);
        EXPECT_LE(loaded->sequence_number(), record::record_limit(loaded->cipher_suite()));
        EXPECT_EQ(loaded->traffic_secret().size(), crypto::digest_size(wire::hash_of(loaded->cipher_suite())));
      }
    }
  }
}

}  // namespace
}  // namespace limpid::test
