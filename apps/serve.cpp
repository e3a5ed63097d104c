#include "serve.hpp"

#include "limpid/effects/sockets.hpp"
#include "serve_setup.hpp"

namespace limpid::apps {
namespace {

using serving::Options;

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
  const auto memory = serving::parse_size(options.memory);
  if (!memory || *memory < (1 << 20)) {
    throw CLI::ValidationError("--memory: '" + options.memory + "' is not a size of 1M or more, such as 256M or 2G");
  }
  for (const std::string& name : options.alpn) {
    // To agree on what is not spoken would be worse than not to agree. (Names of one's own are one's own affair.)
    if (name == "h2" || name == "h3") refuse("--alpn " + name);
  }
  if (options.tap) {
    for (const std::string& text : options.listen) {
      const std::string host = effects::parse_host_port(text)->host;
      if (!host.empty() && host != "*") {
        throw CLI::ValidationError(
            "--listen: with --net tap: the addresses are those that --net gives; name only a port, as in :8443");
      }
    }
    if (options.threads > 1 && options.threads != options.tap->queues) {
      throw CLI::ValidationError("--threads: with --net tap: there is one for each queue; say queues=" +
                                 std::to_string(options.threads) + " there");
    }
  } else if (options.test_services) {
    throw CLI::ValidationError("--test-services measures our own TCP; use it with --net tap:");
  } else if (!options.pcap.empty()) {
    throw CLI::ValidationError("--pcap captures what our own TCP sends; use it with --net tap:, or tcpdump");
  }
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
  command
      ->add_option("--net", options->net,
                   "sockets, or "
                   "tap:NAME[,ip=CIDR][,gateway=IP][,ip6=CIDR][,gateway6=IP][,dhcp][,slaac][,dns=IP][,mac=MAC][,mtu=N]"
                   "[,queues=N]: our own TCP/IP over a tap device, of which each queue has a thread")
      ->type_name("KIND");
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
  for (const char* name : {"--client-ca", "--ticket-keys"}) {
    unbuilt->option(*command, name);
  }
  command
      ->add_option("--control", options->control,
                   "the socket by which others take over ($XDG_RUNTIME_DIR/limpid-PORT.sock)")
      ->type_name("PATH");
  command->add_flag("--takeover", options->take_over,
                    "go on where the server at --control stands, with its connections");
  command->add_option("--pcap", options->pcap, "write every frame to FILE (with --net tap:)")->type_name("FILE");
  command->add_flag("--test-services", options->test_services,
                    "echo, discard and chargen at ports 7, 9 and 19 (with --net tap:)");
  command->callback([options, unbuilt, &status] {
    unbuilt->refuse();
    auto net = parse_net(options->net);
    if (!net) throw CLI::ValidationError("--net: " + net.error());
    options->tap = std::move(*net);
    check(*options);
    const auto served = options->tap ? serving::on_tap(*options) : serving::on_sockets(*options);
    status = served ? done : complain(served.error());
  });
}

}  // namespace limpid::apps
