#include "limpid/xen_netfront/image/secure.hpp"

#include <new>

#include "limpid/stack/identity.hpp"
#include "limpid/x509/key.hpp"
#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

namespace limpid::xen_netfront::image {
namespace {

alignas(stack::Identities) Byte memory[sizeof(stack::Identities)];
stack::Identities* identities = nullptr;

[[noreturn]] void refuse(std::string_view what) {
  platform::print_line("site.module: ", what);
  platform::panic("no identity: make the module again with `limpid image`, or serve plain HTTP with `plain`");
}

}  // namespace

tls::Config load_identity(const stack::SiteModule& site, Budget& budget) {
  if (site.chain().empty()) refuse("it holds no certificate, as it was made with --plain");
  auto chain = x509::CertificateList::parse(site.chain(), budget);
  if (!chain) refuse(x509::describe(chain.error().fault));
  auto key = x509::parse_pkcs8(site.key());
  if (!key) refuse(x509::describe(key.error().fault));
  auto identity = stack::Identity::make(std::move(*chain), std::move(*key), budget);
  if (!identity) refuse(stack::describe(identity.error()));
  identities = ::new (static_cast<void*>(memory)) stack::Identities(budget);
  if (!identities->add(std::move(*identity))) refuse("there is no memory for its identity");

  constexpr std::string_view protocols[] = {"http/1.1"};
  tls::Config::Options policy;
  policy.role = tls::Role::server;
  policy.application_protocols = protocols;
  const auto config = tls::Config::make(policy);
  if (!config) refuse(tls::describe(config.error()));
  return *config;
}

tls::Answer answer(const tls::Query& question, UnixTime at, CpuFeatures cpu) {
  return identities->answer(question, at, cpu);
}

}  // namespace limpid::xen_netfront::image
