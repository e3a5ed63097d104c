#include "url.hpp"

#include <algorithm>

namespace limpid::apps {
namespace {

std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += '%';
      out += "0123456789ABCDEF"[byte >> 4];
      out += "0123456789ABCDEF"[byte & 15];
    }
  }
  return out;
}

bool has_scheme(std::string_view text, std::string_view scheme) {
  return text.size() >= scheme.size() && std::equal(scheme.begin(), scheme.end(), text.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b);
         });
}

// RFC 3986, section 5.2.4, of an absolute path.
std::string without_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);  // with the slash in front
    path.remove_prefix(end);
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") out.resize(out.empty() ? 0 : out.rfind('/'));
      if (path.empty()) out += '/';
    } else {
      out += segment;
    }
  }
  return out.empty() ? "/" : out;
}

}  // namespace

std::string Url::host_field() const {
  const bool brackets = where.host.find(':') != std::string::npos;
  std::string field = brackets ? "[" + where.host + "]" : where.host;
  if (where.port != (secure ? 443 : 80)) field += ":" + std::to_string(where.port);
  return field;
}

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (has_scheme(text, "https://")) {
    text.remove_prefix(8);
  } else if (has_scheme(text, "http://")) {
    text.remove_prefix(7);
    url.secure = false;
  } else {
    return std::nullopt;
  }
  text = text.substr(0, text.find('#'));
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  std::string authority(text.substr(0, end));
  const std::string_view rest = text.substr(end);
  const std::string own_port = url.secure ? "443" : "80";
  if (authority.find('@') != authority.npos) return std::nullopt;
  if (authority.ends_with(':')) {
    authority += own_port;
  } else if (authority.ends_with(']') || authority.find(':') == authority.npos) {
    authority += ":" + own_port;
  }
  const auto where = effects::parse_host_port(authority);
  const auto is_odd = [](char c) {
    return c <= 0x20 || c == 0x7f || std::string_view("\"<>\\^`{|}%").find(c) != std::string_view::npos;
  };
  if (!where || where->host.empty() || where->port == 0 ||
      std::any_of(where->host.begin(), where->host.end(), is_odd)) {
    return std::nullopt;
  }
  url.where = *where;
  url.target = (rest.starts_with('/') ? "" : "/") + encoded(rest);
  return url;
}

std::optional<Url> resolve_reference(const Url& base, std::string_view reference) {
  reference = reference.substr(0, reference.find('#'));
  if (has_scheme(reference, "http://") || has_scheme(reference, "https://")) return parse_url(reference);
  if (reference.starts_with("//")) return parse_url((base.secure ? "https:" : "http:") + std::string(reference));
  const std::size_t colon = reference.find(':');
  if (colon < reference.find_first_of("/?")) return std::nullopt;  // another scheme

  Url url = base;
  if (reference.empty()) return url;
  const std::string_view base_path = std::string_view(base.target).substr(0, base.target.find('?'));
  const std::size_t query = std::min(reference.find('?'), reference.size());
  const std::string_view path = reference.substr(0, query);
  std::string merged(path);
  if (path.empty()) {
    merged = base_path;
  } else if (!path.starts_with('/')) {
    merged = std::string(base_path.substr(0, base_path.rfind('/') + 1)) + merged;
  }
  url.target = encoded(without_dot_segments(merged)) + encoded(reference.substr(query));
  return url;
}

}  // namespace limpid::apps
