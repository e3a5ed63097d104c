// What the conditions of a request make of a file that was found for it (RFC 9110, sections 13 and 14).
#pragma once

#include "limpid/http/content_coding.hpp"
#include "limpid/http/files.hpp"
#include "limpid/http/range.hpp"
#include "limpid/http/request.hpp"
#include "limpid/http/window_writer.hpp"

namespace limpid::http {

// The file's strong entity tag, quotes included. Each coding has its own.
void emit_entity_tag(const Found& found, ContentCoding coding, WindowWriter& out);

// ok, partial_content, not_modified, precondition_failed or range_not_satisfiable.
Status evaluate_conditions(const RequestHead& request, const Found& found, ContentCoding coding, UnixTime now);

// The ranges that a request for which evaluate_conditions says partial_content asks for; otherwise of no meaning.
RangeSet requested_ranges(const RequestHead& request, const Found& found);

}  // namespace limpid::http
