#include <sched.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "limpid/effects/server.hpp"
#include "limpid/effects/sockets.hpp"
#include "serve_setup.hpp"

namespace limpid::apps::serving {
namespace {

unsigned usable_cores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

bool host_has_ipv6() { return effects::check_free({*effects::parse_address("::")}).has_value(); }

// What to listen on. An empty host or "*" is every address of both families.
Result<std::vector<stream::Endpoint>> listening_endpoints(std::vector<std::string> listen) {
  if (listen.empty()) listen.push_back("*:8443");
  std::vector<stream::Endpoint> endpoints;
  for (const std::string& text : listen) {
    const effects::HostPort where = *effects::parse_host_port(text);
    if (where.host.empty() || where.host == "*") {
      for (const char* all : {"::", "0.0.0.0"}) {
        if (std::string_view(all) == "::" && !host_has_ipv6()) continue;
        endpoints.push_back(*effects::parse_address(all));
        endpoints.back().port = where.port;
      }
      continue;
    }
    auto found = effects::resolve(where, std::nullopt);
    if (!found) return std::unexpected(found.error());
    endpoints.insert(endpoints.end(), found->begin(), found->end());
  }
  return endpoints;
}

// How somebody on this host reaches it.
std::string url(const stream::Endpoint& endpoint, bool plain) {
  const bool everywhere = endpoint.address == effects::parse_address("::")->address ||
                          endpoint.address == effects::parse_address("0.0.0.0")->address;
  return (plain ? "http://" : "https://") +
         (everywhere ? "localhost:" + std::to_string(endpoint.port) : effects::to_string(endpoint)) + "/";
}

}  // namespace

Result<void> on_sockets(const Options& options) {
  auto endpoints = listening_endpoints(options.listen);
  if (!endpoints) return std::unexpected(endpoints.error());

  // Before anything is made for a server that could not start.
  for (const stream::Endpoint& endpoint : *endpoints) {
    if (options.take_over) break;
    if (auto free = effects::check_free(endpoint); !free) return free;
  }
  std::vector<stream::Endpoint> redirect;
  if (options.redirect != 0) {
    for (stream::Endpoint endpoint : *endpoints) {
      endpoint.port = static_cast<std::uint16_t>(options.redirect);
      if (std::find(redirect.begin(), redirect.end(), endpoint) == redirect.end()) redirect.push_back(endpoint);
    }
  }
  for (const stream::Endpoint& endpoint : redirect) {
    if (options.take_over) break;
    if (auto free = effects::check_free(endpoint); !free) return free;
  }
  auto setup = set_up(options, stack::Server::snapshot_kind);
  if (!setup) return std::unexpected(setup.error());
  effects::Signals signals;
  effects::ServerOptions serving{.listen = *endpoints,
                                 .redirect = redirect,
                                 .threads = options.threads != 0 ? options.threads : usable_cores(),
                                 .memory = setup->memory,
                                 .log = options.log_form(),
                                 .access_log = setup->access_log ? &*setup->access_log : nullptr,
                                 .key_log = setup->key_log ? &*setup->key_log : nullptr,
                                 .recorder = setup->recorder.get()};
  const auto control = control_path(options, (*endpoints)[0].port);
  if (!control) return std::unexpected(control.error());
  if (options.take_over && options.listen.empty()) serving.listen.clear();  // wherever that one listens
  auto server = options.take_over
                    ? effects::Server::take_over(serving, setup->config, setup->credentials(), setup->site, *control)
                    : effects::Server::open(serving, setup->config, setup->credentials(), setup->site);
  if (!server) return std::unexpected(server.error());
  if (!options.take_over) {
    auto opened = open_control(options, server->endpoints()[0].port);
    if (!opened) return std::unexpected(opened.error());
    if (*opened) server->set_control(std::move(**opened));
  }

  announce(options, *setup, url(server->endpoints()[0], options.plain));
  if (options.take_over) announce_taken(server->taken().connections, server->taken().process);
  std::fflush(stdout);
  server->run(signals, [&](int signal) {
    if (signal == SIGUSR1) {
      Counters counters;
      for (const auto& worker : server->workers()) counters.push_back(&worker->counters());
      print_counters(counters, setup->memory, nlohmann::ordered_json::object());
    }
    if (signal == SIGHUP) {
      reload(options, *setup, [&](std::span<const effects::Credentials> fresh) { return server->renew(fresh); });
    }
  });
  return {};
}

}  // namespace limpid::apps::serving
