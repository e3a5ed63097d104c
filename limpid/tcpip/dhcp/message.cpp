#include "limpid/tcpip/dhcp/message.hpp"

#include "limpid/core/reader.hpp"

namespace limpid::tcpip::dhcp {
namespace {

constexpr std::uint8_t ethernet = 1;
constexpr std::uint8_t mac_size = 6;
constexpr std::uint32_t cookie = 0x63825363;
constexpr std::uint16_t broadcast_flag = 0x8000;
constexpr std::size_t sname_size = 64;
constexpr std::size_t file_size = 128;
constexpr std::size_t least_size = 300;

// The fields that hold options, in the order in which they are read (RFC 2131, section 4.1): "options", "file",
// "sname".
struct OptionFields {
  std::array<Bytes, 3> fields;
};

// Calls found(code, data) for each option of a field. False if one runs past its end. RFC 2132 demands the end option;
// that a field ends without it is tolerated.
template <class Found>
bool walk(Bytes field, Found&& found) {
  Reader in(field);
  while (!in.empty()) {
    const auto code = static_cast<OptionCode>(in.u8());
    if (code == OptionCode::end) return true;
    if (code == OptionCode::pad) continue;
    const Bytes data = in.vector8();
    if (in.failed()) return false;
    found(code, data);
  }
  return true;
}

// One option's value. Whatever stands under its code, in all fields, is one value in parts (RFC 3396, section 7).
class OptionValue {
 public:
  OptionValue(const OptionFields& options, OptionCode code) {
    for (const Bytes field : options.fields) {
      walk(field, [&](OptionCode found, Bytes data) {
        if (found != code) return;
        present_ = true;
        for (const Byte byte : data) {
          kept_.push_back(byte);
          ++size_;
        }
      });
    }
  }
  bool present() const { return present_; }
  std::size_t size() const { return size_; }    // of all of it
  Bytes bytes() const { return kept_.span(); }  // what fits, the front
  Reader reader() const { return Reader(kept_.span()); }

 private:
  InlineBytes<64> kept_;
  std::size_t size_ = 0;
  bool present_ = false;
};

IpAddress read_address(Reader& in) { return IpAddress::v4(in.u32()); }

// Reads the options that a Message has. Each reader leaves its target alone if the option is absent.
class OptionReader {
 public:
  explicit OptionReader(const OptionFields& options) : options_(options) {}

  void address(OptionCode code, std::optional<IpAddress>& to) {
    with(code, 4, [&](Reader& in) { to = read_address(in); });
  }
  void u16(OptionCode code, std::optional<std::uint16_t>& to) {
    with(code, 2, [&](Reader& in) { to = in.u16(); });
  }
  void u32(OptionCode code, std::optional<std::uint32_t>& to) {
    with(code, 4, [&](Reader& in) { to = in.u32(); });
  }
  // RFC 2132, section 3.5: "The minimum length for the router option is 4 octets, and the length MUST always be a
  // multiple of 4."
  void addresses(OptionCode code, InlineList<IpAddress, 4>& to) {
    const OptionValue value(options_, code);
    if (!value.present()) return;
    if (value.size() == 0 || value.size() % 4 != 0) return fail();
    for (Reader in = value.reader(); !in.empty() && to.size() < to.capacity;) to.push_back(read_address(in));
  }
  // RFC 2132, section 9.14: a type and at least one more byte. What is too long to be ours is kept as far as it fits:
  // it is only compared with ours.
  void client_identifier(ClientIdentifier& to) {
    const OptionValue value(options_, OptionCode::client_identifier);
    if (!value.present()) return;
    if (value.size() < 2) return fail();
    to = ClientIdentifier(value.bytes());
  }
  void parameters(InlineList<OptionCode, 16>& to) {
    const OptionValue value(options_, OptionCode::parameter_request_list);
    if (value.present() && value.size() == 0) return fail();
    for (const Byte code : value.bytes()) to.push_back(static_cast<OptionCode>(code));
  }
  std::optional<MessageType> type() {
    std::optional<MessageType> type;
    with(OptionCode::message_type, 1, [&](Reader& in) {
      type = static_cast<MessageType>(in.u8());
      if (!is_valid(*type)) fail();
    });
    return type;
  }
  bool failed() const { return failed_; }

