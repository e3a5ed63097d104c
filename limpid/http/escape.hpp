// Names of files as URLs and pages hold them. `out` is whatever takes text().
#pragma once

#include "limpid/core/bytes.hpp"
#include "limpid/http/syntax.hpp"

namespace limpid::http {

// A path with slashes and what else may stand in one as they are (RFC 3986, section 3.3: pchar), the rest encoded.
void percent_encode(std::string_view path, auto& out) {
  for (const char c : path) {
    if (is_alpha(c) || is_digit(c) || std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos) {
      out.text({&c, 1});
      continue;
    }
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<Byte>(c);
    const char encoded[] = {'%', digits[byte >> 4], digits[byte & 15]};
    out.text({encoded, sizeof encoded});
  }
}

// Text that is no markup wherever it stands, in a quoted attribute as well.
void html_escape(std::string_view text, auto& out) {
  for (const char& c : text) {
    switch (c) {
      case '&':
        out.text("&amp;");
        break;
      case '<':
        out.text("&lt;");
        break;
      case '>':
        out.text("&gt;");
        break;
      case '"':
        out.text("&quot;");
        break;
      case '\'':
        out.text("&#39;");
        break;
      default:
        out.text({&c, 1});
        break;
    }
  }
}

}  // namespace limpid::http
