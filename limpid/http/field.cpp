#include "limpid/http/field.hpp"

namespace limpid::http {

bool Fields::well_formed() const {
  for (std::string_view rest = lines_; !rest.empty();) {
    const std::string_view line = cut(rest, '\n');
    const std::size_t colon = line.find(':');
    // RFC 9112, section 5.1: "A server MUST reject, with a response status code of 400 (Bad Request), any received
    // request message that contains whitespace between a header field name and colon." Section 5.2: a sender MUST NOT
    // fold, and a server that receives a folded line may reject it; such a line begins with whitespace, so its name is
    // no token.
    if (colon == line.npos || !is_token(first(line, colon))) return false;
  }
  return true;
}

std::optional<std::string_view> Fields::only(std::string_view name) const {
  std::optional<std::string_view> found;
  int n = 0;
  each([&](Field field) {
    if (!equals_ignoring_case(field.name, name)) return;
    found = field.value;
    ++n;
  });
  if (n != 1) return {};
  return found;
}

int Fields::count(std::string_view name) const {
  int n = 0;
  each([&](Field field) { n += equals_ignoring_case(field.name, name) ? 1 : 0; });
  return n;
}

}  // namespace limpid::http
