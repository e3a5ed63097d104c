// The text of the server's answers: a function of the request, what it found, and when.
#pragma once

#include "limpid/http/files.hpp"
#include "limpid/http/request.hpp"
#include "limpid/http/window_writer.hpp"

namespace limpid::http {

// RFC 9110, section 13: what to answer for this file, whose conditions may ask for another version of it: ok,
// not_modified or precondition_failed.
Status evaluate_conditions(const RequestHead& request, const Found& found, UnixTime now);

struct AnswerText {
  Bytes request;          // its head; empty if it could not be read
  std::string_view path;  // the file's, as looked up
  Status status;
  bool close;
  UnixTime date;
  std::optional<Found> file;  // for ok, not_modified and precondition_failed
};

// The head of the answer and, unless the content is a file (status ok) or there must be none, a page that says what
// happened.
void emit_answer(const AnswerText& answer, std::string_view server_name, WindowWriter& out);

// Bytes of the head alone.
std::uint64_t answer_head_size(const AnswerText& answer, std::string_view server_name);

}  // namespace limpid::http
