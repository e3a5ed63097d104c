#include "limpid/tcpip/wire/mld.hpp"

namespace limpid::tcpip::wire {
namespace {

void begin(Writer& out, Icmpv6Type type) {
  out.u8(static_cast<std::uint8_t>(type));
  out.u8(0);
  out.u16(0);
}

constexpr std::size_t version_1_size = 24;

}  // namespace

std::uint32_t MldQuery::maximum_response_delay_ms() const {
  if (version_1 || maximum_response_code < 0x8000) return maximum_response_code;
  const std::uint32_t mantissa = maximum_response_code & 0xfffu, exponent = maximum_response_code >> 12 & 7u;
  return (mantissa | 0x1000) << (exponent + 3);
}

std::expected<MldQuery, WireFault> MldQuery::parse(Bytes message) {
  Reader in(message);
  const bool is_query = in.u8() == static_cast<std::uint8_t>(Icmpv6Type::multicast_listener_query);
  in.skip(3);
  MldQuery query;
  query.maximum_response_code = in.u16();
  in.skip(2);
  query.multicast_address = read_ipv6(in);
  if (in.failed()) return std::unexpected(WireFault::truncated);
  if (!is_query) return std::unexpected(WireFault::wrong_value);
  // RFC 3810, section 8.1: "MLDv1 Query: length = 24 octets", "MLDv2 Query: length >= 28 octets"; others "MUST be
  // silently ignored".
  query.version_1 = message.size() == version_1_size;
  if (query.version_1) return query;
  const std::uint8_t flags = in.u8();
  query.suppress_router_processing = (flags & 8) != 0;
  query.robustness_variable = flags & 7;
  query.query_interval_code = in.u8();
  query.sources = in.take(std::size_t{in.u16()} * 16);
  if (in.failed()) return std::unexpected(WireFault::truncated);
  return query;
}

void MldQuery::emit(Writer& out) const {
  begin(out, Icmpv6Type::multicast_listener_query);
  out.u16(maximum_response_code);
  out.u16(0);
  emit_ipv6(out, multicast_address);
  if (version_1) return;
  out.u8(static_cast<std::uint8_t>((suppress_router_processing ? 8 : 0) | (robustness_variable & 7)));
  out.u8(query_interval_code);
  out.u16(static_cast<std::uint16_t>(sources.size() / 16));
  out.bytes(sources);
}

std::expected<MldReport, WireFault> MldReport::parse(Bytes message) {
  Reader in(message);
  const bool is_report = in.u8() == static_cast<std::uint8_t>(Icmpv6Type::multicast_listener_report_v2);
  in.skip(5);
  const std::size_t count = in.u16();
  if (in.failed()) return std::unexpected(WireFault::truncated);
  if (!is_report) return std::unexpected(WireFault::wrong_value);
  MldReport report;
  for (std::size_t i = 0; i < std::min(count, most_records); ++i) {
    MulticastAddressRecord record;
    record.type = static_cast<MldRecordType>(in.u8());
    const std::size_t auxiliary_size = std::size_t{in.u8()} * 4;
    const std::size_t sources_size = std::size_t{in.u16()} * 16;
    record.multicast_address = read_ipv6(in);
    record.sources = in.take(sources_size);
    in.skip(auxiliary_size);
    if (in.failed()) return std::unexpected(WireFault::truncated);
    report.records.push_back(record);
  }
  return report;
}

void MldReport::emit(Writer& out) const {
  begin(out, Icmpv6Type::multicast_listener_report_v2);
  out.u16(0);
  out.u16(static_cast<std::uint16_t>(records.size()));
  for (const MulticastAddressRecord& record : records) {
    out.u8(static_cast<std::uint8_t>(record.type));
    out.u8(0);
    out.u16(static_cast<std::uint16_t>(record.sources.size() / 16));
    emit_ipv6(out, record.multicast_address);
    out.bytes(record.sources);
  }
}

std::expected<MldVersion1Message, WireFault> MldVersion1Message::parse(Bytes message) {
  Reader in(message);
  MldVersion1Message parsed;
  parsed.type = static_cast<Icmpv6Type>(in.u8());
  in.skip(7);
  parsed.multicast_address = read_ipv6(in);
  if (in.failed()) return std::unexpected(WireFault::truncated);
  const bool known =
      parsed.type == Icmpv6Type::multicast_listener_report || parsed.type == Icmpv6Type::multicast_listener_done;
  if (!known) return std::unexpected(WireFault::wrong_value);
  return parsed;
}

void MldVersion1Message::emit(Writer& out) const {
  begin(out, type);
  out.u32(0);
  emit_ipv6(out, multicast_address);
}

void emit_router_alert(Writer& out, Protocol next_header) {
  constexpr std::uint8_t router_alert = 5, padn = 1;
  out.u8(static_cast<std::uint8_t>(next_header));
  out.u8(0);
  out.u8(router_alert);
  out.u8(2);
  out.u16(0);  // RFC 2711, section 2.1: "Datagram contains a Multicast Listener Discovery message"
  out.u8(padn);
  out.u8(0);
}

}  // namespace limpid::tcpip::wire
