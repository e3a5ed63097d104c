#include "limpid/stack/verify_peer.hpp"

#include <gtest/gtest.h>

#include <set>

namespace limpid::stack {
namespace {

TEST(VerifyPeer, EveryReasonHasItsAlert) {
  using Reason = x509::InvalidReason;
  const auto alert = [](Reason reason) { return tls::describe(fault_of(reason)).alert; };
  const std::set<tls::Alert> of_certificates = {
      tls::Alert::bad_certificate,     tls::Alert::unsupported_certificate,
      tls::Alert::certificate_revoked, tls::Alert::certificate_expired,
      tls::Alert::certificate_unknown, tls::Alert::unknown_ca,
      tls::Alert::internal_error,      tls::Alert::bad_certificate_status_response};
  for (int i = 0; i <= static_cast<int>(Reason::out_of_memory); ++i) {
    EXPECT_TRUE(of_certificates.contains(alert(static_cast<Reason>(i)))) << i;
  }
  EXPECT_EQ(alert(Reason::expired), tls::Alert::certificate_expired);
  EXPECT_EQ(alert(Reason::unknown_issuer), tls::Alert::unknown_ca);
  EXPECT_EQ(alert(Reason::name_mismatch), tls::Alert::bad_certificate);
  EXPECT_EQ(alert(Reason::weak_key), tls::Alert::unsupported_certificate);
  EXPECT_EQ(alert(Reason::revoked), tls::Alert::certificate_revoked);
  EXPECT_EQ(alert(Reason::status_unsatisfactory), tls::Alert::bad_certificate_status_response);
  EXPECT_EQ(alert(Reason::out_of_memory), tls::Alert::internal_error);
}

}  // namespace
}  // namespace limpid::stack
