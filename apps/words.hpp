// What machines are told and what they answer, in words for a person: "Received 517 bytes", "HandshakeDone ...". Bytes
// are counted, not shown: there are keys among them.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "limpid/stack/client.hpp"
#include "limpid/stack/host_server.hpp"

namespace limpid::apps {

// The name of a type without its namespaces.
template <class T>
constexpr std::string_view type_name() {
  std::string_view name = __PRETTY_FUNCTION__;
  name.remove_prefix(name.find("T = ") + 4);
  name = name.substr(0, name.find_first_of(";]"));
  return name.substr(name.rfind(':') + 1);
}

// The names of a variant's alternatives, in order.
template <class Variant>
constexpr auto alternatives() {
  return []<class... Held>(std::type_identity<std::variant<Held...>>) {
    return std::array{type_name<Held>()...};
  }(std::type_identity<Variant>());
}

std::string words(const stack::Server::Event& event);
std::string words(const stack::HostServer::Event& event);
std::string words(const stack::Client::Event& event);
std::string words(const stack::Server::Action& action);
std::string words(const stack::HostServer::Action& action);
std::string words(const stack::Client::Action& action);

}  // namespace limpid::apps
