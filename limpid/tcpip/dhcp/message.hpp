// DHCPv4 messages (RFC 2131, section 2) with the options that a client sends or understands (RFC 2132). Options that
// are split (RFC 3396) or overflow into the fields `file` and `sname` (option overload) are joined; others are skipped.
#pragma once

#include <expected>
#include <optional>

#include "limpid/core/inline_list.hpp"
#include "limpid/core/writer.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip::dhcp {

inline constexpr std::uint16_t server_port = 67;
inline constexpr std::uint16_t client_port = 68;

// A message is padded to 300 bytes, BOOTP's least (RFC 1542, section 2.1); with every option filled it has so many.
inline constexpr std::size_t largest_emitted = 376;

enum class Operation : std::uint8_t { request = 1, reply = 2 };

enum class MessageType : std::uint8_t { discover = 1, offer, request, decline, ack, nak, release, inform };
constexpr bool is_valid(MessageType type) { return type >= MessageType::discover && type <= MessageType::inform; }

enum class OptionCode : std::uint8_t {
  pad = 0,
  subnet_mask = 1,
  router = 3,
  domain_name_server = 6,
  interface_mtu = 26,
  requested_address = 50,
  lease_time = 51,
  overload = 52,
  message_type = 53,
  server_identifier = 54,
  parameter_request_list = 55,
  maximum_message_size = 57,
  renewal_time = 58,
  rebinding_time = 59,
  client_identifier = 61,
  end = 255,
};

// Why a message is not one.
enum class MessageFault : std::uint8_t {
  truncated,         // shorter than the fixed part and the cookie
  not_ethernet,      // hardware address type or length
  bad_operation,     // neither request nor reply
  bad_cookie,        // BOOTP without DHCP
  bad_options,       // one runs past the end of its field, or an overload that is none
  bad_option_value,  // a known option whose length or value is not what RFC 2132 says
  no_message_type,
};
std::string_view name(MessageFault fault);

using ClientIdentifier = InlineBytes<32>;

struct Message {
  Operation operation = Operation::request;
  std::uint32_t xid = 0;
  std::uint16_t secs = 0;
  bool broadcast = false;  // the reply is to be broadcast
  IpAddress ciaddr = any_ipv4, yiaddr = any_ipv4, siaddr = any_ipv4, giaddr = any_ipv4;
  MacAddress chaddr;

  MessageType type = MessageType::discover;
  std::optional<IpAddress> requested_address, server_identifier, subnet_mask;
  InlineList<IpAddress, 4> routers, domain_name_servers;  // the first four
  std::optional<std::uint16_t> interface_mtu, maximum_message_size;
  std::optional<std::uint32_t> lease_time, renewal_time, rebinding_time;  // seconds; 2^32 - 1 is for ever
  ClientIdentifier client_identifier;                                     // empty: none
  InlineList<OptionCode, 16> parameter_request_list;

  friend bool operator==(const Message&, const Message&) = default;

  static std::expected<Message, MessageFault> parse(Bytes bytes);
  // Options in one field, in ascending order but the type first, at most largest_emitted bytes. What this writes parses
  // to an equal message.
  void emit(Writer& out) const;
};

}  // namespace limpid::tcpip::dhcp
