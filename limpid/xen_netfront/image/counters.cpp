#include "limpid/xen_netfront/image/counters.hpp"

#include "limpid/xen_netfront/platform/arena.hpp"
#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/xen/event_channels.hpp"
#include "limpid/xen_netfront/platform/xen/hypervisor.hpp"

namespace limpid::xen_netfront::image {
namespace {

using platform::print;
using platform::print_decimal;

// An object of numbers, and of objects of numbers: {"a":1,"group":{"b":2}}.
class Json {
 public:
  Json() { print("{"); }
  void end() {
    leave_group();
    print("}\n");
  }

  void number(std::string_view name, std::uint64_t value) {
    leave_group();
    member(name, value);
  }
  // Those of a group come one after the other; what is zero is left out.
  void number(std::string_view group, std::string_view name, std::uint64_t value) {
    if (value == 0) return;
    if (group_ != group) {
      leave_group();
      key(group);
      print("{");
      group_ = group;
      first_ = true;
    }
    member(name, value);
  }

 private:
  void leave_group() {
    if (!group_.empty()) print("}");
    group_ = {};
  }
  void key(std::string_view name) {
    print(std::exchange(first_, false) ? "\"" : ",\"");
    print(name);
    print("\":");
  }
  void member(std::string_view name, std::uint64_t value) {
    key(name);
    print_decimal(value);
  }

  std::string_view group_;
  bool first_ = true;
};

}  // namespace

void Counters::count(const Machine::Action& action) {
  if (std::holds_alternative<Machine::Began>(action)) ++accepted_;
  if (const auto* ended = std::get_if<Machine::Ended>(&action)) {
    if (ended->why == Machine::Ended::Why::reset) ++reset_by_peer_;
    if (ended->why == Machine::Ended::Why::out_of_memory) ++refused_for_memory_;
  }
  const auto* said = std::get_if<Machine::Report>(&action);
  if (said == nullptr) return;
  if (std::holds_alternative<tls::HandshakeDone>(said->report)) ++handshakes_;
  if (std::holds_alternative<tls::Failed>(said->report)) ++tls_failures_;
  if (std::holds_alternative<stream::Abort>(said->report)) ++aborted_;
  if (const auto* served = std::get_if<http::RequestServed>(&said->report)) {
    ++requests_;
    ++answers_[static_cast<std::size_t>(served->status) / 100 - 1];
    body_bytes_ += served->body_bytes;
  }
}

void Counters::print(const Machine& machine, const Budget& budget, const platform::Netfront& network,
                     const platform::Store& store) const {
  Json json;
  json.number("connections", machine.connections());
  json.number("accepted", accepted_);
  json.number("handshakes", handshakes_);
  json.number("tls_failures", tls_failures_);
  json.number("requests", requests_);
  constexpr std::string_view classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
  for (std::size_t i = 0; i < answers_.size(); ++i) json.number("answers", classes[i], answers_[i]);
  json.number("body_bytes", body_bytes_);
  json.number("reset_by_peer", reset_by_peer_);
  json.number("aborted", aborted_);
  json.number("refused_for_memory", refused_for_memory_);
  json.number("memory", "free", platform::arena_free_bytes());
  json.number("memory", "used", budget.used());
  json.number("memory", "limit", budget.limit());
  json.number("hypercalls", "all", platform::hypercalls_made());
  json.number("hypercalls", "waits", platform::waits_made());
  json.number("hypercalls", "notifications", platform::notifications_made());
  json.number("xenstore", "messages", store.requests());
  json.number("xenstore", "round_trips", store.round_trips());
  network.device().report(
      [&](std::string_view group, std::string_view name, std::uint64_t value) { json.number(group, name, value); });
  machine.host().report(
      [&](std::string_view group, std::string_view name, std::uint64_t value) { json.number(group, name, value); });
  json.end();
}

}  // namespace limpid::xen_netfront::image
