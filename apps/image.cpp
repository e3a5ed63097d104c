#include "image.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "limpid/core/constant_time.hpp"
#include "limpid/effects/clock.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/stack/site_module.hpp"
#include "limpid/tcpip/host/host.hpp"
#include "limpid/x509/key.hpp"

namespace limpid::apps {
namespace {

struct Options {
  std::string folder;
  std::string certificate, key, passphrase_file;
  std::string ip, ip6, gateway, gateway6;
  std::vector<std::string> dns;
  bool dhcp = false;
  bool slaac = false;
  bool plain = false;
  bool test_services = false;
  std::string out = ".";
};

// A loader puts the module below 4 GiB, and beside it there must be memory to serve from.
constexpr std::size_t largest_site = std::size_t{1} << 30;
constexpr std::size_t most_in_folder = 1 << 20;
constexpr std::size_t most_dns_servers = decltype(tcpip::Host::Config::dns_servers)::capacity;

struct PackedFile {
  std::string path, content;
  std::int64_t modified = 0;
};

// FNV-1a: a file has another version when it says something else. Nothing rests on its strength.
std::uint64_t version_of(std::string_view content) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : content) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

Result<void> cannot_read(const std::string& path, int error) {
  return effects::fail("cannot read '" + path + "': " + effects::system_words(error) +
                       "; change its permissions or leave it out of the site");
}

// Everything at and below `path` that would be served, as Directory tells it: nothing from outside of the folder.
Result<void> collect(const effects::Directory& site, const std::string& path, std::vector<PackedFile>& files,
                     std::size_t& total) {
  const auto folder = site.list(path, most_in_folder);
  if (!folder) return cannot_read(path, folder.error());
  for (const effects::NamedFile& each : folder->files) {
    const std::string name = path.empty() ? each.name : path + "/" + each.name;
    if (each.facts.kind == effects::FileFacts::Kind::folder) {
      if (auto collected = collect(site, name, files, total); !collected) return collected;
      continue;
    }
    const auto file = site.find(name);
    if (!file) return cannot_read(name, file.error());
    total += file->facts.size;
    if (total > largest_site) return effects::fail("the site is larger than 1 GiB; serve less of it from one image");
    std::string content(file->facts.size, '\0');
    const auto read = effects::read_at(file->descriptor, 0, {reinterpret_cast<Byte*>(content.data()), content.size()});
    if (!read) return cannot_read(name, read.error());
    content.resize(*read);
    files.push_back({name, std::move(content), file->facts.modified_seconds});
  }
  return {};
}

std::string configuration(const Options& options, std::size_t module_size) {
  // The image itself with its pages for the network takes 5 MiB; 24 more keep a thousand connections.
  const std::size_t memory = 32 + (module_size >> 20);
  std::string words;
  const auto word = [&](const std::string& text) { words += (words.empty() ? "" : " ") + text; };
  const auto setting = [&](const char* name, const std::string& value) {
    if (!value.empty()) word(std::string(name) + "=" + value);
  };
  setting("ip", options.ip);
  setting("gateway", options.gateway);
  setting("ip6", options.ip6);
  setting("gateway6", options.gateway6);
  for (const std::string& server : options.dns) setting("dns", server);
  if (options.dhcp) word("dhcp");
  if (options.slaac) word("slaac");
  if (options.plain) word("plain");
  if (options.test_services) word("test-services");
  return "# xl create -c main.xl, with the boot image (./dev build xen) beside this file\n"
         "name = \"limpid\"\n"
         "type = \"pvh\"\n"
         "kernel = \"limpid" +
         std::string(options.plain ? "-http" : "") +
         ".elf\"\n"
         "ramdisk = \"site.module\"\n"
         "cmdline = \"" +
         words +
         "\"\n"
         "memory = " +
         std::to_string(memory) +
         "\n"
         "vcpus = 1\n"
         "tsc_mode = \"native\"\n"
         "vif = [\"bridge=xenbr0\"]\n"
         "on_poweroff = \"destroy\"\n"
         "on_reboot = \"restart\"\n"
         "on_crash = \"destroy\"\n";
}

Result<void> run(const Options& options) {
  const auto site = effects::Directory::open(options.folder);
  if (!site) return std::unexpected(site.error());
  for (const auto& [what, path] :
       {std::pair("the key in", options.key), {"the passphrase in", options.passphrase_file}}) {
    if (path.empty() || !effects::is_inside(path, options.folder)) continue;
    return effects::fail(std::string(what) + " '" + path + "' would be served with '" + options.folder +
                         "'; move it elsewhere or pack another folder");
  }
  if (effects::is_inside(options.out, options.folder)) {
    return effects::fail("what is written to '" + options.out + "' would be served with '" + options.folder +
                         "' when that is packed again; name another folder with --out");
  }
  std::vector<PackedFile> found;
  std::size_t total = 0;
  if (auto collected = collect(*site, "", found, total); !collected) return collected;
  // The one folder with a dot that exists to be found (RFC 8615).
  if (const auto known = site->find(".well-known"); known && known->facts.kind == effects::FileFacts::Kind::folder) {
    if (auto collected = collect(*site, ".well-known", found, total); !collected) return collected;
  }
  if (found.empty()) {
    return effects::fail("'" + options.folder + "' holds no files to serve; name the folder of the site");
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.path < b.path; });

