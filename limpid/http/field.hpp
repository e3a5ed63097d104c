// Field lines of a message head (RFC 9112, section 5).
#pragma once

#include <optional>
#include <string_view>

#include "limpid/http/syntax.hpp"

namespace limpid::http {

struct Field {
  std::string_view name, value;
};

// The lines of a head behind its start line, each ended by CRLF; a view.
class Fields {
 public:
  Fields() = default;
  explicit Fields(std::string_view lines) : lines_(lines) {}

  // Every line is a field as RFC 9112, section 5 has it: a name that is a token, a colon right behind it, no obsolete
  // folding.
  bool well_formed() const;

  // Calls `visit(Field)` for every field, in order. Only if well_formed().
  template <class Visit>
  void each(Visit&& visit) const {
    for (std::string_view rest = lines_; !rest.empty();) visit(take(rest));
  }

  // The value of the only field of that name. Empty if there is none or more than one; `count` says which.
  std::optional<std::string_view> only(std::string_view name) const;
  int count(std::string_view name) const;

  // Calls `visit(element)` for every element of the lists in all fields of that name (RFC 9110, section 5.6.1), for
  // lists whose elements have no quoted commas.
  template <class Visit>
  void each_element(std::string_view name, Visit&& visit) const {
    each([&](Field field) {
      if (!equals_ignoring_case(field.name, name)) return;
      for (std::string_view rest = field.value; !rest.empty();) {
        const std::string_view element = trimmed(cut(rest, ','));
        if (!element.empty()) visit(element);
      }
    });
  }

 private:
  static Field take(std::string_view& rest) {
    std::string_view line = cut(rest, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string_view name = cut(line, ':');
    return {name, trimmed(line)};
  }

  std::string_view lines_;
};

}  // namespace limpid::http
