// Project Wycheproof's vectors, read from ../shared/vectors beside the checkout; tests skip where that is absent.
//
//     TEST(Something, Wycheproof) {
//       wycheproof::for_each("aes_gcm_test.json", [](const wycheproof::Case& c) -> wycheproof::Outcome {
//         if (c.number("ivSize") != 96) return wycheproof::excluded("nonces other than 96 bits");
//         return wycheproof::judged(accepts(c.bytes("key"), ...));
//       });
//     }
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/hex.hpp"

namespace limpid::test::wycheproof {

// One vector: fields are looked up in the test, then in its group.
struct Case {
  const nlohmann::json& group;
  const nlohmann::json& test;

  const nlohmann::json& field(const std::string& name) const {
    return test.contains(name) ? test[name] : group.at(name);
  }
  std::vector<Byte> bytes(const std::string& name) const { return from_hex(field(name).get<std::string>()); }
  std::string text(const std::string& name) const { return field(name).get<std::string>(); }
  std::size_t number(const std::string& name) const { return field(name).get<std::size_t>(); }
  bool has_flag(const std::string& flag) const {
    for (const auto& each : test.at("flags")) {
      if (each == flag) return true;
    }
    return false;
  }
  bool valid() const { return text("result") == "valid"; }
};

struct Outcome {
  enum { accepted, rejected, excluded } what;
  std::string reason;  // of an exclusion
};
inline Outcome judged(bool accepted) { return {accepted ? Outcome::accepted : Outcome::rejected, ""}; }
inline Outcome excluded(std::string reason) { return {Outcome::excluded, std::move(reason)}; }

// Judges every vector of the file: "valid" must be accepted and "invalid" rejected. For an "acceptable" one
// `acceptable` says which; without it they must not occur. Every vector is judged or excluded with a reason,
// and the tally is printed.
inline void for_each(const std::string& file, const std::function<Outcome(const Case&)>& judge,
                     const std::function<bool(const Case&)>& acceptable = {}) {
  std::ifstream in(LIMPID_SOURCE_DIR "/../shared/vectors/wycheproof/" + file);
  if (!in) GTEST_SKIP() << "../shared/vectors/wycheproof/" << file << " is absent";
  const nlohmann::json all = nlohmann::json::parse(in);
  std::size_t seen = 0, accepted = 0, rejected = 0;
  std::map<std::string, std::size_t> exclusions;
  for (const auto& group : all.at("testGroups")) {
    for (const auto& test : group.at("tests")) {
      const Case c{group, test};
      ++seen;
      SCOPED_TRACE(file + " tcId " + test.at("tcId").dump() + ": " + c.text("comment"));
      const Outcome outcome = judge(c);
      if (outcome.what == Outcome::excluded) {
        ++exclusions[outcome.reason];
        continue;
      }
      ++(outcome.what == Outcome::accepted ? accepted : rejected);
      if (c.text("result") == "acceptable") {
        ASSERT_TRUE(acceptable) << "nothing says whether this acceptable vector is accepted";
        EXPECT_EQ(outcome.what == Outcome::accepted, acceptable(c));
      } else {
        EXPECT_EQ(outcome.what == Outcome::accepted, c.valid());
      }
    }
  }
  EXPECT_EQ(seen, all.at("numberOfTests").get<std::size_t>());
  EXPECT_GT(accepted, 0u);
  std::cout << file << ": " << accepted << " accepted, " << rejected << " rejected";
  for (const auto& [reason, count] : exclusions) std::cout << ", " << count << " excluded: " << reason;
  std::cout << "\n";
}

}  // namespace limpid::test::wycheproof
