#include "limpid/tls/wire/extensions.hpp"

namespace limpid::tls::wire {

Extension Extension::read(Parser& in) {
  Extension extension;
  extension.type = static_cast<ExtensionType>(in.u16());
  extension.data = in.vector16();
  return extension;
}

std::optional<Bytes> find(const Extensions& extensions, ExtensionType type) {
  for (const Extension& extension : extensions) {
    if (extension.type == type) return extension.data;
  }
  return std::nullopt;
}

namespace {

constexpr unsigned in(ExtensionContext context) { return 1u << static_cast<unsigned>(context); }

// The table of section 4.2, as sets of contexts.
constexpr unsigned permitted_contexts(ExtensionType type) {
  constexpr unsigned client_hello = in(ExtensionContext::client_hello);
  constexpr unsigned server_hello = in(ExtensionContext::server_hello);
  constexpr unsigned hello_retry_request = in(ExtensionContext::hello_retry_request);
  constexpr unsigned encrypted_extensions = in(ExtensionContext::encrypted_extensions);
  constexpr unsigned certificate_request = in(ExtensionContext::certificate_request);
  constexpr unsigned certificate = in(ExtensionContext::certificate);
  constexpr unsigned new_session_ticket = in(ExtensionContext::new_session_ticket);
  switch (type) {
    case ExtensionType::server_name:
    case ExtensionType::max_fragment_length:
    case ExtensionType::supported_groups:
    case ExtensionType::use_srtp:
    case ExtensionType::heartbeat:
    case ExtensionType::application_layer_protocol_negotiation:
    case ExtensionType::client_certificate_type:
    case ExtensionType::server_certificate_type:
      return client_hello | encrypted_extensions;
    case ExtensionType::status_request:
    case ExtensionType::signed_certificate_timestamp:
      return client_hello | certificate_request | certificate;
    case ExtensionType::signature_algorithms:
    case ExtensionType::certificate_authorities:
    case ExtensionType::signature_algorithms_cert:
      return client_hello | certificate_request;
    case ExtensionType::padding:
    case ExtensionType::psk_key_exchange_modes:
    case ExtensionType::post_handshake_auth:
      return client_hello;
    case ExtensionType::pre_shared_key:
      return client_hello | server_hello;
    case ExtensionType::early_data:
      return client_hello | encrypted_extensions | new_session_ticket;
    case ExtensionType::supported_versions:
    case ExtensionType::key_share:
      return client_hello | server_hello | hello_retry_request;
    case ExtensionType::cookie:
      return client_hello | hello_retry_request;
    case ExtensionType::oid_filters:
      return certificate_request;
  }
  return ~0u;
}

// RFC 6066, section 3: "HostName" is a DNS name of printable ASCII, "represented as a byte string using ASCII encoding
// without a trailing dot". Which names exist is for whoever selects a certificate.
bool is_host_name(Bytes name) {
  for (const Byte byte : name) {
    if (byte <= 0x20 || byte >= 0x7f) return false;
  }
  return name.size() <= 255;
}

constexpr std::uint8_t host_name_type = 0;

}  // namespace

bool is_permitted(ExtensionType type, ExtensionContext context) {
  return (permitted_contexts(type) & in(context)) != 0;
}

KeyShareEntry KeyShareEntry::read(Parser& in) {
  KeyShareEntry entry;
  entry.group = static_cast<NamedGroup>(in.u16());
  entry.key_exchange = in.vector16({1});
  return entry;
}

std::optional<KeyShareEntry> find(const KeyShares& shares, NamedGroup group) {
  for (const KeyShareEntry& share : shares) {
    if (share.group == group) return share;
  }
  return std::nullopt;
}

ProtocolName ProtocolName::read(Parser& in) { return {in.vector8({1})}; }

PskIdentity PskIdentity::read(Parser& in) {
  PskIdentity identity;
  identity.identity = in.vector16({1});
  identity.obfuscated_ticket_age = in.u32();
  return identity;
}

PskBinderEntry PskBinderEntry::read(Parser& in) { return {in.vector8({32})}; }

CodePoints<ProtocolVersion> read_supported_versions(Parser& in) {
  return CodePoints<ProtocolVersion>::read(in, in.vector8({2, 254}));
}

CodePoints<NamedGroup> read_supported_groups(Parser& in) { return CodePoints<NamedGroup>::read(in, in.vector16({2})); }

CodePoints<SignatureScheme> read_signature_algorithms(Parser& in) {
  return CodePoints<SignatureScheme>::read(in, in.vector16({2, 0xfffe}));
}

KeyShares read_key_shares(Parser& in) {
  const Bytes raw = in.vector16();
  in.within(raw, [](Parser& list) {
    // "Clients MUST NOT offer multiple KeyShareEntry values for the same group."
    std::array<NamedGroup, max_extensions> seen;
    std::size_t count = 0;
    while (!list.at_end()) {
      const std::size_t at = list.offset();
      const NamedGroup group = KeyShareEntry::read(list).group;
      const auto code = static_cast<std::uint32_t>(group);
      if (count == seen.size()) return list.fail(Fault::length_out_of_range, code, list.offset() - at);
      for (const NamedGroup earlier : std::span(seen).first(count)) {
        if (earlier == group) return list.fail(Fault::duplicate_key_share, code, list.offset() - at);
      }
      seen[count++] = group;
    }
  });
  return {raw};
}

Bytes read_server_name(Parser& in) {
  Bytes name;
  in.within(in.vector16({1}), [&](Parser& list) {
    // RFC 6066, section 3: "The ServerNameList MUST NOT contain more than one name of the same name_type", and
    // host_name is the only type there is.
    if (const std::uint8_t type = list.u8(); type != host_name_type) {
      return list.fail(Fault::server_name_not_one_host_name, type, 1);
    }
    name = list.vector16({1});
    if (!is_host_name(name)) return list.fail(Fault::server_name_malformed, 0, name.size());
    if (!list.at_end()) list.fail(Fault::server_name_not_one_host_name);
  });
  return name;
}

ProtocolNames read_protocol_names(Parser& in) {
  const Bytes raw = in.vector16({2});
  in.within(raw, [](Parser& list) { ProtocolNames::check(list); });
  return {raw};
}

Bytes read_selected_protocol(Parser& in) {
  Bytes selected;
  in.within(in.vector16({2}), [&](Parser& list) {
    // RFC 7301, section 3.1: "the "extension_data" field ... MUST contain exactly one "ProtocolName"".
    selected = ProtocolName::read(list).name;
    if (!list.at_end()) list.fail(Fault::alpn_not_one_protocol);
  });
  return selected;
}

Bytes read_psk_key_exchange_modes(Parser& in) { return in.vector8({1}); }

OfferedPsks read_offered_psks(Parser& in) {
  OfferedPsks offered;
  std::size_t identities = 0;
  offered.identities.raw = in.vector16({7});
  in.within(offered.identities.raw, [&](Parser& list) {
    for (; !list.at_end(); ++identities) PskIdentity::read(list);
  });
  offered.binders_offset = in.offset();
  std::size_t binders = 0;
  offered.binders.raw = in.vector16({33});
  in.within(offered.binders.raw, [&](Parser& list) {
    for (; !list.at_end(); ++binders) PskBinderEntry::read(list);
  });
  if (identities != binders) in.fail(Fault::binder_count_mismatch, static_cast<std::uint32_t>(binders));
  return offered;
}

Bytes read_cookie(Parser& in) { return in.vector16({1}); }

CertificateStatusRequest read_status_request(Parser& in) {
  CertificateStatusRequest request;
  request.status_type = in.u8();
  request.request = in.take_rest();
  if (request.status_type == ocsp_status_type) {
    in.within(request.request, [](Parser& inner) {
      const Bytes responder_ids = inner.vector16();
      inner.within(responder_ids, [](Parser& list) {
        while (!list.at_end()) list.vector16({1});
      });
      inner.vector16();  // request_extensions
    });
  }
  return request;
}

Bytes read_certificate_status(Parser& in) {
  if (const std::uint8_t type = in.u8(); type != ocsp_status_type) in.fail(Fault::certificate_status_unknown, type, 1);
  return in.vector24({1});
}

namespace {

template <class E>
void put_code_points(Writer& out, std::span<const E> values) {
  for (const E value : values) out.u16(static_cast<std::uint16_t>(value));
}

}  // namespace

void put_empty_extension(Writer& out, ExtensionType type) {
  put_extension(out, type, [] {});
}

void put_supported_versions(Writer& out, std::span<const ProtocolVersion> versions) {
  put_extension(out, ExtensionType::supported_versions, [&] { out.vector8([&] { put_code_points(out, versions); }); });
}

void put_selected_version(Writer& out, ProtocolVersion version) {
  put_extension(out, ExtensionType::supported_versions, [&] { out.u16(static_cast<std::uint16_t>(version)); });
}

void put_supported_groups(Writer& out, std::span<const NamedGroup> groups) {
  put_extension(out, ExtensionType::supported_groups, [&] { out.vector16([&] { put_code_points(out, groups); }); });
}

void put_signature_algorithms(Writer& out, std::span<const SignatureScheme> schemes) {
  put_extension(out, ExtensionType::signature_algorithms,
                [&] { out.vector16([&] { put_code_points(out, schemes); }); });
}

void put_signature_algorithms_cert(Writer& out, std::span<const SignatureScheme> schemes,
                                   std::span<const SignatureScheme> others) {
  put_extension(out, ExtensionType::signature_algorithms_cert, [&] {
    out.vector16([&] {
      put_code_points(out, schemes);
      put_code_points(out, others);
    });
  });
}

void put_status_request(Writer& out) {
  put_extension(out, ExtensionType::status_request, [&] {
    out.u8(ocsp_status_type);
    out.u16(0);  // responder_id_list
    out.u16(0);  // request_extensions
  });
}

void put_certificate_status(Writer& out, Bytes ocsp_response) {
  put_extension(out, ExtensionType::status_request, [&] {
    out.u8(ocsp_status_type);
    out.vector24([&] { out.bytes(ocsp_response); });
  });
}

namespace {

void put_entry(Writer& out, const KeyShareEntry& share) {
  out.u16(static_cast<std::uint16_t>(share.group));
  out.vector16([&] { out.bytes(share.key_exchange); });
}

}  // namespace

void put_key_shares(Writer& out, std::span<const KeyShareEntry> shares) {
  put_extension(out, ExtensionType::key_share, [&] {
    out.vector16([&] {
      for (const KeyShareEntry& share : shares) put_entry(out, share);
    });
  });
}

void put_key_share(Writer& out, const KeyShareEntry& share) {
  put_extension(out, ExtensionType::key_share, [&] { put_entry(out, share); });
}

void put_selected_group(Writer& out, NamedGroup group) {
  put_extension(out, ExtensionType::key_share, [&] { out.u16(static_cast<std::uint16_t>(group)); });
}

void put_server_name(Writer& out, Bytes host_name) {
  put_extension(out, ExtensionType::server_name, [&] {
    out.vector16([&] {
      out.u8(host_name_type);
      out.vector16([&] { out.bytes(host_name); });
    });
  });
}

void put_protocol_names(Writer& out, std::span<const Bytes> names) {
  put_extension(out, ExtensionType::application_layer_protocol_negotiation, [&] {
    out.vector16([&] {
      for (const Bytes name : names) out.vector8([&] { out.bytes(name); });
    });
  });
}

void put_selected_protocol(Writer& out, Bytes name) { put_protocol_names(out, {&name, 1}); }

void put_psk_key_exchange_modes(Writer& out, std::span<const PskKeyExchangeMode> modes) {
  put_extension(out, ExtensionType::psk_key_exchange_modes, [&] {
    out.vector8([&] {
      for (const PskKeyExchangeMode mode : modes) out.u8(static_cast<std::uint8_t>(mode));
    });
  });
}

void put_cookie(Writer& out, Bytes cookie) {
  put_extension(out, ExtensionType::cookie, [&] { out.vector16([&] { out.bytes(cookie); }); });
}

}  // namespace limpid::tls::wire
