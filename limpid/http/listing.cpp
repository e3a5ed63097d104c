#include "limpid/http/listing.hpp"

#include "limpid/http/date.hpp"
#include "limpid/http/escape.hpp"

namespace limpid::http {

void begin_listing(std::string_view path, Writer& out) {
  const bool is_root = path == "/";
  const auto title = [&] {
    out.text("/");
    if (!is_root) html_escape(path, out);
  };
  out.text("<!doctype html>\n<meta charset=\"utf-8\">\n<title>");
  title();
  out.text("</title>\n<h1>");
  title();
  out.text("</h1>\n<table>\n");
  if (!is_root) out.text("<tr><td><a href=\"../\">../</a></td></tr>\n");
}

void list_entry(const ListedFile& file, Writer& out) {
  // With "./" in front no name can be taken for a scheme.
  out.text("<tr><td><a href=\"./");
  percent_encode(file.name, out);
  if (file.is_folder) out.text("/");
  out.text("\">");
  html_escape(file.name, out);
  if (file.is_folder) out.text("/");
  out.text("</a></td><td>");
  if (!file.is_folder) out.decimal(file.size);
  out.text("</td><td>");
  out.text(imf_fixdate(file.modified).text());
  out.text("</td></tr>\n");
}

void end_listing(bool complete, Writer& out) {
  out.text("</table>\n");
  if (!complete) out.text("<p>There are more, which are not shown.</p>\n");
}

}  // namespace limpid::http
