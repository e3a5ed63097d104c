#include "limpid/xen_netfront/platform/xen/store.hpp"

#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/power.hpp"
#include "limpid/xen_netfront/platform/xen/abi.hpp"
#include "limpid/xen_netfront/platform/xen/hypervisor.hpp"

#include <xen/io/xs_wire.h>

namespace limpid::xen_netfront::platform {

Store::Store(Budget& budget) : budget_(budget), port_(static_cast<Port>(hvm_parameter(HVM_PARAM_STORE_EVTCHN))) {
  auto* page = reinterpret_cast<xenstore_domain_interface*>(shared_page(hvm_parameter(HVM_PARAM_STORE_PFN)));
  static_assert(sizeof page->req == xenstore_ring_size && sizeof page->rsp == xenstore_ring_size);
  ring_of_requests_ = {reinterpret_cast<Byte*>(page->req), sizeof page->req, &page->req_cons, &page->req_prod};
  ring_of_responses_ = {reinterpret_cast<Byte*>(page->rsp), sizeof page->rsp, &page->rsp_cons, &page->rsp_prod};
}

Store::Progressed Store::step(Time now, const xenstore::Client::Event& event, Lent& lent) {
  constexpr xenstore::Client::Config config;
  const Room<xenstore::Client::Action> room{lent.bytes, lent.actions, budget_};
  auto progress = xenstore::Client::advance(config, client_, now, event, room);
  bool sent = false;
  for (const auto& action : progress.actions) {
    if (const auto* send = std::get_if<stream::Send>(&action)) {
      if (ring_of_requests_.write(send->bytes) != send->bytes.size()) panic("xenstore: its ring takes back room");
      sent = true;
      ++requests_;
    }
    if (std::holds_alternative<xenstore::Failed>(action)) panic("xenstore: it sent what is no message");
    // What cannot be asked is answered at once, without a value.
    const auto* answer = std::get_if<xenstore::Answer>(&action);
    if (answer != nullptr && &lent == &sending_) refused_.push_back({answer->token, answer->status});
  }
  if (sent) notify(port_);
  return progress;
}

void Store::send_unsent(Time now) {
  // The client is told of room once and counts what it sends against it.
  const auto room = static_cast<std::uint32_t>(ring_of_requests_.room());
  step(now, xenstore::RingRoom{room}, sending_);
}

}  // namespace limpid::xen_netfront::platform
