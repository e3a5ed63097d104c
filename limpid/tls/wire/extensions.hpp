// Extensions (RFC 8446, section 4.2): the list as it stands in a message, the typed contents that this implementation
// reads, and a writer for each that it sends.
#pragma once

#include <array>

#include "limpid/core/writer.hpp"
#include "limpid/tls/wire/code_points.hpp"
#include "limpid/tls/wire/parser.hpp"

namespace limpid::tls::wire {

struct Extension {
  ExtensionType type{};
  Bytes data{};
  friend bool operator==(const Extension&, const Extension&) = default;
  static Extension read(Parser& in);
};

// Every extension of a message in its order, unknown ones included, without the length of the whole.
using Extensions = Sequence<Extension>;

std::optional<Bytes> find(const Extensions& extensions, ExtensionType type);

// More than any known implementation sends, and few enough that looking for duplicates is cheap.
inline constexpr std::size_t max_extensions = 64;

// The columns of section 4.2's table.
enum class ExtensionContext : std::uint8_t {
  client_hello,
  server_hello,
  hello_retry_request,
  encrypted_extensions,
  certificate_request,
  certificate,
  new_session_ticket,
};

// Whether the extension may stand in that message. True for every type that ExtensionType does not name: what is
// unknown is ignored in a request; in a response it is unsolicited (check_solicited).
bool is_permitted(ExtensionType type, ExtensionContext context);

// Reads the block of extensions at the front of `in`, length included. Refuses duplicates, types that the message may
// not carry, and more than max_extensions. `on(type, data)` reads one whole extension from the Parser `data` and
// returns true, or false for a type that it does not know, of which it must read nothing.
template <class On>
Extensions read_extensions(Parser& in, Length allowed, ExtensionContext context, On&& on);

// Demands that a response carries only what was offered (section 4.2: "Implementations MUST NOT send extension
// responses if the remote endpoint did not send the corresponding extension requests, with the exception of the
// "cookie" extension in the HelloRetryRequest"). `offered(ExtensionType)` says what the request carried. The offset of
// the error counts from the first extension.
template <class Offered>
std::expected<void, Error> check_solicited(const Extensions& response, Offered&& offered);

// Typed contents.

// Section 4.2.8.
struct KeyShareEntry {
  NamedGroup group{};
  Bytes key_exchange{};
  friend bool operator==(const KeyShareEntry&, const KeyShareEntry&) = default;
  static KeyShareEntry read(Parser& in);
};
using KeyShares = Sequence<KeyShareEntry>;
std::optional<KeyShareEntry> find(const KeyShares& shares, NamedGroup group);

// RFC 7301, section 3.1.
struct ProtocolName {
  Bytes name{};
  friend bool operator==(const ProtocolName&, const ProtocolName&) = default;
  static ProtocolName read(Parser& in);
};
using ProtocolNames = Sequence<ProtocolName>;

// Section 4.2.11.
struct PskIdentity {
  Bytes identity{};
  std::uint32_t obfuscated_ticket_age = 0;
  friend bool operator==(const PskIdentity&, const PskIdentity&) = default;
  static PskIdentity read(Parser& in);
};
struct PskBinderEntry {
  Bytes binder{};
  friend bool operator==(const PskBinderEntry&, const PskBinderEntry&) = default;
  static PskBinderEntry read(Parser& in);
};
struct OfferedPsks {
  Sequence<PskIdentity> identities{};
  Sequence<PskBinderEntry> binders{};  // as many
  std::size_t binders_offset = 0;      // where, in the body of the ClientHello, the binders' length begins
  friend bool operator==(const OfferedPsks&, const OfferedPsks&) = default;
};

inline constexpr std::uint8_t ocsp_status_type = 1;

// RFC 6066, section 8. Contents of a status_type other than ocsp(1) are not looked at.
struct CertificateStatusRequest {
  std::uint8_t status_type = 0;  // ocsp_status_type or unknown
  Bytes request{};
  friend bool operator==(const CertificateStatusRequest&, const CertificateStatusRequest&) = default;
};

// Readers of one extension's data, all of it.

CodePoints<ProtocolVersion> read_supported_versions(Parser& in);
CodePoints<NamedGroup> read_supported_groups(Parser& in);
CodePoints<SignatureScheme> read_signature_algorithms(Parser& in);
KeyShares read_key_shares(Parser& in);
Bytes read_server_name(Parser& in);  // the one host_name, which is not empty
ProtocolNames read_protocol_names(Parser& in);
Bytes read_selected_protocol(Parser& in);  // the one name that a server's ALPN extension must hold
Bytes read_psk_key_exchange_modes(Parser& in);
OfferedPsks read_offered_psks(Parser& in);
Bytes read_cookie(Parser& in);
CertificateStatusRequest read_status_request(Parser& in);
// In a CertificateEntry (RFC 8446, section 4.4.2.1): the OCSPResponse of a CertificateStatus (RFC 6066, section 8).
Bytes read_certificate_status(Parser& in);

// Writers of one whole extension, type and length included.

template <class Body>
void put_extension(Writer& out, ExtensionType type, Body&& body) {
  out.u16(static_cast<std::uint16_t>(type));
  out.vector16(body);
}
inline void put_extension(Writer& out, const Extension& extension) {
  put_extension(out, extension.type, [&] { out.bytes(extension.data); });
}
void put_empty_extension(Writer& out, ExtensionType type);  // e.g. early_data, or a server's server_name

void put_supported_versions(Writer& out, std::span<const ProtocolVersion> versions);
void put_selected_version(Writer& out, ProtocolVersion version);
void put_supported_groups(Writer& out, std::span<const NamedGroup> groups);
void put_signature_algorithms(Writer& out, std::span<const SignatureScheme> schemes);
// What may sign certificates: both lists.
void put_signature_algorithms_cert(Writer& out, std::span<const SignatureScheme> schemes,
                                   std::span<const SignatureScheme> others);
void put_status_request(Writer& out);  // for OCSP, from any responder
void put_certificate_status(Writer& out, Bytes ocsp_response);
void put_key_shares(Writer& out, std::span<const KeyShareEntry> shares);
void put_key_share(Writer& out, const KeyShareEntry& share);
void put_selected_group(Writer& out, NamedGroup group);
void put_server_name(Writer& out, Bytes host_name);
void put_protocol_names(Writer& out, std::span<const Bytes> names);
void put_selected_protocol(Writer& out, Bytes name);
void put_psk_key_exchange_modes(Writer& out, std::span<const PskKeyExchangeMode> modes);
void put_cookie(Writer& out, Bytes cookie);

// Implementation of the templates.

template <class On>
Extensions read_extensions(Parser& in, Length allowed, ExtensionContext context, On&& on) {
  const Bytes raw = in.vector16(allowed);
  in.within(raw, [&](Parser& list) {
    std::array<ExtensionType, max_extensions> seen;
    std::size_t count = 0;
    while (!list.at_end()) {
      const auto type = static_cast<ExtensionType>(list.u16());
      const auto code = static_cast<std::uint32_t>(type);
      if (count == max_extensions) return list.fail(Fault::too_many_extensions, code, 2);
      // "There MUST NOT be more than one extension of the same type in a given extension block."
      for (const ExtensionType earlier : std::span(seen).first(count)) {
        if (earlier == type) return list.fail(Fault::duplicate_extension, code, 2);
      }
      seen[count++] = type;
      // "If an implementation receives an extension which it recognizes and which is not specified for the message in
      // which it appears, it MUST abort the handshake with an "illegal_parameter" alert."
      if (!is_permitted(type, context)) return list.fail(Fault::extension_not_permitted, code, 2);
      const Bytes content = list.vector16();
      list.within(content, [&](Parser& data) {
        if (!on(type, data)) data.take_rest();
      });
    }
  });
  return in.failed() ? Extensions{} : Extensions{raw};
}

template <class Offered>
std::expected<void, Error> check_solicited(const Extensions& response, Offered&& offered) {
  for (const Extension& extension : response) {
    if (!offered(extension.type)) {
      const auto offset = static_cast<std::uint32_t>(extension.data.data() - response.raw.data() - 4);
      return std::unexpected(Error{Fault::unsolicited_extension, offset, static_cast<std::uint32_t>(extension.type)});
    }
  }
  return {};
}

}  // namespace limpid::tls::wire
