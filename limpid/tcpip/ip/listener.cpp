#include "limpid/tcpip/ip/listener.hpp"

namespace limpid::tcpip::ip {

std::optional<wire::MldReport> MulticastListener::due(Instant now, const AddressList& addresses,
                                                      std::uint32_t random_ms) {
  const bool change = change_due_ && *change_due_ <= now;
  if (!is_due(now)) return std::nullopt;
  // Everything is excluded from nothing: "EXCLUDE mode [...] with an empty source list" is to listen to all sources.
  const auto type = change ? wire::MldRecordType::change_to_exclude_mode : wire::MldRecordType::mode_is_exclude;
  wire::MldReport report;
  const auto add = [&](wire::MldRecordType kind, const IpAddress& group) {
    for (const auto& record : report.records) {
      if (record.multicast_address == group) return;
    }
    report.records.push_back({kind, group});
  };
  for (const LocalAddress& local : addresses) {
    if (!local.address().is_ipv4()) add(type, solicited_node_group(local.address()));
  }
  if (change) {
    for (const IpAddress& group : left_) add(wire::MldRecordType::change_to_include_mode, group);
    change_due_.reset();
    if (--changes_ > 0) {
      change_due_ = now + milliseconds(1 + random_ms % unsolicited_report_interval_ms);
    } else {
      left_ = {};
    }
  }
  // A report about a change says all, too.
  if (answer_due_ && *answer_due_ <= now) answer_due_.reset();
  return report;
}

}  // namespace limpid::tcpip::ip
