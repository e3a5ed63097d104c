#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "limpid/effects/sockets.hpp"
#include "limpid/effects/tap_server.hpp"
#include "serve_setup.hpp"

namespace limpid::apps::serving {
namespace {

using stack::HostServer;

std::vector<std::uint16_t> ports(const Options& options) {
  std::vector<std::uint16_t> ports;
  for (const std::string& text : options.listen) ports.push_back(effects::parse_host_port(text)->port);
  if (ports.empty()) ports.push_back(8443);
  return ports;
}

// What answers where. False if there is no room for so many.
bool add_services(const Options& options, HostServer::Config& config) {
  using Application = HostServer::Application;
  bool all = true;
  const auto add = [&](std::uint16_t port, Application application) {
    all = all && config.services.push_back({port, application});
  };
  for (const std::uint16_t port : ports(options)) add(port, Application::server);
  if (options.redirect != 0) add(static_cast<std::uint16_t>(options.redirect), Application::redirect);
  if (options.test_services) {
    for (const HostServer::Service& each : HostServer::test_services) add(each.port, each.application);
  }
  return all;
}

std::string url(const Options& options) {
  std::string host = "localhost";
  if (const auto& cidr = options.tap->ip ? options.tap->ip : options.tap->ip6) {
    stream::Endpoint endpoint = tcpip::endpoint(cidr->address, ports(options)[0]);
    host = effects::to_string(endpoint);
  } else {
    host += ":" + std::to_string(ports(options)[0]);
  }
  return (options.plain ? "http://" : "https://") + host + "/";
}

// What the queues have counted, in all, and how it is shared out among them.
void report(const effects::TapServer& server, std::size_t memory) {
  using Count = tcpip::host::Count;
  nlohmann::ordered_json more;
  std::uint64_t frames_lost = 0, messages_lost = 0;
  Counters counters;
  auto queues = nlohmann::ordered_json::array();
  for (const auto& queue : server.queues()) {
    const tcpip::Host& host = queue->machine().host();
    counters.push_back(&queue->counters());
    frames_lost += queue->frames_lost();
    messages_lost += queue->messages_lost();
    queues.push_back({{"connections", host.connections().used()},
                      {"accepted", host.counted(Count::accepted)},
                      {"passed_on", host.counted(Count::passed_on)}});
    host.report([&](std::string_view group, std::string_view name, std::uint64_t value) {
      if (value == 0) return;
      auto& sum = more[std::string(group)][std::string(name)];
      sum = value + (sum.is_null() ? 0 : sum.get<std::uint64_t>());
    });
  }
  more["tap"] = {{"frames_lost", frames_lost}};
  if (queues.size() > 1) {
    more["tap"]["messages_lost"] = messages_lost;
    more["tap"]["queues"] = std::move(queues);
  }
  print_counters(counters, memory, more);
}

}  // namespace

Result<void> on_tap(const Options& options) {
  // Send buffers come and go by the megabyte: what is given back is wanted again at once, and would cost its page
  // faults.
  ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
  const std::vector<std::uint16_t> wanted = ports(options);
  if (std::find(wanted.begin(), wanted.end(), 0) != wanted.end()) {
    return effects::fail("cannot listen on port 0 of a host of our own; name a port with --listen");
  }
  // It must be there before its MTU can be asked for. Who takes over has it already.
  std::vector<effects::Tap> taps;
  if (!options.take_over) {
    auto opened = effects::Tap::open_queues(options.tap->name, options.tap->queues);
    if (!opened) return std::unexpected(opened.error());
    taps = std::move(*opened);
  }
  auto setup = set_up(options, HostServer::snapshot_kind);
  if (!setup) return std::unexpected(setup.error());

  HostServer::Config config;
  config.host = options.tap->host_config();
  config.server = setup->config;
  config.redirect = setup->config;
  config.redirect.tls.reset();
  config.redirect.http.https_port = wanted[0];
  if (!add_services(options, config)) return effects::fail("cannot listen on so many ports; name fewer with --listen");

  effects::Signals signals;
  const effects::TapServerOptions serving{.memory = setup->memory,
                                          .log = options.log_form(),
                                          .access_log = setup->access_log ? &*setup->access_log : nullptr,
                                          .key_log = setup->key_log ? &*setup->key_log : nullptr,
                                          .recorder = setup->recorder.get(),
                                          .capture = setup->capture ? &*setup->capture : nullptr};
  std::unique_ptr<effects::TapServer> server;
  if (options.take_over) {
    const auto path = control_path(options, wanted[0]);
    if (!path) return std::unexpected(path.error());
    auto taken =
        effects::TapServer::take_over(serving, config, options.tap->queues, setup->credentials(), setup->site, *path);
    if (!taken) return std::unexpected(taken.error());
    server = std::move(*taken);
  } else {
    auto opened = effects::TapServer::open(serving, config, std::move(taps), setup->credentials(), setup->site);
    if (!opened) return std::unexpected(opened.error());
    server = std::move(*opened);
    auto control = open_control(options, wanted[0]);
    if (!control) return std::unexpected(control.error());
    if (*control) server->set_control(std::move(**control));
  }
  announce(options, *setup, url(options));
  if (options.take_over) announce_taken(server->taken().connections, server->taken().process);
  std::fflush(stdout);
  return server->run(signals, [&](int signal) {
    if (signal == SIGUSR1) {
      report(*server, setup->memory);
    }
    if (signal == SIGHUP) {
      reload(options, *setup, [&](std::span<const effects::Credentials> fresh) { return server->renew(fresh); });
    }
  });
}

}  // namespace limpid::apps::serving
