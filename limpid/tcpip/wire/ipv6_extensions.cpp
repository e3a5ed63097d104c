#include "limpid/tcpip/wire/ipv6.hpp"

namespace limpid::tcpip::wire {
namespace {

using Reply = Ipv6ExtensionProblem::Reply;
using Problem = std::optional<Ipv6ExtensionProblem>;

// RFC 4443, section 3.4.
constexpr std::uint8_t erroneous_field = 0, unknown_next_header = 1, unknown_option = 2;

// Options of hop-by-hop and destination headers (RFC 8200, section 4.2).
constexpr std::uint8_t pad1 = 0, router_alert_option = 5;

class Walk {
 public:
  explicit Walk(Bytes payload) : payload_(payload) {}

  std::expected<Ipv6Extensions, Ipv6ExtensionProblem> run(Protocol first) {
    found_.protocol = first;
    for (std::size_t headers = 0;; ++headers) {
      if (!is_extension(found_.protocol)) return found_;
      if (headers == most_extension_headers) return std::unexpected(silent(WireFault::wrong_length, found_.offset));
      const Problem problem = found_.protocol == Protocol::fragment ? fragment() : one(headers == 0);
      if (problem) return std::unexpected(*problem);
      if (found_.fragment) return found_;
    }
  }

 private:
  static bool is_extension(Protocol protocol) {
    return protocol == Protocol::hop_by_hop_options || protocol == Protocol::routing ||
           protocol == Protocol::fragment || protocol == Protocol::destination_options;
  }
  static Ipv6ExtensionProblem silent(WireFault fault, std::size_t at) { return {fault, Reply::none, 0, at}; }

  void go_on(std::size_t size) {
    found_.next_header_at = found_.offset;
    found_.protocol = static_cast<Protocol>(payload_[found_.offset]);
    found_.offset += size;
  }

  // A header that begins with the next one's type and its own length in units of 8 bytes, not counting the first 8.
  Problem one(bool is_first) {
    const Bytes rest = payload_.subspan(found_.offset);
    if (rest.size() < 8) return silent(WireFault::truncated, found_.offset);
    const std::size_t size = 8 + std::size_t{rest[1]} * 8;
    if (size > rest.size()) return silent(WireFault::truncated, found_.offset);
    // RFC 8200, section 4.1: "... except for the Hop-by-Hop Options header, which is restricted to appear immediately
    // after an IPv6 header only"; section 4: elsewhere it is treated as an unrecognized Next Header value.
    if (found_.protocol == Protocol::hop_by_hop_options && !is_first) {
      return Ipv6ExtensionProblem{WireFault::wrong_value, Reply::parameter_problem_unless_multicast,
                                  unknown_next_header, *found_.next_header_at};
    }
    // RFC 8200, section 4.4: if the routing type is not recognized, then "if Segments Left is zero, the node must
    // ignore the Routing header", otherwise it "must discard the packet and send an ICMP Parameter Problem, Code 0,
    // message
    // [...] pointing to the unrecognized Routing Type". RFC 5095 demands the same for type 0; here no type is known.
    if (found_.protocol == Protocol::routing) {
      if (rest[3] != 0) {
        return Ipv6ExtensionProblem{WireFault::wrong_value, Reply::parameter_problem_unless_multicast, erroneous_field,
                                    found_.offset + 2};
      }
    } else if (const Problem problem = options(rest.subspan(2, size - 2), found_.offset + 2)) {
      return problem;
    }
    go_on(size);
    return std::nullopt;
  }

  Problem options(Bytes area, std::size_t base) {
    for (std::size_t at = 0; at < area.size();) {
      if (options_++ == most_extension_options) return silent(WireFault::wrong_option, base + at);
      const std::uint8_t type = area[at];
      if (type == pad1) {
        ++at;
        continue;
      }
      if (area.size() - at < 2 || area.size() - at - 2 < area[at + 1]) {
        return silent(WireFault::wrong_option, base + at);
      }
      if (type == router_alert_option && found_.protocol == Protocol::hop_by_hop_options) {
        found_.router_alert = true;
      } else if (const Reply reply = reply_to(type); type >> 6 != 0) {
        return Ipv6ExtensionProblem{WireFault::wrong_option, reply, unknown_option, base + at};
      }
      at += 2u + area[at + 1];
    }
    return std::nullopt;
  }

  // Section 4.2: the highest two bits of an unrecognized option "specify the action that must be taken".
  static Reply reply_to(std::uint8_t option_type) {
    switch (option_type >> 6) {
      case 2:
        return Reply::parameter_problem;
      case 3:
        return Reply::parameter_problem_unless_multicast;
      default:
        return Reply::none;  // 0: skip over it, 1: discard silently
    }
  }

  Problem fragment() {
    const Bytes rest = payload_.subspan(found_.offset);
    if (rest.size() < Ipv6FragmentHeader::size) return silent(WireFault::truncated, found_.offset);
    const auto fixed = rest.first<Ipv6FragmentHeader::size>();
    Ipv6FragmentHeader header;
    header.next_header = static_cast<Protocol>(fixed[0]);
    header.fragment_offset = u16_at(fixed, 2) & 0xfff8;
    header.more_fragments = (fixed[3] & 1) != 0;
    header.identification = u32_at(fixed, 4);
    if (header.fragment_offset != 0 || header.more_fragments) {
      found_.fragment = header;
    } else {
      found_.atomic_fragment = true;
    }
    go_on(Ipv6FragmentHeader::size);
    return std::nullopt;
  }

  Bytes payload_;
  Ipv6Extensions found_;
  std::size_t options_ = 0;
};

}  // namespace

std::expected<Ipv6Extensions, Ipv6ExtensionProblem> walk_extensions(Protocol first, Bytes payload) {
  return Walk(payload).run(first);
}

}  // namespace limpid::tcpip::wire
