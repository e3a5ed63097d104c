#include "limpid/x509/verify.hpp"

#include "tests/x509/support.hpp"

namespace limpid::x509::test {
namespace {

using In = CertificateIndex::In;
using Reason = InvalidReason;
namespace oids = asn1::oids;

// The keys of a little hierarchy, by number: root 1, intermediates from 2, leaf 20.
constexpr Byte root_key = 1;
constexpr Byte leaf_key = 20;

Forgery root_forgery() {
  Forgery root;
  root.subject = root.issuer = "root";
  root.extensions = {basic_constraints(true), key_usage({KeyUsageBit::key_cert_sign})};
  return root;
}
Forgery intermediate_forgery(std::string subject = "intermediate", std::string issuer = "root") {
  Forgery intermediate = root_forgery();
  intermediate.subject = std::move(subject);
  intermediate.issuer = std::move(issuer);
  return intermediate;
}
Forgery leaf_forgery(std::string issuer = "intermediate") {
  Forgery leaf;
  leaf.issuer = std::move(issuer);
  leaf.extensions = {subject_alt_name("www.example.com"), key_usage({KeyUsageBit::digital_signature}),
                     ext_key_usage({oids::server_auth})};
  return leaf;
}
// Puts in or replaces.
void set(Forgery& forgery, ForgedExtension extension) {
  std::erase_if(forgery.extensions, [&](const ForgedExtension& e) { return e.id == extension.id; });
  forgery.extensions.push_back(std::move(extension));
}
void remove(Forgery& forgery, Bytes id) {
  std::erase_if(forgery.extensions, [&](const ForgedExtension& e) { return e.id == id; });
}

struct Hierarchy {
  Forgery root = root_forgery();
  Forgery intermediate = intermediate_forgery();
  Forgery leaf = leaf_forgery();
  VerifyOptions options{now, Purpose::server, "www.example.com"};
};

// Outlives the certificates that point into it.
struct Chain {
  std::vector<Octets> ders;  // leaf first
  std::vector<Octets> anchor_ders;
  std::vector<Certificate> certificates;
  std::vector<Certificate> anchors;