  std::optional<effects::Credentials> credentials;
  std::vector<Bytes> chain;
  Buffer key(effects::startup_budget());
  if (!options.plain) {
    auto loaded = effects::load_credentials(options.certificate, options.key, effects::now().wall,
                                            {options.passphrase_file, true});
    if (!loaded) return std::unexpected(loaded.error());
    credentials = std::move(*loaded);
    for (const x509::Certificate& each : credentials->chain.certificates()) chain.push_back(each.der);
    if (chain.size() > stack::SiteModule::most_certificates) {
      return effects::fail("the chain in '" + options.certificate + "' has more than " +
                           std::to_string(stack::SiteModule::most_certificates) + " certificates; leave out roots");
    }
    Writer out(key);
    x509::write_pkcs8(out, credentials->key);
  }

  std::vector<stack::SiteModule::File> files;
  for (const PackedFile& each : found) {
    files.push_back({as_bytes(each.path), {each.modified}, version_of(each.content), as_bytes(each.content)});
  }
  const auto seed = effects::entropy();
  Buffer module(effects::startup_budget());
  Writer out(module);
  stack::SiteModule::write(out, {chain, {key.data(), key.size()}, seed, files});
  wipe({key.data(), key.size()});
  if (out.failed()) return effects::fail("the site does not fit a module; leave out what has a very long name");

  if (auto made = effects::make_folders(options.out, 0777); !made) return made;
  const std::string module_path = options.out + "/site.module", configuration_path = options.out + "/main.xl";
  // The key is in it.
  auto written = effects::write_file(module_path, {module.data(), module.size()}, options.plain ? 0644 : 0600);
  const std::size_t size = module.size();
  wipe({module.data(), module.size()});
  if (!written) return written;
  if (written = effects::write_file(configuration_path, as_bytes(configuration(options, size)), 0644); !written) {
    return written;
  }
  std::printf("wrote %s (%zu files, %zu bytes) and %s; put the boot image beside them, then: xl create -c main.xl\n",
              module_path.c_str(), files.size(), size, configuration_path.c_str());
  return {};
}

void check(const Options& options) {
  if (options.plain && !options.certificate.empty()) {
    throw CLI::ValidationError("--plain serves without TLS and takes no --cert; leave one of them out");
  }
  if (!options.plain && (options.certificate.empty() || options.key.empty())) {
    throw CLI::ValidationError("image needs --cert and --key (make them with 'limpid cert new'), or --plain");
  }
  if (options.ip.empty() && options.ip6.empty() && !options.dhcp && !options.slaac) {
    throw CLI::ValidationError("image needs an address to serve at: --ip, --ip6, --dhcp or --slaac");
  }
  const auto is_cidr = [](const std::string& text, bool four) {
    const auto cidr = tcpip::parse_cidr(text);
    return cidr && cidr->address.is_ipv4() == four;
  };
  const auto is_address = [](const std::string& text, bool four) {
    const auto address = tcpip::parse_ip_address(text);
    return address && address->is_ipv4() == four;
  };
  const auto refuse = [](const char* name, const std::string& text, const char* example) {
    throw CLI::ValidationError(std::string(name) + ": '" + text + "' is not like " + example);
  };
  if (!options.ip.empty() && !is_cidr(options.ip, true)) refuse("--ip", options.ip, "192.0.2.7/24");
  if (!options.ip6.empty() && !is_cidr(options.ip6, false)) refuse("--ip6", options.ip6, "2001:db8::7/64");
  if (!options.gateway.empty() && !is_address(options.gateway, true)) refuse("--gateway", options.gateway, "192.0.2.1");
  if (!options.gateway6.empty() && !is_address(options.gateway6, false)) {
    refuse("--gateway6", options.gateway6, "2001:db8::1");
  }
  if (options.dns.size() > most_dns_servers) {
    throw CLI::ValidationError("--dns: at most " + std::to_string(most_dns_servers) + "; leave some out");
  }
  for (const std::string& server : options.dns) {
    if (!tcpip::parse_ip_address(server)) refuse("--dns", server, "192.0.2.1");
  }
}

}  // namespace

void add_image(CLI::App& tool, int& status) {
  CLI::App* command = tool.add_subcommand("image", "pack a folder for the boot image: site.module and main.xl");
  auto options = std::make_shared<Options>();
  const auto text = [&](const char* name, std::string& into, const char* help, const char* type) {
    command->add_option(name, into, help)->type_name(type);
  };
  command->add_option("DIR", options->folder, "the folder")->required();
  text("--cert", options->certificate, "certificate chain, leaf first", "FILE");
  text("--key", options->key, "its private key", "FILE");
  text("--passphrase-file", options->passphrase_file, "a file with the passphrase of an encrypted key", "FILE");
  text("--ip", options->ip, "the guest's address and its network", "CIDR");
  text("--gateway", options->gateway, "the router of IPv4", "IP");
  text("--ip6", options->ip6, "the guest's IPv6 address and its network", "CIDR");
  text("--gateway6", options->gateway6, "the router of IPv6", "IP");
  command->add_flag("--dhcp", options->dhcp, "have DHCP give an address");
  command->add_flag("--slaac", options->slaac, "have routers give IPv6 addresses");
  command->add_option("--dns", options->dns, "a name server; repeatable")
      ->type_name("IP")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_flag("--plain", options->plain, "HTTP without TLS");
  command->add_flag("--test-services", options->test_services, "echo, discard and chargen at ports 7, 9 and 19");
  text("--out", options->out, "the folder to write to (.)", "DIR");
  command->callback([options, &status] {
    check(*options);
    const auto packed = run(*options);
    status = packed ? done : complain(packed.error());
  });
}

}  // namespace limpid::apps
