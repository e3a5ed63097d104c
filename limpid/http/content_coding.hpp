// Which of the forms that a file may lie in is sent (RFC 9110, sections 8.4 and 12.5.3).
#pragma once

#include "limpid/core/inline_list.hpp"
#include "limpid/http/field.hpp"

namespace limpid::http {

enum class ContentCoding : std::uint8_t { identity, brotli, gzip };
constexpr bool is_valid(ContentCoding coding) { return coding <= ContentCoding::gzip; }

// As Content-Encoding names it; empty for identity.
std::string_view name(ContentCoding coding);
// What a file compressed beforehand has behind its name: ".br", ".gz"; empty for identity.
std::string_view suffix(ContentCoding coding);

// What the peer would rather have than the file as it is, best first.
InlineList<ContentCoding, 2> preferred_codings(const Fields& fields);

}  // namespace limpid::http
