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
  std::string passphrase_file;
  bool plain = false;
  unsigned threads = 0;  // 0: one for each core that this process may use
  std::string memory = "1G";
  std::vector<std::string> alpn{"http/1.1"};
  std::string net = "sockets";
  std::string tls_min = "1.3";
  std::string log = "text";
  unsigned redirect = 0;  // the port; 0: none
  bool index = false;
  std::string access_log, key_log;
  std::string record;   // empty: not recorded
  std::string control;  // the control socket's path; empty: where it is by default
  bool take_over = false;

  effects::LogForm log_form() const { return log == "json" ? effects::LogForm::json : effects::LogForm::text; }
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

// `may_ask`: for passphrases at the terminal, which a server that runs does not.
Result<void> load_pairs(const Options& options, Secure& secure, bool may_ask) {
  const UnixTime now = effects::now().wall;
  const effects::PassphraseSource passphrases{options.passphrase_file, may_ask};
  if (!passphrases.file.empty() && is_inside(passphrases.file, options.folder)) {
    return effects::fail("the passphrase in '" + passphrases.file + "' would be served with '" + options.folder +
                         "'; move it elsewhere or serve another folder");
  }
  for (std::size_t i = 0; i < options.certificates.size(); ++i) {
    if (is_inside(options.keys[i], options.folder)) {
      return effects::fail("the key in '" + options.keys[i] + "' would be served with '" + options.folder +
                           "'; move it elsewhere or serve another folder");
    }
    auto pair = effects::load_credentials(options.certificates[i], options.keys[i], now, passphrases);
    if (!pair) return std::unexpected(pair.error());
    if (!pair->unstapled.empty()) effects::complain(options.log_form(), pair->unstapled);
    secure.credentials.push_back(std::move(*pair));
  }
  if (!secure.credentials.empty()) return {};

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
  return {};
}

Result<Secure> prepare_tls(const Options& options) {
  const std::vector<std::string_view> protocols(options.alpn.begin(), options.alpn.end());
  tls::Config::Options policy;
  policy.role = tls::Role::server;
  policy.application_protocols = protocols;
  policy.log_secrets = !options.key_log.empty();
  auto config = tls::Config::make(policy);
  if (!config) return effects::fail("cannot use --alpn as given: " + std::string(tls::describe(config.error())));

  Secure secure{*config, {}, {}};
  if (auto loaded = load_pairs(options, secure, true); !loaded) return std::unexpected(loaded.error());
  return secure;
}

// Where the control socket is if --control does not say so; empty if there is no place for it.
std::string default_control(std::uint16_t port) {
  const char* folder = std::getenv("XDG_RUNTIME_DIR");
  if (folder == nullptr || folder[0] != '/' || port == 0) return "";
  return std::string(folder) + "/limpid-" + std::to_string(port) + ".sock";
}

// Lets others take over, if there is a place for the control socket. Only one that was named must work.
Result<void> open_control(const Options& options, effects::Server& server) {
  const std::string path = options.control.empty() ? default_control(server.endpoints()[0].port) : options.control;
  if (path.empty()) return {};
  auto control = effects::Control::open(path);
  if (control) {
    server.set_control(std::move(*control));
  } else if (!options.control.empty()) {
    return std::unexpected(control.error());
  }
  return {};
}

