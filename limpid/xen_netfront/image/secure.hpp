// What HTTPS takes besides what HTTP does: an identity and the policy of TLS. In the image for HTTP alone it is absent.
#pragma once

#include "limpid/stack/identity.hpp"
#include "limpid/stack/site_module.hpp"
#include "limpid/tls/config.hpp"

namespace limpid::xen_netfront::image {

class Secure {
 public:
  explicit Secure(Budget& budget) : budget_(budget), identities_(budget) {}

  // Takes chain and key from the module; panics, saying what is wrong with them, if they cannot be used.
  void load(const stack::SiteModule& site);
  // After load().
  const tls::Config& config() const { return *config_; }
  tls::Answer answer(const tls::Query& question, CpuFeatures cpu) { return identities_.answer(question, cpu); }

 private:
  Budget& budget_;
  stack::Identities identities_;
  std::optional<tls::Config> config_;
};

}  // namespace limpid::xen_netfront::image
