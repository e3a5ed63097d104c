// Tells multicast routers and switches which IPv6 groups are listened to (RFC 3810), so that neighbours' questions get
// here through switches that look. The groups are the solicited-node ones of our addresses; they come and go with them.
#pragma once

#include <optional>

#include "limpid/tcpip/ip/addresses.hpp"
#include "limpid/tcpip/wire/mld.hpp"

namespace limpid::tcpip::ip {

class MulticastListener {
 public:
  // RFC 3810, section 9: the defaults.
  static constexpr std::uint8_t robustness = 2;
  static constexpr std::uint32_t unsolicited_report_interval_ms = 1000;

  // An address came or went; `left` is the group that nobody is in any more.
  void changed(Instant now, std::optional<IpAddress> left = std::nullopt) {
    if (left) left_.push_back(*left);
    changes_ = robustness;
    change_due_ = now;
  }
  // A querier wants to know, by `at` at the latest.
  void queried(Instant at) { answer_due_ = answer_due_ ? std::min(*answer_due_, at) : at; }

  // The report that is due. `random_ms` delays the repetition of one about a change.
  std::optional<wire::MldReport> due(Instant now, const AddressList& addresses, std::uint32_t random_ms);
  bool is_due(Instant now) const {
    return (change_due_ && *change_due_ <= now) || (answer_due_ && *answer_due_ <= now);
  }

  std::optional<Instant> deadline() const {
    return change_due_ && answer_due_ ? std::min(*change_due_, *answer_due_) : change_due_ ? change_due_ : answer_due_;
  }

  static void fields(auto& self, auto&& visit) { visit(self.change_due_, self.changes_, self.left_, self.answer_due_); }
  bool restored(const LoadContext&) const {
    return change_due_.has_value() == (changes_ > 0) && changes_ <= robustness && (change_due_ || left_.empty());
  }

 private:
  std::optional<Instant> change_due_{};
  std::uint8_t changes_ = 0;       // reports about the last change still to be sent
  InlineList<IpAddress, 8> left_;  // groups to be reported as left; of more, routers find out by asking
  std::optional<Instant> answer_due_{};
};

}  // namespace limpid::tcpip::ip
