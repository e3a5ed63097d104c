// URLs with the schemes http and https (RFC 3986, RFC 9110, section 4.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "limpid/effects/sockets.hpp"

namespace limpid::apps {

struct Url {
  bool secure = true;
  effects::HostPort where;
  std::string target = "/";  // path and query: what the request line carries

  // For the Host field: with brackets if it is an IPv6 address, with the port unless it is the scheme's own.
  std::string host_field() const;
  friend bool operator==(const Url&, const Url&) = default;
};

// Nothing if it is not such a URL, or carries a user name, which would end up in logs. A fragment is dropped; spaces
// and bytes that are not ASCII are percent-encoded, as browsers do it.
std::optional<Url> parse_url(std::string_view text);

// What a Location field refers to, seen from `base` (RFC 3986, section 5.2).
std::optional<Url> resolve_reference(const Url& base, std::string_view reference);

}  // namespace limpid::apps
