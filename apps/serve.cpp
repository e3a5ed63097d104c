#include "serve.hpp"

#include <sched.h>
#include <sys/resource.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common.hpp"
#include "limpid/effects/clock.hpp"
#include "limpid/effects/server.hpp"
#include "limpid/effects/sockets.hpp"
#include "local_ca.hpp"

namespace limpid::apps {
namespace {

struct Options {
  std::string folder = ".";
  std::vector<std::string> listen;
  std::vector<std::string> certificates, keys;
  bool plain = false;
  unsigned threads = 0;  // 0: one for each core that this process may use
  std::string memory = "1G";
  std::vector<std::string> alpn{"http/1.1"};
  std::string net = "sockets";
  std::string tls_min = "1.3";
  std::string log = "text";
};

// "65536", "512K", "64M", "2G": powers of 1024.
std::optional<std::size_t> parse_size(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.ends_with("iB")) unit.remove_suffix(2);
  if (unit.empty()) return value;
  const std::size_t power = std::string_view("KMGT").find(static_cast<char>(std::toupper(unit[0])));
  if (unit.size() != 1 || power == std::string_view::npos) return std::nullopt;
  const std::size_t factor = std::size_t{1} << (10 * (power + 1));
  return value > SIZE_MAX / factor ? std::nullopt : std::optional(value * factor);
}

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

std::string shell_quoted(const std::string& text) {
  const auto is_plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("/._-+,@%:", c);
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// Whether what lies in `inner` would be served from `outer`.
bool is_inside(const std::string& inner, const std::string& outer) {
  std::error_code error;
  const auto whole = std::filesystem::weakly_canonical(inner, error);
  const auto root = std::filesystem::weakly_canonical(outer, error);
  return std::mismatch(root.begin(), root.end(), whole.begin(), whole.end()).first == root.end();
}

// What TLS needs to serve.
struct Secure {
  tls::Config config;
  std::vector<effects::Credentials> credentials;
  std::string own_ca;  // the file of the local CA's certificate, if that is what signed
};

Result<Secure> prepare_tls(const Options& options) {
  const std::vector<std::string_view> protocols(options.alpn.begin(), options.alpn.end());
  tls::Config::Options policy;
  policy.role = tls::Role::server;
  policy.application_protocols = protocols;
  auto config = tls::Config::make(policy);
  if (!config) return effects::fail("cannot use --alpn as given: " + std::string(tls::describe(config.error())));

  Secure secure{*config, {}, {}};
  const UnixTime now = effects::now().wall;
  for (std::size_t i = 0; i < options.certificates.size(); ++i) {
    if (is_inside(options.keys[i], options.folder)) {
      return effects::fail("the key in '" + options.keys[i] + "' would be served with '" + options.folder +
                           "'; move it elsewhere or serve another folder");
    }
    auto pair = effects::load_credentials(options.certificates[i], options.keys[i], now);
    if (!pair) return std::unexpected(pair.error());
    secure.credentials.push_back(std::move(*pair));
  }
  if (!secure.credentials.empty()) return secure;

  auto folder = data_folder();
  if (!folder) return std::unexpected(folder.error());
  if (is_inside(*folder, options.folder)) {
    return effects::fail("the keys of the local CA in '" + *folder + "' would be served with '" + options.folder +
                         "'; serve another folder, set XDG_DATA_HOME, or name --cert and --key");
  }
  auto own = local_identity(*folder, now);
  if (!own) return std::unexpected(own.error());
  secure.own_ca = own->ca_path;
  secure.credentials.push_back(std::move(own->credentials));
  return secure;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void print_counters(const effects::Server& server) {
  nlohmann::ordered_json json;
  const auto add = [&](const char* name, auto member) {
    std::uint64_t sum = 0;
    for (const auto& worker : server.workers()) sum += (worker->counters().*member).load(std::memory_order_relaxed);
    json[name] = sum;
  };
  using Counters = effects::WorkerCounters;
  add("connections", &Counters::open);
  add("accepted", &Counters::accepted);
  add("requests", &Counters::requests);
  add("body_bytes", &Counters::body_bytes);
  add("reset_by_peer", &Counters::reset_by_peer);
  add("aborted", &Counters::aborted);
  add("refused_for_memory", &Counters::refused_for_memory);
  add("accept_pauses", &Counters::accept_pauses);
  add("memory", &Counters::memory);
  std::puts(json.dump().c_str());
  std::fflush(stdout);
}

Result<void> run(const Options& options) {
  auto site = effects::Directory::open(options.folder);
  if (!site) return std::unexpected(site.error());
  auto endpoints = listening_endpoints(options.listen);
  if (!endpoints) return std::unexpected(endpoints.error());

  // Before anything is made for a server that could not start.
  for (const stream::Endpoint& endpoint : *endpoints) {
    if (auto free = effects::check_free(endpoint); !free) return free;
  }
  stack::Server::Config config;
  std::optional<Secure> secure;
  if (!options.plain) {
    auto prepared = prepare_tls(options);
    if (!prepared) return std::unexpected(prepared.error());
    secure = std::move(*prepared);
    config.tls = secure->config;
  }

  effects::Signals signals;
  raise_descriptor_limit();
  auto server =
      effects::Server::open({.listen = *endpoints,
                             .threads = options.threads != 0 ? options.threads : usable_cores(),
                             .memory = *parse_size(options.memory)},
                            config, secure ? secure->credentials : std::span<const effects::Credentials>(), *site);
  if (!server) return std::unexpected(server.error());

  const std::string address = url(server->endpoints()[0], options.plain);
  std::printf("serving %s at %s\n", options.folder.c_str(), address.c_str());
  if (secure && !secure->own_ca.empty()) {
    const std::string ca = shell_quoted(secure->own_ca);
    std::printf("try: curl --cacert %s %s\n", ca.c_str(), address.c_str());
    std::printf(
        "to trust this CA on this host: sudo cp %s /usr/local/share/ca-certificates/limpid.crt && "
        "sudo update-ca-certificates (browsers: import it under their own certificates settings)\n",
        ca.c_str());
  }
  std::fflush(stdout);
  server->run(signals, [&](int signal) {
    if (signal == SIGUSR1) print_counters(*server);
    if (signal == SIGHUP) complain({"reloading with SIGHUP is not yet supported; start again to use new certificates"});
  });
  return {};
}

void check(const Options& options) {
  for (const std::string& text : options.listen) {
    if (!effects::parse_host_port(text)) {
      throw CLI::ValidationError("--listen: '" + text + "' is not HOST:PORT, such as 127.0.0.1:8443 or [::1]:8443");
    }
  }
  if (options.certificates.size() != options.keys.size()) {
    throw CLI::ValidationError("every --cert needs its --key, and every --key its --cert");
  }
  if (options.plain && !options.certificates.empty()) {
    throw CLI::ValidationError("--plain serves without TLS and takes no --cert; leave one of them out");
  }
  const auto memory = parse_size(options.memory);
  if (!memory || *memory < (1 << 20)) {
    throw CLI::ValidationError("--memory: '" + options.memory + "' is not a size of 1M or more, such as 256M or 2G");
  }
  if (options.net != "sockets") refuse("--net " + options.net.substr(0, options.net.find(':')));
  if (options.tls_min != "1.3") refuse("--tls-min " + options.tls_min);
  if (options.log != "text") refuse("--log " + options.log);
}

}  // namespace

void add_serve(CLI::App& tool, int& status) {
  CLI::App* command = tool.add_subcommand("serve", "serve a folder over HTTPS");
  auto options = std::make_shared<Options>();
  auto unbuilt = std::make_shared<NotYetSupported>();
  const auto repeated = CLI::MultiOptionPolicy::TakeAll;
  command->add_option("DIR", options->folder, "the folder (.)");
  command->add_option("--listen", options->listen, "where (all addresses, port 8443); repeatable")
      ->type_name("HOST:PORT")
      ->expected(1)
      ->multi_option_policy(repeated);
  command->add_option("--cert", options->certificates, "certificate chain, leaf first; repeatable, chosen by name")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(repeated);
  command->add_option("--key", options->keys, "its private key")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(repeated);
  command->add_flag("--plain", options->plain, "HTTP without TLS");
  command->add_option("--threads", options->threads, "workers (one for each core)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  command->add_option("--memory", options->memory, "what all connections may hold together (1G)")->type_name("SIZE");
  command->add_option("--alpn", options->alpn, "protocols to agree on (http/1.1); repeatable")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(repeated);
  command->add_option("--net", options->net, "sockets")->type_name("KIND");
  command->add_option("--tls-min", options->tls_min, "1.3")->type_name("VERSION")->check(CLI::IsMember({"1.2", "1.3"}));
  command->add_option("--log", options->log, "text")->type_name("FORM")->check(CLI::IsMember({"text", "json"}));
  for (const char* name :
       {"--redirect", "--client-ca", "--ticket-keys", "--access-log", "--keylog", "--pcap", "--record", "--control"}) {
    unbuilt->option(*command, name);
  }
  for (const char* name : {"--index", "--test-services", "--takeover"}) unbuilt->flag(*command, name);
  command->callback([options, unbuilt, &status] {
    unbuilt->refuse();
    check(*options);
    const auto served = run(*options);
    status = served ? done : complain(served.error());
  });
}

}  // namespace limpid::apps
