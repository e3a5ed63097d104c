#include "serve_setup.hpp"

#include <sys/resource.h>

#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "limpid/effects/clock.hpp"
#include "local_ca.hpp"

namespace limpid::apps::serving {
namespace {

// `may_ask`: for passphrases at the terminal, which a server that runs does not.
Result<void> load_pairs(const Options& options, Secure& secure, bool may_ask) {
  const UnixTime now = effects::now().wall;
  const effects::PassphraseSource passphrases{options.passphrase_file, may_ask};
  if (!passphrases.file.empty() && effects::is_inside(passphrases.file, options.folder)) {
    return effects::fail("the passphrase in '" + passphrases.file + "' would be served with '" + options.folder +
                         "'; move it elsewhere or serve another folder");
  }
  for (std::size_t i = 0; i < options.certificates.size(); ++i) {
    if (effects::is_inside(options.keys[i], options.folder)) {
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
  if (effects::is_inside(*folder, options.folder)) {
    return effects::fail("the keys of the local CA in '" + *folder + "' would be served with '" + options.folder +
                         "'; serve another folder, set XDG_DATA_HOME, or name --cert and --key");
  }
  std::vector<x509::IpAddress> addresses;
  if (options.tap) {
    for (const auto& cidr : {options.tap->ip, options.tap->ip6}) {
      if (cidr) addresses.push_back(*x509::ip_from_bytes(cidr->address.on_wire()));
    }
  }
  auto own = options.tap ? local_identity(*folder, now, "leaf-" + options.tap->name, std::move(addresses))
                         : local_identity(*folder, now);
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

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
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

}  // namespace

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

Result<Setup> set_up(const Options& options, SnapshotKind recorded) {
  auto site = effects::Directory::open(options.folder);
  if (!site) return std::unexpected(site.error());
  Setup setup{.site = std::move(*site), .memory = *parse_size(options.memory)};
  const std::pair<const char*, const std::string&> written[] = {
      {"the access log", options.access_log},
      {"the key log", options.key_log},
      {"the recording", options.record},
      {"the capture", options.pcap},
  };
  for (const auto& [what, path] : written) {
    if (path.empty() || path == "-" || !effects::is_inside(path, options.folder)) continue;
    return effects::fail(std::string(what) + " '" + path + "' would be served with '" + options.folder +
                         "'; write it elsewhere");
  }
  if (!options.access_log.empty()) {
    auto opened = effects::LogFile::open(options.access_log);
    if (!opened) return std::unexpected(opened.error());
    setup.access_log.emplace(std::move(*opened));
  }
  if (!options.key_log.empty()) {
    auto opened = open_key_log(options.key_log);
    if (!opened) return std::unexpected(opened.error());
    setup.key_log.emplace(std::move(*opened));
  }
  setup.config.http.list_folders = options.index;
  if (!options.plain) {
    auto prepared = prepare_tls(options);
    if (!prepared) return std::unexpected(prepared.error());
    setup.secure = std::move(*prepared);
    setup.config.tls = setup.secure->config;
  }
  if (!options.record.empty()) {
    auto created = effects::Recorder::create(options.record, recorded);
    if (!created) return std::unexpected(created.error());
    setup.recorder = std::move(*created);
  }
  if (!options.pcap.empty()) {
    auto opened = effects::PcapWriter::open(options.pcap);
    if (!opened) return std::unexpected(opened.error());
    setup.capture.emplace(std::move(*opened));
  }
  raise_descriptor_limit();
  return setup;
}

void reload(const Options& options, const Setup& setup,
            const std::function<Result<void>(std::span<const effects::Credentials>)>& renew) {
  if (setup.access_log) {
    if (auto reopened = setup.access_log->reopen(); !reopened)
      effects::complain(options.log_form(), reopened.error().text);
  }
  if (!setup.secure) return;
  Secure fresh{setup.secure->config, {}, {}};
  auto loaded = load_pairs(options, fresh, false);
  if (loaded) loaded = renew(fresh.credentials);
  effects::complain(options.log_form(), loaded ? "loaded the certificates again; new connections see them"
                                               : "still serving the old certificates: " + loaded.error().text);
}

Result<std::string> control_path(const Options& options, std::uint16_t port) {
  if (!options.control.empty()) return options.control;
  const char* folder = std::getenv("XDG_RUNTIME_DIR");
  if (folder != nullptr && folder[0] == '/' && port != 0) {
    return std::string(folder) + "/limpid-" + std::to_string(port) + ".sock";
  }
  if (!options.take_over) return "";
  return effects::fail("cannot take over: XDG_RUNTIME_DIR is not set; name the running server's socket with --control");
}

Result<std::optional<effects::Control>> open_control(const Options& options, std::uint16_t port) {
  const auto path = control_path(options, port);
  if (!path) return std::unexpected(path.error());
  if (path->empty()) return std::nullopt;
  auto control = effects::Control::open(*path);
  if (control) return std::optional(std::move(*control));
  if (!options.control.empty()) return std::unexpected(control.error());
  return std::nullopt;
}

void announce_taken(std::size_t connections, int process) {
  std::printf("took over %zu connection%s from process %d\n", connections, connections == 1 ? "" : "s", process);
}

void announce(const Options& options, const Setup& setup, const std::string& url) {
  std::printf("serving %s at %s\n", options.folder.c_str(), url.c_str());
  if (!setup.secure || setup.secure->own_ca.empty()) return;
  const std::string ca = shell_quoted(setup.secure->own_ca);
  std::printf("try: curl --cacert %s %s\n", ca.c_str(), url.c_str());
  std::printf(
      "to trust this CA on this host: sudo cp %s /usr/local/share/ca-certificates/limpid.crt && "
      "sudo update-ca-certificates (browsers: import it under their own certificates settings)\n",
      ca.c_str());
}

void print_counters(const Counters& workers, std::size_t memory, const nlohmann::ordered_json& more) {
  using Each = effects::WorkerCounters;
  const auto sum = [&](auto member) {
    std::uint64_t total = 0;
    for (const Each* worker : workers) total += member(*worker).load(std::memory_order_relaxed);
    return total;
  };
  const auto named = [&](effects::Counter Each::* member) {
    return sum([&](const Each& counters) -> const effects::Counter& { return counters.*member; });
  };
  nlohmann::ordered_json json;
  json["connections"] = named(&Each::open);
  json["idle"] = named(&Each::idle);
  json["accepted"] = named(&Each::accepted);
  json["handshakes"] = named(&Each::handshakes);
  auto& failures = json["tls_failures"] = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i <= static_cast<std::size_t>(tls::last_fault); ++i) {
    const auto total = sum([&](const Each& counters) -> const effects::Counter& { return counters.tls_failures[i]; });
    if (total > 0) failures[std::string(tls::name(static_cast<tls::Fault>(i)))] = total;
  }
  json["requests"] = named(&Each::requests);
  auto& answers = json["answers"] = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < 5; ++i) {
    const auto total = sum([&](const Each& counters) -> const effects::Counter& { return counters.answers[i]; });
    if (total > 0) answers[std::to_string(i + 1) + "xx"] = total;
  }
  json["body_bytes"] = named(&Each::body_bytes);
  json["budgets"] = {{"memory", named(&Each::memory)}, {"memory_limit", memory}};
  json["dropped"] = {{"refused_for_memory", named(&Each::refused_for_memory)},
                     {"shed_waiting", named(&Each::shed_waiting)},
                     {"shed_idle", named(&Each::shed_idle)},
                     {"stalled", named(&Each::stalled)},
                     {"aborted", named(&Each::aborted)},
                     {"reset_by_peer", named(&Each::reset_by_peer)},
                     {"accept_pauses", named(&Each::accept_pauses)},
                     {"log_lines_lost", named(&Each::log_lines_lost)}};
  json.update(more, true);
  std::puts(json.dump().c_str());
  std::fflush(stdout);
}

}  // namespace limpid::apps::serving