  void parse() {
    for (const auto& [from, to] : {std::pair(&ders, &certificates), std::pair(&anchor_ders, &anchors)}) {
      for (const Octets& der : *from) {
        const auto parsed = parse_certificate(der);
        ASSERT_TRUE(parsed.has_value());
        to->push_back(*parsed);
      }
    }
  }
  std::expected<ValidChain, Invalid> verify(const VerifyOptions& options) const {
    return x509::verify(certificates[0], std::span(certificates).subspan(1), anchors, options, portable_cpu);
  }
};

Chain chain_of(const Hierarchy& h) {
  Chain chain;
  const crypto::PrivateKey root = key_number(root_key);
  const crypto::PrivateKey intermediate = key_number(2);
  chain.anchor_ders = {h.root.sign(root.public_key(), root)};
  chain.ders = {h.leaf.sign(key_number(leaf_key).public_key(), intermediate),
                h.intermediate.sign(intermediate.public_key(), root)};
  chain.parse();
  return chain;
}

std::string outcome(const std::expected<ValidChain, Invalid>& result) {
  if (result) return "valid";
  return std::string(reason_name(result.error().reason)) +
         (result.error().certificate.in == In::anchors ? " anchor " : " ") +
         std::to_string(result.error().certificate.index);
}

// What changing one thing in a hierarchy that is valid brings about.
struct Case {
  const char* name;
  void (*change)(Hierarchy&);
  const char* expected;  // "valid", or the reason and the certificate
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Validation : public testing::TestWithParam<Case> {};

TEST_P(Validation, HasTheExpectedOutcome) {
  Hierarchy h;
  GetParam().change(h);
  const Chain chain = chain_of(h);
  EXPECT_EQ(outcome(chain.verify(h.options)), GetParam().expected);

  // The same from DER, as TLS asks for it, and then with every allocation refused in turn.
  const std::vector<Bytes> ders(chain.ders.begin(), chain.ders.end());
  for (std::uint64_t n = 0; n < 4; ++n) {
    Budget budget(1 << 20);
    budget.refuse_attempt(n);
    const auto result = verify_chain(ders, chain.anchors, h.options, budget, portable_cpu);
    const bool refused = (n == 1 || n == 2) && !std::string_view(GetParam().expected).starts_with("chain_too_large");
    EXPECT_EQ(outcome(result), refused ? "out_of_memory 0" : GetParam().expected) << n;
    EXPECT_EQ(budget.used(), 0u);
  }
}

const std::string ip_text("\x7f\0\0\1", 4);

INSTANTIATE_TEST_SUITE_P(
    Table, Validation,
    testing::Values(
        Case{"unchanged", [](Hierarchy&) {}, "valid"},
        // Time: both ends of the validity belong to it.
        Case{"leaf_expired", [](Hierarchy& h) { h.leaf.validity.not_after = {now.seconds - 1}; }, "expired 0"},
        Case{"leaf_expires_now", [](Hierarchy& h) { h.leaf.validity.not_after = now; }, "valid"},
        Case{"leaf_not_yet_valid", [](Hierarchy& h) { h.leaf.validity.not_before = {now.seconds + 1}; }, "not_yet_valid 0"},
        Case{"leaf_valid_from_now", [](Hierarchy& h) { h.leaf.validity.not_before = now; }, "valid"},
        Case{"intermediate_expired", [](Hierarchy& h) { h.intermediate.validity.not_after = {now.seconds - 1}; },
             "expired 1"},
        Case{"anchor_expired", [](Hierarchy& h) { h.root.validity.not_after = {now.seconds - 1}; }, "expired anchor 0"},
        // Names.
        Case{"no_name_asked_for", [](Hierarchy& h) { h.options.name = {}; }, "valid"},
        Case{"wrong_name", [](Hierarchy& h) { h.options.name = "example.com"; }, "name_mismatch 0"},
        Case{"name_in_other_case", [](Hierarchy& h) { h.options.name = "WWW.Example.Com."; }, "valid"},
        Case{"invalid_name", [](Hierarchy& h) { h.options.name = "a b"; }, "invalid_name 0"},
        Case{"wildcard_in_the_name_asked_for", [](Hierarchy& h) { h.options.name = "*.example.com"; }, "invalid_name 0"},
        Case{"wildcard", [](Hierarchy& h) { set(h.leaf, subject_alt_name("*.example.com")); }, "valid"},
        Case{"wildcard_of_a_top_level_domain",
             [](Hierarchy& h) {
               set(h.leaf, subject_alt_name("*.com"));
               h.options.name = "example.com";
             },
             "name_mismatch 0"},
        Case{"wildcard_in_part_of_a_label", [](Hierarchy& h) { set(h.leaf, subject_alt_name("w*.example.com")); },
             "name_mismatch 0"},
        Case{"trailing_dot_in_the_certificate",
             [](Hierarchy& h) { set(h.leaf, subject_alt_name("www.example.com.")); }, "name_mismatch 0"},
        Case{"common_name_does_not_count",
             [](Hierarchy& h) {
               h.leaf.subject = "www.example.com";
               remove(h.leaf, oids::subject_alt_name);
             },
             "name_mismatch 0"},
        Case{"address",
             [](Hierarchy& h) {
               set(h.leaf, subject_alt_name({{2, "a"}, {7, ip_text}}));
               h.options.name = peer_name("127.0.0.1");
             },
             "valid"},
        Case{"other_address",
             [](Hierarchy& h) {
               set(h.leaf, subject_alt_name({{7, ip_text}}));
               h.options.name = peer_name("127.0.0.2");
             },
             "name_mismatch 0"},
        Case{"address_as_a_dns_name",
             [](Hierarchy& h) {
               set(h.leaf, subject_alt_name("127.0.0.1"));
               h.options.name = peer_name("127.0.0.1");
             },
             "name_mismatch 0"},
        Case{"dns_name_as_an_email",
             [](Hierarchy& h) { set(h.leaf, subject_alt_name({{1, "www.example.com@example.com"}})); }, "name_mismatch 0"},
        // Usages.
        Case{"leaf_without_key_usage", [](Hierarchy& h) { remove(h.leaf, oids::key_usage); }, "valid"},
        Case{"leaf_without_digital_signature",
             [](Hierarchy& h) { set(h.leaf, key_usage({KeyUsageBit::key_agreement})); }, "wrong_key_usage 0"},
        Case{"leaf_without_purposes", [](Hierarchy& h) { remove(h.leaf, oids::ext_key_usage); }, "valid"},
        Case{"leaf_for_another_purpose", [](Hierarchy& h) { set(h.leaf, ext_key_usage({oids::client_auth})); },
             "wrong_purpose 0"},
        Case{"leaf_for_any_purpose", [](Hierarchy& h) { set(h.leaf, ext_key_usage({oids::any_extended_key_usage})); },
             "valid"},
        Case{"client_wanted", [](Hierarchy& h) { h.options.purpose = Purpose::client; }, "wrong_purpose 0"},
        Case{"anything_wanted",
             [](Hierarchy& h) {
               set(h.leaf, ext_key_usage({oids::code_signing}));
               set(h.leaf, key_usage({KeyUsageBit::crl_sign}));
               h.options.purpose = Purpose::any;
             },
             "valid"},
        Case{"intermediate_for_another_purpose",
             [](Hierarchy& h) { set(h.intermediate, ext_key_usage({oids::client_auth})); }, "wrong_purpose 1"},
        Case{"intermediate_for_this_purpose",
             [](Hierarchy& h) { set(h.intermediate, ext_key_usage({oids::server_auth})); }, "valid"},
        Case{"intermediate_that_cannot_sign",
             [](Hierarchy& h) { set(h.intermediate, key_usage({KeyUsageBit::digital_signature})); }, "cannot_sign 1"},
        Case{"intermediate_without_key_usage", [](Hierarchy& h) { remove(h.intermediate, oids::key_usage); }, "valid"},
        Case{"anchor_that_cannot_sign", [](Hierarchy& h) { set(h.root, key_usage({KeyUsageBit::crl_sign})); },
             "cannot_sign anchor 0"},
        // CA bit and path length.
        Case{"intermediate_without_ca_bit", [](Hierarchy& h) { set(h.intermediate, basic_constraints(false)); },
             "not_a_ca 1"},
        Case{"intermediate_without_basic_constraints",
             [](Hierarchy& h) { remove(h.intermediate, oids::basic_constraints); }, "not_a_ca 1"},
        Case{"anchor_without_ca_bit", [](Hierarchy& h) { set(h.root, basic_constraints(false)); }, "not_a_ca anchor 0"},
        Case{"path_length_of_the_anchor_exceeded", [](Hierarchy& h) { set(h.root, basic_constraints(true, 0)); },
             "path_length_exceeded anchor 0"},
        Case{"path_length_of_the_anchor_kept", [](Hierarchy& h) { set(h.root, basic_constraints(true, 1)); }, "valid"},
        Case{"path_length_of_the_intermediate_kept",
             [](Hierarchy& h) { set(h.intermediate, basic_constraints(true, 0)); }, "valid"},
        // Extensions.
        Case{"unknown_critical_in_the_leaf",
             [](Hierarchy& h) { set(h.leaf, {asn1::oid<1, 2, 3>, true, {}}); }, "unprocessed_critical_extension 0"},
        Case{"unknown_not_critical", [](Hierarchy& h) { set(h.leaf, {asn1::oid<1, 2, 3>, false, {}}); }, "valid"},
        Case{"unknown_critical_in_the_intermediate",
             [](Hierarchy& h) { set(h.intermediate, {asn1::oid<1, 2, 3>, true, {}}); },
             "unprocessed_critical_extension 1"},
        Case{"unknown_critical_in_the_anchor", [](Hierarchy& h) { set(h.root, {asn1::oid<1, 2, 3>, true, {}}); },
             "unprocessed_critical_extension anchor 0"},
        Case{"critical_policies", [](Hierarchy& h) { set(h.leaf, {oids::certificate_policies, true, {}}); }, "valid"},
        Case{"critical_policy_constraints",
             [](Hierarchy& h) { set(h.intermediate, {oids::policy_constraints, true, {}}); },
             "unprocessed_critical_extension 1"},
        // Signatures and keys.
        Case{"leaf_signature_wrong", [](Hierarchy& h) { h.leaf.break_signature = true; }, "bad_signature 0"},
        Case{"intermediate_signature_wrong", [](Hierarchy& h) { h.intermediate.break_signature = true; },
             "bad_signature 1"},
        Case{"anchor_signature_does_not_matter", [](Hierarchy& h) { h.root.break_signature = true; }, "valid"},
        Case{"unsupported_signature_algorithm",
             [](Hierarchy& h) {
               h.leaf.signature_algorithm = der_of([](asn1::DerWriter& der) {
                 der.sequence([&] { der.object_identifier(oids::ed448); });
               });
             },
             "unsupported_signature_algorithm 0"},
        Case{"weak_signature_algorithm",
             [](Hierarchy& h) {
               h.leaf.signature_algorithm = der_of([](asn1::DerWriter& der) {
                 der.sequence([&] { der.object_identifier(oids::ecdsa_with_sha1); });
               });
             },
             "weak_signature_algorithm 0"},
        Case{"weak_signature_algorithm_of_the_intermediate",
             [](Hierarchy& h) {
               h.intermediate.signature_algorithm = der_of([](asn1::DerWriter& der) {
                 der.sequence([&] { der.object_identifier(oids::sha1_with_rsa); });
               });
             },
             "weak_signature_algorithm 1"},
        Case{"weak_signature_algorithm_of_an_anchor_does_not_matter",
             [](Hierarchy& h) {
               h.root.signature_algorithm = der_of([](asn1::DerWriter& der) {
                 der.sequence([&] { der.object_identifier(oids::md5_with_rsa); });
               });
             },
             "valid"},
        Case{"signature_algorithm_of_another_key_type",
             [](Hierarchy& h) {
               h.leaf.signature_algorithm = der_of(
                   [](asn1::DerWriter& der) { der.sequence([&] { der.object_identifier(oids::ed25519); }); });
             },
             "bad_signature 0"},
        Case{"leaf_key_unsupported",
             [](Hierarchy& h) {
               h.leaf.public_key_info = der_of([](asn1::DerWriter& der) {
                 der.sequence([&] {
                   der.sequence([&] { der.object_identifier(oids::ed448); });
                   der.bit_string(Octets{1});
                 });
               });
             },
             "unsupported_key_type 0"},
        Case{"leaf_key_weak", [](Hierarchy& h) { h.leaf.public_key_info = rsa_key_info(1024, 65537); }, "weak_key 0"},
        Case{"leaf_key_weak_though_no_key_is_needed",
             [](Hierarchy& h) {
               h.options.purpose = Purpose::any;
               h.leaf.public_key_info = rsa_key_info(2047, 65537);
             },
             "weak_key 0"},
        Case{"leaf_key_with_a_small_exponent", [](Hierarchy& h) { h.leaf.public_key_info = rsa_key_info(2048, 3); },
             "weak_key 0"},
        Case{"leaf_key_too_large", [](Hierarchy& h) { h.leaf.public_key_info = rsa_key_info(8193, 65537); },
             "unsupported_key_type 0"},
        Case{"leaf_key_of_any_size_between", [](Hierarchy& h) { h.leaf.public_key_info = rsa_key_info(8192, 65537); },
             "valid"},
        Case{"leaf_key_rsa", [](Hierarchy& h) { h.leaf.public_key_info = rsa_key_info(2048, 65537); }, "valid"},
        Case{"issuer_key_weak", [](Hierarchy& h) { h.intermediate.public_key_info = rsa_key_info(1024, 65537); },
             "weak_key 1"},
        Case{"leaf_key_unsupported_but_not_needed",
             [](Hierarchy& h) {
               h.options.purpose = Purpose::any;
               h.leaf.public_key_info = der_of([](asn1::DerWriter& der) {
                 der.sequence([&] {
                   der.sequence([&] { der.object_identifier(oids::ed448); });
                   der.bit_string(Octets{1});
                 });
               });
             },
             "valid"},
        Case{"leaf_key_invalid",
             [](Hierarchy& h) {
               h.leaf.public_key_info = der_of([](asn1::DerWriter& der) {
                 der.sequence([&] {
                   der.sequence([&] { der.object_identifier(oids::ed25519); });
                   der.bit_string(Octets(31));
                 });
               });
             },
             "invalid_key 0"},
        Case{"issuer_key_unsupported",
             [](Hierarchy& h) {
               h.intermediate.public_key_info = der_of([](asn1::DerWriter& der) {
                 der.sequence([&] {
                   der.sequence([&] {
                     der.object_identifier(oids::ec_public_key);
                     der.object_identifier(oids::secp521r1);
                   });
                   der.bit_string(Octets(133));
                 });
               });
             },
             "unsupported_key_type 1"},
        // Issuers.
        Case{"issuer_unknown", [](Hierarchy& h) { h.leaf.issuer = "nobody"; }, "unknown_issuer 0"},
        Case{"issuer_of_the_intermediate_unknown", [](Hierarchy& h) { h.intermediate.issuer = "nobody"; },
             "unknown_issuer 1"},
        Case{"issuer_named_in_another_case", [](Hierarchy& h) { h.leaf.issuer = " INTERmediate "; }, "valid"},
        // Limits.
        Case{"path_as_long_as_allowed", [](Hierarchy& h) { h.options.limits.path_certificates = 3; }, "valid"},
        Case{"path_longer_than_allowed", [](Hierarchy& h) { h.options.limits.path_certificates = 2; }, "path_too_long anchor 0"},
        Case{"signatures_just_enough", [](Hierarchy& h) { h.options.limits.signatures = 2; }, "valid"},
        Case{"signatures_exhausted", [](Hierarchy& h) { h.options.limits.signatures = 1; }, "too_many_signatures anchor 0"},
        Case{"certificates_just_allowed", [](Hierarchy& h) { h.options.limits.certificates = 2; }, "valid"},
        Case{"too_many_certificates", [](Hierarchy& h) { h.options.limits.certificates = 1; }, "chain_too_large 0"},
        Case{"too_many_bytes", [](Hierarchy& h) { h.options.limits.chain_bytes = 500; }, "chain_too_large 0"},
        // Name constraints.
        Case{"name_permitted",
             [](Hierarchy& h) { set(h.intermediate, name_constraints({{2, "example.com"}}, {})); }, "valid"},
        Case{"name_not_permitted",
             [](Hierarchy& h) { set(h.intermediate, name_constraints({{2, "example.org"}}, {})); },
             "name_not_permitted 0"},
        Case{"name_excluded_by_the_anchor",
             [](Hierarchy& h) { set(h.root, name_constraints({}, {{2, "example.com"}})); }, "name_not_permitted 0"},
        Case{"constraint_on_names_that_the_leaf_does_not_have",
             [](Hierarchy& h) { set(h.intermediate, name_constraints({{1, "example.org"}}, {{6, "example.org"}})); },
             "valid"},
        Case{"constraint_that_is_not_understood",
             [](Hierarchy& h) {
               set(h.intermediate, name_constraints({}, {{1, "example.org"}}));
               set(h.leaf, subject_alt_name({{2, "www.example.com"}, {1, "a@example.com"}}));
             },
             "unsupported_name_constraint 1"},
        Case{"constraints_just_within_the_comparisons",
             [](Hierarchy& h) {
               set(h.root, name_constraints({{2, "example.com"}}, {}));
               // The subjects of leaf and intermediate, and the leaf's name.
               h.options.limits.name_comparisons = 3;
             },
             "valid"},
        Case{"long_constraints_count_by_their_length",
             [](Hierarchy& h) {
               set(h.root, name_constraints({}, {{2, std::string(64, 'a')}}));
               h.options.limits.name_comparisons = 8;  // 3 names, 1 + 2 each
             },
             "too_many_names anchor 0"},
        Case{"too_many_names",
             [](Hierarchy& h) {
               set(h.root, name_constraints({{2, "example.com"}}, {}));
               h.options.limits.name_comparisons = 2;
             },
             "too_many_names anchor 0"}),
    [](const testing::TestParamInfo<Case>& tested) { return std::string(tested.param.name); });

// A chain of `intermediates` of them, in any order, with the leaf first.
Chain long_chain(int intermediates) {
  Chain chain;
  const crypto::PrivateKey root = key_number(root_key);
  chain.anchor_ders = {root_forgery().sign(root.public_key(), root)};
  std::string issuer = "root";
  Byte issuer_key = root_key;
  for (int i = 0; i < intermediates; ++i) {
    const auto key = static_cast<Byte>(30 + i);
    const std::string subject = "intermediate " + std::to_string(i);
    chain.ders.push_back(
        intermediate_forgery(subject, issuer).sign(key_number(key).public_key(), key_number(issuer_key)));
    issuer = subject;
    issuer_key = key;
  }
  chain.ders.insert(chain.ders.begin(),
                    leaf_forgery(issuer).sign(key_number(leaf_key).public_key(), key_number(issuer_key)));
  chain.parse();
  return chain;
}

const VerifyOptions usual{now, Purpose::server, "www.example.com"};

TEST(Verify, FindsThePathInAnyOrderAndWithoutNeedOfTheRest) {
  Chain chain = long_chain(4);
  Forgery stranger = intermediate_forgery("stranger", "nobody");
  chain.ders.insert(chain.ders.begin() + 2, stranger.sign(key_number(9).public_key(), key_number(9)));
  chain.ders.push_back(chain.anchor_ders[0]);
  std::sort(chain.ders.begin() + 1, chain.ders.end());
  do {
    chain.certificates.clear();
    chain.anchors.clear();
    chain.parse();
    const auto valid = chain.verify(usual);
    ASSERT_TRUE(valid.has_value()) << outcome(valid);
    EXPECT_EQ(valid->size, 6u);
    EXPECT_EQ(valid->path[0], (CertificateIndex{In::presented, 0}));
    EXPECT_EQ(valid->path[5], (CertificateIndex{In::anchors, 0}));
    for (std::size_t i = 0; i < 4; ++i) {
      ASSERT_EQ(valid->path[i + 1].in, In::presented);
      const Certificate& c = chain.certificates[valid->path[i + 1].index];
      EXPECT_EQ(common_name(c.subject), "intermediate " + std::to_string(3 - i));
    }
  } while (std::prev_permutation(chain.ders.begin() + 1, chain.ders.begin() + 4));
}

TEST(Verify, TheLongestPathIsTheLimit) {
  EXPECT_EQ(outcome(long_chain(6).verify(usual)), "valid");
  EXPECT_EQ(outcome(long_chain(7).verify(usual)), "path_too_long anchor 0");
  VerifyOptions options = usual;
  options.limits.path_certificates = 100;  // more than max_path is max_path
  EXPECT_EQ(outcome(long_chain(14).verify(options)), "valid");
  EXPECT_EQ(outcome(long_chain(15).verify(options)), "path_too_long anchor 0");
}

TEST(Verify, SelfIssuedIntermediatesDoNotCountTowardsThePathLength) {
  // root (path length 0) <- root, another key, self-issued <- leaf
  Forgery root = root_forgery();
  set(root, basic_constraints(true, 0));
  Forgery rollover = root_forgery();
  Chain chain;
  chain.anchor_ders = {root.sign(key_number(root_key).public_key(), key_number(root_key))};
  chain.ders = {leaf_forgery("root").sign(key_number(leaf_key).public_key(), key_number(2)),
                rollover.sign(key_number(2).public_key(), key_number(root_key))};
  chain.parse();
  EXPECT_EQ(outcome(chain.verify(usual)), "valid");
}

TEST(Verify, AnotherPathIsFoundWhereTheFirstFails) {
  // Two intermediates of one name and key: one expired, one whose issuer is unknown, one good.
  const crypto::PrivateKey root = key_number(root_key);
  const crypto::PrivateKey intermediate = key_number(2);
  Forgery expired = intermediate_forgery();
  expired.validity.not_after = {now.seconds - 1};
  const Forgery orphan = intermediate_forgery("intermediate", "nobody");
  Chain chain;
  chain.anchor_ders = {root_forgery().sign(root.public_key(), root)};
  chain.ders = {leaf_forgery().sign(key_number(leaf_key).public_key(), intermediate),
                expired.sign(intermediate.public_key(), root), orphan.sign(intermediate.public_key(), key_number(5)),
                intermediate_forgery().sign(intermediate.public_key(), root)};
  chain.parse();
  const auto valid = chain.verify(usual);
  ASSERT_TRUE(valid.has_value());
  EXPECT_EQ(valid->path[1], (CertificateIndex{In::presented, 3}));
  chain.certificates.pop_back();
  EXPECT_EQ(outcome(chain.verify(usual)), "expired 1");
}

TEST(Verify, ContradictingKeyIdentifiersAreTriedLastAndSayNothing) {
  const auto identifier = [](Byte n) {
    return ForgedExtension{oids::subject_key_identifier, false,
                           der_of([&](asn1::DerWriter& der) { der.octet_string(Octets{n}); })};
  };
  const auto authority = [](Byte n) {
    return ForgedExtension{oids::authority_key_identifier, false, der_of([&](asn1::DerWriter& der) {
                             der.sequence([&] { der.primitive(asn1::context(0), Octets{n}); });
                           })};
  };
  const crypto::PrivateKey good_key = key_number(root_key);
  Forgery old_root = root_forgery();
  set(old_root, identifier(1));
  Forgery leaf = leaf_forgery("root");
  set(leaf, authority(2));
  Chain chain;
  chain.anchor_ders = {old_root.sign(key_number(7).public_key(), key_number(7))};
  chain.ders = {leaf.sign(key_number(leaf_key).public_key(), good_key)};
  chain.parse();
  // Another CA of the same name: not a wrong signature, but an issuer that is not known.
  EXPECT_EQ(outcome(chain.verify(usual)), "unknown_issuer 0");

  // With the right one beside it, one signature is enough.
  Forgery new_root = root_forgery();
  set(new_root, identifier(2));
  chain.anchor_ders.push_back(new_root.sign(good_key.public_key(), good_key));
  chain.certificates.clear();
  chain.anchors.clear();
  chain.parse();
  VerifyOptions options = usual;
  options.limits.signatures = 1;
  EXPECT_EQ(outcome(chain.verify(options)), "valid");

  // A wrong identifier does not hinder.
  set(leaf, authority(3));
  chain.ders = {leaf.sign(key_number(leaf_key).public_key(), good_key)};
  chain.certificates.clear();
  chain.anchors.clear();
  chain.parse();
  EXPECT_EQ(outcome(chain.verify(usual)), "valid");
}

TEST(Verify, SelfSignedCertificates) {
  const crypto::PrivateKey key = key_number(leaf_key);
  Forgery forgery = leaf_forgery("leaf");
  Chain chain;
  chain.ders = {forgery.sign(key.public_key(), key)};
  chain.parse();
  EXPECT_EQ(outcome(chain.verify(usual)), "self_signed 0");
  // Trusted itself, it needs no issuer; what else holds of leaves still does.
  chain.anchors = chain.certificates;
  const auto valid = chain.verify(usual);
  ASSERT_TRUE(valid.has_value());
  EXPECT_EQ(valid->size, 1u);
  VerifyOptions options = usual;
  options.name = "example.org";
  EXPECT_EQ(outcome(chain.verify(options)), "name_mismatch 0");
  options = usual;
  options.at = {now.seconds + 1'000'000};
  EXPECT_EQ(outcome(chain.verify(options)), "expired 0");

  // A root that came along and is not trusted.
  Chain with_root = chain_of({});
  with_root.certificates.push_back(with_root.anchors[0]);
  with_root.anchors.clear();
  EXPECT_EQ(outcome(with_root.verify(usual)), "self_signed 2");
}

// Two CAs that certify each other, many times over, and no anchor in sight: the search ends, at its budget at the
// latest.
TEST(Verify, LoopsEnd) {
  Chain chain;
  const crypto::PrivateKey a = key_number(2);
  const crypto::PrivateKey b = key_number(3);
  chain.ders = {leaf_forgery("a").sign(key_number(leaf_key).public_key(), a)};
  for (Byte n = 1; n <= 7; ++n) {
    Forgery a_by_b = intermediate_forgery("a", "b");
    Forgery b_by_a = intermediate_forgery("b", "a");
    a_by_b.serial = b_by_a.serial = {n};
    chain.ders.push_back(a_by_b.sign(a.public_key(), b));
    chain.ders.push_back(b_by_a.sign(b.public_key(), a));
  }
  chain.parse();
  EXPECT_EQ(outcome(chain.verify(usual)).substr(0, 19), "too_many_signatures");
  VerifyOptions options = usual;
  options.limits.path_certificates = 2;
  EXPECT_EQ(outcome(chain.verify(options)).substr(0, 13), "path_too_long");
  // Each once: no way out, and no budget needed.
  chain.certificates.resize(3);
  EXPECT_EQ(outcome(chain.verify(usual)), "unknown_issuer 2");
}

TEST(VerifyChain, MalformedCertificates) {
  const Chain chain = chain_of({});
  Budget budget(1 << 20);
  const Octets garbage = {0x30, 0x01, 0x00};
  const auto outcome_of = [&](std::vector<Bytes> ders) {
    return outcome(verify_chain(ders, chain.anchors, usual, budget, portable_cpu));
  };
  EXPECT_EQ(outcome_of({}), "no_certificate 0");
  EXPECT_EQ(outcome_of({garbage, chain.ders[1]}), "malformed_certificate 0");
  EXPECT_EQ(outcome_of({chain.ders[0], garbage}), "malformed_certificate 1");
  EXPECT_EQ(outcome_of({chain.ders[0], garbage, chain.ders[1]}), "valid");
  std::vector<Bytes> ders = {chain.ders[0], garbage, chain.ders[1]};
  const auto valid = verify_chain(ders, chain.anchors, usual, budget, portable_cpu);
  EXPECT_EQ(valid->path[1], (CertificateIndex{In::presented, 2}));  // counted as it was presented
  // Positions in faults are counted like that, too.
  VerifyOptions late = usual;
  Hierarchy h;
  h.intermediate.validity.not_after = {now.seconds - 1};
  const Chain expired = chain_of(h);
  ders = {expired.ders[0], garbage, expired.ders[1]};
  EXPECT_EQ(outcome(verify_chain(ders, expired.anchors, late, budget, portable_cpu)), "expired 2");
  EXPECT_EQ(outcome_of(std::vector<Bytes>(17, chain.ders[0])), "chain_too_large 0");
  const Octets huge(200'000);
  EXPECT_EQ(outcome_of({chain.ders[0], huge}), "chain_too_large 0");
  VerifyOptions exact = usual;
  exact.limits.chain_bytes = chain.ders[0].size() + chain.ders[1].size();
  ders = {chain.ders[0], chain.ders[1]};
  EXPECT_EQ(outcome(verify_chain(ders, chain.anchors, exact, budget, portable_cpu)), "valid");
  --exact.limits.chain_bytes;
  EXPECT_EQ(outcome(verify_chain(ders, chain.anchors, exact, budget, portable_cpu)), "chain_too_large 0");
  EXPECT_EQ(outcome(chain.verify(exact)), "chain_too_large 0");
}

// No single damaged byte in leaf or intermediate goes through, whatever the byte is.
TEST(VerifyChain, NoFlippedByteVerifies) {
  const Chain chain = chain_of({});
  Budget budget(1 << 20);
  std::vector<Bytes> ders(chain.ders.begin(), chain.ders.end());
  ASSERT_TRUE(verify_chain(ders, chain.anchors, usual, budget, portable_cpu).has_value());
  for (std::size_t which = 0; which < ders.size(); ++which) {
    Octets damaged = chain.ders[which];
    ders[which] = damaged;
    for (std::size_t at = 0; at < damaged.size(); ++at) {
      const Byte flip = at % 2 == 0 ? 0x01 : 0x80;
      damaged[at] ^= flip;
      EXPECT_FALSE(verify_chain(ders, chain.anchors, usual, budget, portable_cpu).has_value()) << which << " " << at;
      damaged[at] ^= flip;
    }
    ders[which] = chain.ders[which];
  }
}

struct ConstraintCase {
  std::vector<ForgedName> permitted;
  std::vector<ForgedName> excluded;
  ForgedName name;
  bool valid;
};

TEST(NameConstraints, DnsAndAddresses) {
  const std::string net("\x0a\x01\0\0\xff\xff\0\0", 8);
  const std::string inside("\x0a\x01\x02\x03", 4);
  const std::string outside("\x0a\x02\x02\x03", 4);
  const std::string net6 =
      std::string("\x20\x01\x0d\xb8", 4) + std::string(12, '\0') + std::string(4, '\xff') + std::string(12, '\0');
  const std::string inside6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(12, 'x');
  const ConstraintCase cases[] = {
      {{{2, "example.com"}}, {}, {2, "example.com"}, true},
      {{{2, "example.com"}}, {}, {2, "a.b.EXAMPLE.com"}, true},
      {{{2, "example.com"}}, {}, {2, "notexample.com"}, false},
      {{{2, "example.com"}}, {}, {2, "com"}, false},
      {{{2, "example.com"}}, {}, {2, "*.example.com"}, true},
      {{{2, ".example.com"}}, {}, {2, "a.example.com"}, true},
      {{{2, ".example.com"}}, {}, {2, "example.com"}, false},
      {{{2, "a.example.com"}}, {}, {2, "*.example.com"}, false},
      {{{2, ""}}, {}, {2, "anything.example"}, true},
      {{{2, "example.org"}, {2, "example.com"}}, {}, {2, "example.com"}, true},
      {{{2, "example.com."}}, {}, {2, "example.com"}, true},
      {{}, {{2, "example.com"}}, {2, "www.example.com"}, false},
      {{}, {{2, "example.com"}}, {2, "example.org"}, true},
      {{}, {{2, "example.com."}}, {2, "example.com"}, false},
      {{}, {{2, ""}}, {2, "example.org"}, false},
      {{}, {{2, "a.example.com"}}, {2, "*.example.com"}, false},  // the wildcard could stand for a.example.com
      {{}, {{2, "a.b.example.com"}}, {2, "*.example.com"}, true},
      {{}, {{2, "aexample.com"}}, {2, "*.example.com"}, true},
      {{{2, "example.com"}}, {{2, "a.example.com"}}, {2, "a.example.com"}, false},
      {{{2, "example.com"}}, {{2, "a.example.com"}}, {2, "b.example.com"}, true},
      {{{2, "example.com"}}, {}, {7, inside}, true},  // other types are not constrained
      {{{7, net}}, {}, {7, inside}, true},
      {{{7, net}}, {}, {7, outside}, false},
      {{{7, net}}, {}, {7, inside6}, false},
      {{{7, net6}}, {}, {7, inside6}, true},
      {{}, {{7, net}}, {7, inside}, false},
      {{}, {{7, net}}, {7, outside}, true},
  };
  for (const ConstraintCase& c : cases) {
    Hierarchy h;
    set(h.intermediate, name_constraints(c.permitted, c.excluded));
    set(h.leaf, subject_alt_name({c.name}));
    h.options.name = {};
    const Chain chain = chain_of(h);
    EXPECT_EQ(outcome(chain.verify(h.options)), c.valid ? "valid" : "name_not_permitted 0")
        << (c.permitted.empty() ? "" : c.permitted[0].value) << " - " << (c.excluded.empty() ? "" : c.excluded[0].value)
        << " - " << c.name.value;
  }
}

TEST(NameConstraints, DirectoryNamesAndEmailInTheSubject) {
  const auto constraint = [](const Octets& base, unsigned kind) {
    return ForgedExtension{
        oids::name_constraints, true, der_of([&](asn1::DerWriter& der) {
          der.sequence(
              [&] { der.element(asn1::context_constructed(kind), [&] { der.sequence([&] { der.encoded(base); }); }); });
        })};
  };
  const auto directory = [](std::string_view name) {
    return der_of(
        [&](asn1::DerWriter& der) { der.element(asn1::context_constructed(4), [&] { der.encoded(name_der(name)); }); });
  };
  const auto outcome_with = [&](const ForgedExtension& extension) {
    Hierarchy h;
    set(h.intermediate, extension);
    return outcome(chain_of(h).verify(h.options));
  };
  EXPECT_EQ(outcome_with(constraint(directory("LEAF"), 0)), "valid");
  EXPECT_EQ(outcome_with(constraint(directory("other"), 0)), "name_not_permitted 0");
  EXPECT_EQ(outcome_with(constraint(directory("leaf"), 1)), "name_not_permitted 0");
  EXPECT_EQ(outcome_with(constraint(directory("other"), 1)), "valid");
}

}  // namespace
}  // namespace limpid::x509::test
