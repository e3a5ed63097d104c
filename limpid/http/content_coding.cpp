#include "limpid/http/content_coding.hpp"

namespace limpid::http {
namespace {

// RFC 9110, section 12.4.2: "0" or "1" with at most three decimals, in thousandths.
std::optional<int> parse_weight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return {};
  int weight = (text[0] - '0') * 1000;
  text.remove_prefix(1);
  if (text.empty()) return weight;
  if (text[0] != '.' || text.size() > 4) return {};
  text.remove_prefix(1);
  for (int place = 100; !text.empty(); place /= 10) {
    if (!is_digit(text[0])) return {};
    weight += (text[0] - '0') * place;
    text.remove_prefix(1);
  }
  if (weight > 1000) return {};
  return weight;
}

}  // namespace

std::string_view name(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::identity:
      return "";
    case ContentCoding::brotli:
      return "br";
    case ContentCoding::gzip:
      return "gzip";
  }
  return "";
}

std::string_view suffix(ContentCoding coding) {
  switch (coding) {
    case ContentCoding::identity:
      return "";
    case ContentCoding::brotli:
      return ".br";
    case ContentCoding::gzip:
      return ".gz";
  }
  return "";
}

InlineList<ContentCoding, 2> preferred_codings(const Fields& fields) {
  std::optional<int> brotli, gzip, identity, any;
  fields.each_element("accept-encoding", [&](std::string_view element) {
    const std::string_view coding = trimmed(cut(element, ';'));
    std::optional<int> weight = 1000;
    if (element = trimmed(element); !element.empty()) {
      const bool is_weight = equals_ignoring_case(cut(element, '='), "q");
      weight = is_weight ? parse_weight(element) : std::nullopt;
    }
    // What cannot be read expresses no preference.
    if (!weight) return;
    if (equals_ignoring_case(coding, "br")) brotli = weight;
    // Section 8.4.1.3: "A recipient SHOULD consider "x-gzip" to be equivalent to "gzip"."
    if (equals_ignoring_case(coding, "gzip") || equals_ignoring_case(coding, "x-gzip")) gzip = weight;
    if (equals_ignoring_case(coding, "identity")) identity = weight;
    if (coding == "*") any = weight;
  });
  // "The asterisk "*" symbol in an Accept-Encoding field matches any available content coding not explicitly listed in
  // the field."
  const int for_brotli = brotli.value_or(any.value_or(0));
  const int for_gzip = gzip.value_or(any.value_or(0));
  // Not named, the file as it is is acceptable but not asked for.
  const int at_least = std::max(1, identity.value_or(0));
  InlineList<ContentCoding, 2> best_first;
  if (for_gzip > for_brotli && for_gzip >= at_least) best_first.push_back(ContentCoding::gzip);
  if (for_brotli >= at_least) best_first.push_back(ContentCoding::brotli);
  if (for_gzip <= for_brotli && for_gzip >= at_least) best_first.push_back(ContentCoding::gzip);
  return best_first;
}

}  // namespace limpid::http
