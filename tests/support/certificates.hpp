// A certification authority made for the tests, and leaves below it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "limpid/stack/identity.hpp"
#include "limpid/x509/issue.hpp"

namespace limpid::test {

inline constexpr UnixTime certificate_epoch{1763665992};  // Thu, 20 Nov 2025

class Authority {
 public:
  explicit Authority(std::uint8_t seed = 1)
      : generator_(std::array<Byte, 32>{seed}), key_(make_key(crypto::KeyType::p256)) {
    x509::CertificateContents contents = common("limpid test authority");
    contents.is_ca = true;
    Buffer der(budget_);
    EXPECT_TRUE(x509::issue_self_signed(der, contents, key_, hedge_, {}));
    const Bytes ders[] = {Bytes(der.data(), der.size())};
    anchors_ = *x509::CertificateList::parse(ders, budget_);
  }

  // A chain of one leaf; the authority is not in it.
  stack::Identity identity(std::string_view name, crypto::KeyType type = crypto::KeyType::p256) {
    crypto::PrivateKey key = make_key(type);
    const std::string_view names[] = {name};
    x509::CertificateContents contents = common(name);
    contents.dns_names = names;
    Buffer der(budget_);
    EXPECT_TRUE(x509::issue(der, contents, key.public_key(), anchors()[0], key_, hedge_, {}));
    const Bytes ders[] = {Bytes(der.data(), der.size())};
    return *stack::Identity::make(*x509::CertificateList::parse(ders, budget_), std::move(key), budget_);
  }

  std::span<const x509::Certificate> anchors() const { return anchors_.certificates(); }
  Budget& budget() { return budget_; }

 private:
  crypto::PrivateKey make_key(crypto::KeyType type) { return crypto::PrivateKey::generate(type, generator_); }
  x509::CertificateContents common(std::string_view name) {
    x509::CertificateContents contents{};
    contents.common_name = name;
    contents.validity = {{certificate_epoch.seconds - 86400}, {certificate_epoch.seconds + 86400}};
    generator_.fill(contents.serial_entropy);
    return contents;
  }

  Budget budget_{1 << 20};
  crypto::Generator generator_;
  std::array<Byte, 32> hedge_{};
  crypto::PrivateKey key_;
  x509::CertificateList anchors_;
};

}  // namespace limpid::test
