#include "limpid/x509/name_constraints.hpp"

#include "limpid/asn1/oid.hpp"
#include "limpid/core/text.hpp"

namespace limpid::x509 {
namespace {

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool ends_with_ignoring_case(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
         std::ranges::equal(part_of(text, text.size() - end.size()), end, {}, lower, lower);
}

// RFC 5280: "Any DNS name that can be constructed by simply adding zero or more labels to the left-hand side of the
// name satisfies the name constraint." A leading dot demands at least one label.
bool dns_is_within(std::string_view name, std::string_view base) {
  if (base.empty()) return true;
  if (!ends_with_ignoring_case(name, base)) return false;
  const std::size_t before = name.size() - base.size();
  return base.front() == '.' ? before > 0 : before == 0 || name[before - 1] == '.';
}

// Whether the wildcard "*.rest" stands for `base` among others.
bool wildcard_stands_for(std::string_view name, std::string_view base) {
  if (!name.starts_with("*.")) return false;
  const std::string_view rest = part_of(name, 1);
  return base.size() > rest.size() && ends_with_ignoring_case(base, rest) &&
         part_of(base, 0, base.size() - rest.size()).find('.') == std::string_view::npos;
}

bool ip_is_within(Bytes address, Bytes base) {
  if (base.size() != 2 * address.size()) return false;
  const Bytes mask = base.subspan(address.size());
  for (std::size_t i = 0; i < address.size(); ++i) {
    if (((address[i] ^ base[i]) & mask[i]) != 0) return false;
  }
  return true;
}

enum class Kind : std::uint8_t { permitting, excluding };

bool is_understood(GeneralNameType type) {
  return type == GeneralNameType::dns_name || type == GeneralNameType::ip_address ||
         type == GeneralNameType::directory_name;
}

// Of two names of one type that is understood.
bool covers(const GeneralName& base, const GeneralName& name, Kind kind) {
  if (name.type == GeneralNameType::ip_address) return ip_is_within(name.value, base.value);
  if (name.type == GeneralNameType::directory_name) return is_within({name.value}, {base.value});
  const std::string_view presented = as_text(name.value);
  std::string_view root = as_text(base.value);
  if (root.ends_with('.')) root.remove_suffix(1);
  return dns_is_within(presented, root) || (kind == Kind::excluding && wildcard_stands_for(presented, root));
}

class Check {
 public:
  Check(const NameConstraints& constraints, std::size_t& comparisons_left)
      : constraints_(constraints), left_(comparisons_left) {}

  NameVerdict name(const GeneralName& name) {
    bool constrained = false;
    bool permitted = false;
    for (const GeneralSubtree& subtree : constraints_.permitted) {
      if (!charge(subtree)) return NameVerdict::too_many;
      if (subtree.base.type != name.type) continue;
      if (!is_understood(name.type)) return NameVerdict::unsupported;
      constrained = true;
      permitted = permitted || covers(subtree.base, name, Kind::permitting);
    }
    if (constrained && !permitted) return NameVerdict::not_permitted;
    for (const GeneralSubtree& subtree : constraints_.excluded) {
      if (!charge(subtree)) return NameVerdict::too_many;
      if (subtree.base.type != name.type) continue;
      if (!is_understood(name.type)) return NameVerdict::unsupported;
      if (covers(subtree.base, name, Kind::excluding)) return NameVerdict::not_permitted;
    }
    return NameVerdict::permitted;
  }

 private:
  // Comparing takes as long as the base is.
  bool charge(const GeneralSubtree& subtree) {
    const std::size_t cost = 1 + subtree.base.value.size() / 32;
    if (left_ < cost) return false;
    left_ -= cost;
    return true;
  }

  const NameConstraints& constraints_;
  std::size_t& left_;
};

}  // namespace

NameVerdict check_names(const Certificate& certificate, const NameConstraints& constraints,
                        std::size_t& comparisons_left) {
  Check check(constraints, comparisons_left);
  // RFC 5280: "Restrictions of the form directoryName MUST be applied to the subject field in the certificate (when the
  // certificate includes a non-empty subject field) and to any names of type directoryName in the subjectAltName
  // extension."
  if (!certificate.subject.empty()) {
    const NameVerdict verdict = check.name({GeneralNameType::directory_name, certificate.subject.der});
    if (verdict != NameVerdict::permitted) return verdict;
  }
  // "When a certificate does not include a subject alternative name, [...] the rfc822Name constraint MUST be applied to
  // the attribute of type emailAddress in the subject distinguished name".
  if (!certificate.subject_alt_name && has_attribute(certificate.subject, asn1::oids::email_address)) {
    const NameVerdict verdict = check.name({GeneralNameType::rfc822_name, {}});
    if (verdict != NameVerdict::permitted) return verdict;
  }
  for (const GeneralName& name : certificate.subject_alt_name.value_or(GeneralNames())) {
    const NameVerdict verdict = check.name(name);
    if (verdict != NameVerdict::permitted) return verdict;
  }
  return NameVerdict::permitted;
}

}  // namespace limpid::x509