 private:
  template <class Read>
  void with(OptionCode code, std::size_t size, Read&& read) {
    const OptionValue value(options_, code);
    if (!value.present()) return;
    if (value.size() != size) return fail();
    Reader in = value.reader();
    read(in);
  }
  void fail() { failed_ = true; }

  const OptionFields& options_;
  bool failed_ = false;
};

// Finds the fields that hold options and checks that all of them can be walked.
std::optional<OptionFields> option_fields(Bytes options, Bytes sname, Bytes file) {
  OptionFields found{{options, {}, {}}};
  const OptionValue overload({{options, {}, {}}}, OptionCode::overload);
  if (overload.present()) {
    // RFC 2132, section 9.3: 1 the "file" field, 2 the "sname" field, 3 both.
    if (overload.size() != 1 || overload.bytes()[0] < 1 || overload.bytes()[0] > 3) return {};
    if ((overload.bytes()[0] & 1) != 0) found.fields[1] = file;
    if ((overload.bytes()[0] & 2) != 0) found.fields[2] = sname;
  }
  for (const Bytes field : found.fields) {
    if (!walk(field, [](OptionCode, Bytes) {})) return {};
  }
  return found;
}

class OptionWriter {
 public:
  explicit OptionWriter(Writer& out) : out_(out) {}

  void u8(OptionCode code, std::uint8_t value) {
    put(code, [&] { out_.u8(value); });
  }
  void address(OptionCode code, const std::optional<IpAddress>& value) {
    if (value) put(code, [&] { out_.u32(value->v4_bits()); });
  }
  void addresses(OptionCode code, const InlineList<IpAddress, 4>& values) {
    if (values.empty()) return;
    put(code, [&] {
      for (const IpAddress& value : values) out_.u32(value.v4_bits());
    });
  }
  void u16(OptionCode code, const std::optional<std::uint16_t>& value) {
    if (value) put(code, [&] { out_.u16(*value); });
  }
  void u32(OptionCode code, const std::optional<std::uint32_t>& value) {
    if (value) put(code, [&] { out_.u32(*value); });
  }
  template <class Body>
  void put(OptionCode code, Body&& body) {
    out_.u8(static_cast<std::uint8_t>(code));
    out_.vector8(body);
  }

