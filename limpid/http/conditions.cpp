#include "limpid/http/conditions.hpp"

#include "limpid/http/date.hpp"

namespace limpid::http {
namespace {

// Takes one entity tag, or "*", from the front of a list (RFC 9110, section 8.8.3). False at the end or at what is
// neither.
bool take_entity_tag(std::string_view& list, bool& weak, std::string_view& opaque) {
  while (!list.empty() && (list.front() == ' ' || list.front() == '\t' || list.front() == ',')) list.remove_prefix(1);
  weak = list.starts_with("W/");
  if (weak) list.remove_prefix(2);
  if (list.starts_with('*')) {
    opaque = first(list, 1);
    list.remove_prefix(1);
    return !weak;
  }
  if (!list.starts_with('"')) return false;
  const std::size_t end = list.find('"', 1);
  if (end == list.npos) return false;
  opaque = first(list, end + 1);
  list.remove_prefix(end + 1);
  return true;
}

// The entity tag of the file, which is strong.
class OwnTag {
 public:
  OwnTag(const Found& found, ContentCoding coding) {
    WindowWriter out(0, storage_);
    emit_entity_tag(found, coding, out);
    size_ = out.written();
  }
  std::string_view text() const { return as_text(Bytes(storage_).first(size_)); }

 private:
  Byte storage_[48];
  std::size_t size_ = 0;
};

// Whether one of the tags in the fields `name` matches. RFC 9110, section 8.8.3.2: strong comparison never matches a
// weak tag.
bool any_tag_matches(const Fields& fields, std::string_view name, const OwnTag& own, bool strong_comparison) {
  bool matches = false;
  fields.each([&](Field field) {
    if (!equals_ignoring_case(field.name, name)) return;
    std::string_view opaque;
    bool weak = false;
    for (std::string_view list = field.value; take_entity_tag(list, weak, opaque);) {
      if (opaque == "*" || (opaque == own.text() && !(weak && strong_comparison))) matches = true;
    }
  });
  return matches;
}

std::optional<UnixTime> date_field(const Fields& fields, std::string_view name, UnixTime now) {
  const auto value = fields.only(name);
  return value ? parse_date(*value, now) : std::nullopt;
}

// Section 13.1.5: whether a Range field counts, as far as If-Range says.
bool range_is_wanted(const Fields& fields, const OwnTag& own, UnixTime modified, UnixTime now) {
  const int conditions = fields.count("if-range");
  if (conditions == 0) return true;
  const auto value = fields.only("if-range");
  if (!value) return false;
  // "A client MUST NOT generate an If-Range header field containing an entity tag that is marked as weak": strong
  // comparison refuses those.
  if (value->find('"') != value->npos) return *value == own.text();
  // "If the HTTP-date validator provided is not a strong validator in the sense defined by Section 8.8.2.2, the
  // condition is false": a file that changed within this second may do so again.
  const auto date = parse_date(*value, now);
  return date && *date == modified && modified < now;
}

}  // namespace

void emit_entity_tag(const Found& found, ContentCoding coding, WindowWriter& out) {
  out.character('"');
  out.hex(found.size);
  out.character('-');
  out.hex(found.version);
  if (coding != ContentCoding::identity) {
    out.character('-');
    out.text(name(coding));
  }
  out.character('"');
}

// RFC 9110, section 13.2.2, whose steps these are.
Status evaluate_conditions(const RequestHead& request, const Found& found, ContentCoding coding, UnixTime now) {
  const Fields& fields = request.fields;
  const OwnTag own(found, coding);
  // What the peer sees as the modification date.
  const UnixTime modified = std::min(found.modified, now);
  if (fields.count("if-match") > 0) {
    if (!any_tag_matches(fields, "if-match", own, true)) return Status::precondition_failed;
  } else if (const auto date = date_field(fields, "if-unmodified-since", now)) {
    if (modified > *date) return Status::precondition_failed;
  }
  if (fields.count("if-none-match") > 0) {
    if (any_tag_matches(fields, "if-none-match", own, false)) return Status::not_modified;
  } else if (const auto date = date_field(fields, "if-modified-since", now)) {
    if (modified <= *date) return Status::not_modified;
  }
  // Section 14.2: "A server MUST ignore a Range header field received with a request method that is unrecognized or for
  // which range handling is not defined. For this specification, GET is the only method for which range handling is
  // defined."
  const auto range = fields.only("range");
  if (request.method != Method::get || !range || !range_is_wanted(fields, own, modified, now)) return Status::ok;
  const auto ranges = parse_ranges(*range, found.size);
  if (!ranges) return Status::ok;
  return ranges->empty() ? Status::range_not_satisfiable : Status::partial_content;
}

RangeSet requested_ranges(const RequestHead& request, const Found& found) {
  return parse_ranges(request.fields.only("range").value_or(""), found.size).value_or(RangeSet());
}

}  // namespace limpid::http
