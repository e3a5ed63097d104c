#include <set>

#include "limpid/x509/verify.hpp"
#include "tests/x509/support.hpp"

namespace limpid::x509::test {
namespace {

using In = CertificateIndex::In;
using Reason = InvalidReason;

constexpr std::size_t reasons = static_cast<std::size_t>(Reason::out_of_memory) + 1;

TEST(InvalidReason, EachHasItsNameAndItsText) {
  std::set<std::string_view> names;
  std::set<std::string_view> texts;
  for (std::size_t i = 0; i < reasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_TRUE(names.insert(reason_name(reason)).second);
    EXPECT_TRUE(texts.insert(describe(reason)).second);
  }
}

TEST(InvalidReason, TheLineSaysWhichCertificate) {
  const auto line = [](const Invalid& invalid) { return text_of([&](Writer& out) { write_invalid(out, invalid); }); };
  EXPECT_EQ(line({Reason::expired, {In::presented, 0}, {}}), "the certificate has expired");
  EXPECT_EQ(line({Reason::expired, {In::presented, 1}, {}}),
            "the certificate has expired (certificate 2 of the chain)");
  EXPECT_EQ(line({Reason::expired, {In::anchors, 0}, {}}), "the certificate has expired (trust anchor 1)");
  EXPECT_EQ(line({Reason::malformed_certificate, {}, {CertificateFault::bad_key_usage, 7, {}}}),
            "a malformed certificate: keyUsage without any bit, or with an unknown one (at byte 7)");
}

}  // namespace
}  // namespace limpid::x509::test