// SIGHUP: new certificates and keys, and the access log under its name again. What fails is left as it is.
void reload(const Options& options, const std::optional<Secure>& secure, const std::optional<effects::LogFile>& log,
            effects::Server& server) {
  if (log) {
    if (auto reopened = log->reopen(); !reopened) effects::complain(options.log_form(), reopened.error().text);
  }
  if (!secure) return;
  Secure fresh{secure->config, {}, {}};
  auto loaded = load_pairs(options, fresh, false);
  if (loaded) loaded = server.renew(fresh.credentials);
  effects::complain(options.log_form(), loaded ? "loaded the certificates again; new connections see them"
                                               : "still serving the old certificates: " + loaded.error().text);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void print_counters(const effects::Server& server, std::size_t memory) {
  using Counters = effects::WorkerCounters;
  const auto sum = [&](auto member) {
    std::uint64_t total = 0;
    for (const auto& worker : server.workers()) total += member(worker->counters()).load(std::memory_order_relaxed);
    return total;
  };
  const auto named = [&](effects::Counter Counters::* member) {
    return sum([&](const Counters& counters) -> const effects::Counter& { return counters.*member; });
  };
  nlohmann::ordered_json json;
  json["connections"] = named(&Counters::open);
  json["idle"] = named(&Counters::idle);
  json["accepted"] = named(&Counters::accepted);
  json["handshakes"] = named(&Counters::handshakes);
  auto& failures = json["tls_failures"] = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i <= static_cast<std::size_t>(tls::last_fault); ++i) {
    const auto total =
        sum([&](const Counters& counters) -> const effects::Counter& { return counters.tls_failures[i]; });
    if (total > 0) failures[std::string(tls::name(static_cast<tls::Fault>(i)))] = total;
  }
  json["requests"] = named(&Counters::requests);
  auto& answers = json["answers"] = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < 5; ++i) {
    const auto total = sum([&](const Counters& counters) -> const effects::Counter& { return counters.answers[i]; });
    if (total > 0) answers[std::to_string(i + 1) + "xx"] = total;
  }
  json["body_bytes"] = named(&Counters::body_bytes);
  json["budgets"] = {{"memory", named(&Counters::memory)}, {"memory_limit", memory}};
  json["dropped"] = {{"refused_for_memory", named(&Counters::refused_for_memory)},
                     {"shed_waiting", named(&Counters::shed_waiting)},
                     {"shed_idle", named(&Counters::shed_idle)},
                     {"stalled", named(&Counters::stalled)},
                     {"aborted", named(&Counters::aborted)},
                     {"reset_by_peer", named(&Counters::reset_by_peer)},
                     {"accept_pauses", named(&Counters::accept_pauses)},
                     {"log_lines_lost", named(&Counters::log_lines_lost)}};
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
  std::optional<effects::LogFile> access_log;
  if (!options.access_log.empty()) {
    if (is_inside(options.access_log, options.folder) && options.access_log != "-") {
      return effects::fail("the access log '" + options.access_log + "' would be served with '" + options.folder +
                           "'; write it elsewhere");
    }
    auto opened = effects::LogFile::open(options.access_log);
    if (!opened) return std::unexpected(opened.error());
    access_log.emplace(std::move(*opened));
  }
  std::optional<effects::KeyLogFile> key_log;
  if (!options.key_log.empty()) {
    if (is_inside(options.key_log, options.folder)) {
      return effects::fail("the key log '" + options.key_log + "' would be served with '" + options.folder +
                           "'; write it elsewhere");
    }
    auto opened = open_key_log(options.key_log);
    if (!opened) return std::unexpected(opened.error());
    key_log.emplace(std::move(*opened));
  }
  stack::Server::Config config;
  config.http.list_folders = options.index;
  std::optional<Secure> secure;
  if (!options.plain) {
    auto prepared = prepare_tls(options);
    if (!prepared) return std::unexpected(prepared.error());
    secure = std::move(*prepared);
    config.tls = secure->config;
  }

  std::unique_ptr<effects::Recorder> recorder;
  if (!options.record.empty()) {
    if (is_inside(options.record, options.folder) || is_inside(options.record + ".key", options.folder)) {
      return effects::fail("the recording '" + options.record + "' would be served with '" + options.folder +
                           "'; write it elsewhere");
    }
    auto created = effects::Recorder::create(options.record, stack::Server::snapshot_kind);
    if (!created) return std::unexpected(created.error());
    recorder = std::move(*created);
  }
  effects::Signals signals;
  raise_descriptor_limit();
  const std::size_t memory = *parse_size(options.memory);
  const auto credentials = secure ? secure->credentials : std::span<const effects::Credentials>();
  effects::ServerOptions serving{.listen = *endpoints,
                                 .redirect = redirect,
                                 .threads = options.threads != 0 ? options.threads : usable_cores(),
                                 .memory = memory,
                                 .log = options.log_form(),
                                 .access_log = access_log ? &*access_log : nullptr,
                                 .key_log = key_log ? &*key_log : nullptr,
                                 .recorder = recorder.get()};
  const std::string control = options.control.empty() ? default_control((*endpoints)[0].port) : options.control;
  if (options.take_over && control.empty()) {
    return effects::fail(
        "cannot take over: XDG_RUNTIME_DIR is not set; name the running server's socket with --control");
  }
  if (options.take_over && options.listen.empty()) serving.listen.clear();  // wherever that one listens
  auto server = options.take_over ? effects::Server::take_over(serving, config, credentials, *site, control)
                                  : effects::Server::open(serving, config, credentials, *site);
  if (!server) return std::unexpected(server.error());
  if (!options.take_over) {
    if (auto opened = open_control(options, *server); !opened) return opened;
  }

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
  if (options.take_over) {
    const auto& taken = server->taken();
    std::printf("took over %zu connection%s from process %d\n", taken.connections, taken.connections == 1 ? "" : "s",
                taken.process);
  }
  std::fflush(stdout);
  server->run(signals, [&](int signal) {
    if (signal == SIGUSR1) print_counters(*server, memory);
    if (signal == SIGHUP) reload(options, secure, access_log, *server);
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
  for (const std::string& name : options.alpn) {
    // To agree on what is not spoken would be worse than not to agree. (Names of one's own are one's own affair.)
    if (name == "h2" || name == "h3") refuse("--alpn " + name);
  }
  if (options.net != "sockets") refuse("--net " + options.net.substr(0, options.net.find(':')));
  if (options.tls_min != "1.3") refuse("--tls-min " + options.tls_min);
  if (options.plain && options.redirect != 0) {
    throw CLI::ValidationError("--redirect leads to HTTPS, which --plain does not serve; leave one of them out");
  }
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
  command->add_option("--passphrase-file", options->passphrase_file, "a file with the passphrase of encrypted keys")
      ->type_name("FILE");
  command->add_flag("--plain", options->plain, "HTTP without TLS");
  command->add_option("--threads", options->threads, "workers (one for each core)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024));
  command->add_option("--memory", options->memory, "what all connections may hold together (1G)")->type_name("SIZE");
  command->add_option("--alpn", options->alpn, "protocols to agree on (http/1.1); repeatable")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(repeated);
  command->add_option("--record", options->record, "write what every connection is told to FILE, sealed under FILE.key")
      ->type_name("FILE");
  command->add_option("--net", options->net, "sockets")->type_name("KIND");
  command->add_option("--tls-min", options->tls_min, "1.3")->type_name("VERSION")->check(CLI::IsMember({"1.2", "1.3"}));
  command->add_option("--log", options->log, "text or json (text)")
      ->type_name("FORM")
      ->check(CLI::IsMember({"text", "json"}));
  command->add_option("--redirect", options->redirect, "answer plain HTTP on this port with where HTTPS is")
      ->type_name("PORT")
      ->check(CLI::Range(1, 65535));
  command->add_flag("--index", options->index, "list folders that have no index.html");
  command->add_option("--access-log", options->access_log, "a line for each request; - is standard output")
      ->type_name("FILE");
  command->add_option("--keylog", options->key_log, "write the keys of every connection to FILE, for debugging only")
      ->type_name("FILE");
  for (const char* name : {"--client-ca", "--ticket-keys", "--pcap"}) {
    unbuilt->option(*command, name);
  }
  command
      ->add_option("--control", options->control,
                   "the socket by which others take over ($XDG_RUNTIME_DIR/limpid-PORT.sock)")
      ->type_name("PATH");
  command->add_flag("--takeover", options->take_over,
                    "go on where the server at --control stands, with its connections");
  for (const char* name : {"--test-services"}) unbuilt->flag(*command, name);
  command->callback([options, unbuilt, &status] {
    unbuilt->refuse();
    check(*options);
    const auto served = run(*options);
    status = served ? done : complain(served.error());
  });
}

}  // namespace limpid::apps