 private:
  Writer& out_;
};

}  // namespace

std::string_view name(MessageFault fault) {
  switch (fault) {
    case MessageFault::truncated:
      return "truncated";
    case MessageFault::not_ethernet:
      return "not_ethernet";
    case MessageFault::bad_operation:
      return "bad_operation";
    case MessageFault::bad_cookie:
      return "bad_cookie";
    case MessageFault::bad_options:
      return "bad_options";
    case MessageFault::bad_option_value:
      return "bad_option_value";
    case MessageFault::no_message_type:
      return "no_message_type";
  }
  return "";
}

std::expected<Message, MessageFault> Message::parse(Bytes bytes) {
  Reader in(bytes);
  Message message;
  const std::uint8_t operation = in.u8();
  const std::uint8_t hardware_type = in.u8();
  const std::uint8_t hardware_size = in.u8();
  in.skip(1);  // hops
  message.xid = in.u32();
  message.secs = in.u16();
  // RFC 2131, figure 2: the other flags "MUST BE ZERO (reserved for future use)", so they are ignored.
  message.broadcast = (in.u16() & broadcast_flag) != 0;
  message.ciaddr = read_address(in);
  message.yiaddr = read_address(in);
  message.siaddr = read_address(in);
  message.giaddr = read_address(in);
  const Bytes chaddr = in.take(16);
  const Bytes sname = in.take(sname_size);
  const Bytes file = in.take(file_size);
  const std::uint32_t magic = in.u32();
  if (in.failed()) return std::unexpected(MessageFault::truncated);
  if (operation != 1 && operation != 2) return std::unexpected(MessageFault::bad_operation);
  if (hardware_type != ethernet || hardware_size != mac_size) return std::unexpected(MessageFault::not_ethernet);
  if (magic != cookie) return std::unexpected(MessageFault::bad_cookie);
  message.operation = static_cast<Operation>(operation);
  copy(chaddr.first(mac_size), message.chaddr.octets);

  const auto fields = option_fields(in.take_rest(), sname, file);
  if (!fields) return std::unexpected(MessageFault::bad_options);
  OptionReader options(*fields);
  const auto type = options.type();
  options.address(OptionCode::subnet_mask, message.subnet_mask);
  options.addresses(OptionCode::router, message.routers);
  options.addresses(OptionCode::domain_name_server, message.domain_name_servers);
  options.u16(OptionCode::interface_mtu, message.interface_mtu);
  options.address(OptionCode::requested_address, message.requested_address);
  options.u32(OptionCode::lease_time, message.lease_time);
  options.address(OptionCode::server_identifier, message.server_identifier);
  options.parameters(message.parameter_request_list);
  options.u16(OptionCode::maximum_message_size, message.maximum_message_size);
  options.u32(OptionCode::renewal_time, message.renewal_time);
  options.u32(OptionCode::rebinding_time, message.rebinding_time);
  options.client_identifier(message.client_identifier);
  if (options.failed()) return std::unexpected(MessageFault::bad_option_value);
  if (!type) return std::unexpected(MessageFault::no_message_type);
  message.type = *type;
  return message;
}

void Message::emit(Writer& out) const {
  const std::size_t start = out.size();
  const Byte zeros[sname_size + file_size] = {};
  out.u8(static_cast<std::uint8_t>(operation));
  out.u8(ethernet);
  out.u8(mac_size);
  out.u8(0);  // hops
  out.u32(xid);
  out.u16(secs);
  out.u16(broadcast ? broadcast_flag : 0);
  for (const IpAddress& address : {ciaddr, yiaddr, siaddr, giaddr}) out.u32(address.v4_bits());
  out.bytes(chaddr.octets);
  out.bytes(Bytes(zeros).first(16 - mac_size));
  out.bytes(zeros);
  out.u32(cookie);

  OptionWriter options(out);
  options.u8(OptionCode::message_type, static_cast<std::uint8_t>(type));
  options.address(OptionCode::subnet_mask, subnet_mask);
  options.addresses(OptionCode::router, routers);
  options.addresses(OptionCode::domain_name_server, domain_name_servers);
  options.u16(OptionCode::interface_mtu, interface_mtu);
  options.address(OptionCode::requested_address, requested_address);
  options.u32(OptionCode::lease_time, lease_time);
  options.address(OptionCode::server_identifier, server_identifier);
  if (!parameter_request_list.empty()) {
    options.put(OptionCode::parameter_request_list, [&] {
      for (const OptionCode code : parameter_request_list) out.u8(static_cast<std::uint8_t>(code));
    });
  }
  options.u16(OptionCode::maximum_message_size, maximum_message_size);
  options.u32(OptionCode::renewal_time, renewal_time);
  options.u32(OptionCode::rebinding_time, rebinding_time);
  if (!client_identifier.empty()) {
    options.put(OptionCode::client_identifier, [&] { out.bytes(client_identifier.span()); });
  }
  out.u8(static_cast<std::uint8_t>(OptionCode::end));
  while (!out.failed() && out.size() - start < least_size) out.u8(0);
}

}  // namespace limpid::tcpip::dhcp
