#include "limpid/tls/wire/hello.hpp"

namespace limpid::tls::wire {

namespace {

Random read_random(Parser& in) {
  Random random{};
  copy(in.take(random.size()), random);
  return random;
}

// Appendix D.5: "Any endpoint receiving a Hello message with ClientHello.legacy_version or ServerHello.legacy_version
// set to 0x0300 MUST abort the handshake with a "protocol_version" alert."
ProtocolVersion read_legacy_version(Parser& in) {
  const auto version = static_cast<ProtocolVersion>(in.u16());
  if (version == ProtocolVersion::ssl30) in.fail(Fault::ssl30_hello, 0x0300, 2);
  return version;
}

void put_server_hello(Writer& out, const Random& random, Bytes session_id, CipherSuite suite) {
  out.u16(static_cast<std::uint16_t>(ProtocolVersion::tls12));
  out.bytes(random);
  out.vector8([&] { out.bytes(session_id); });
  out.u16(static_cast<std::uint16_t>(suite));
  out.u8(0);  // legacy_compression_method
}

}  // namespace

std::expected<ClientHello, Error> ClientHello::parse(Bytes body) {
  Parser in(body);
  ClientHello hello;
  hello.legacy_version = read_legacy_version(in);
  hello.random = read_random(in);
  hello.legacy_session_id = in.vector8({0, 32});
  hello.cipher_suites = CodePoints<CipherSuite>::read(in, in.vector16({2, 0xfffe}));
  hello.legacy_compression_methods = in.vector8({1});
  // Section 4.1.2: "TLS 1.3 servers might receive ClientHello messages without an extensions field from prior versions
  // of TLS."
  hello.has_extensions = in.failed() || !in.at_end();
  if (!hello.has_extensions) return in.finished(hello);

  hello.extensions = read_extensions(in, {}, ExtensionContext::client_hello, [&](ExtensionType type, Parser& data) {
    // Section 4.2.11: "The "pre_shared_key" extension MUST be the last extension in the ClientHello ... Servers MUST
    // check that it is the last extension and otherwise fail the handshake with an "illegal_parameter" alert."
    if (hello.pre_shared_key) {
      data.fail(Fault::pre_shared_key_not_last, static_cast<std::uint32_t>(type));
      return true;
    }
    switch (type) {
      case ExtensionType::supported_versions:
        hello.supported_versions = read_supported_versions(data);
        return true;
      case ExtensionType::supported_groups:
        hello.supported_groups = read_supported_groups(data);
        return true;
      case ExtensionType::signature_algorithms:
        hello.signature_algorithms = read_signature_algorithms(data);
        return true;
      case ExtensionType::signature_algorithms_cert:
        hello.signature_algorithms_cert = read_signature_algorithms(data);
        return true;
      case ExtensionType::key_share:
        hello.key_share = read_key_shares(data);
        return true;
      case ExtensionType::server_name:
        hello.server_name = read_server_name(data);
        return true;
      case ExtensionType::application_layer_protocol_negotiation:
        hello.application_layer_protocol_negotiation = read_protocol_names(data);
        return true;
      case ExtensionType::psk_key_exchange_modes:
        hello.psk_key_exchange_modes = read_psk_key_exchange_modes(data);
        return true;
      case ExtensionType::pre_shared_key:
        hello.pre_shared_key = read_offered_psks(data);
        return true;
      case ExtensionType::cookie:
        hello.cookie = read_cookie(data);
        return true;
      case ExtensionType::status_request:
        hello.status_request = read_status_request(data);
        return true;
      case ExtensionType::early_data:
        hello.early_data = true;
        return true;
      case ExtensionType::post_handshake_auth:
        hello.post_handshake_auth = true;
        return true;
      default:
        return false;
    }
  });

  // Section 4.2.8: "Each KeyShareEntry value MUST correspond to a group offered in the "supported_groups" extension ...
  // Servers MAY check for violations of these rules and abort the handshake with an "illegal_parameter" alert".
  if (hello.key_share && hello.supported_groups && !in.failed()) {
    for (const KeyShareEntry& share : *hello.key_share) {
      if (hello.supported_groups->contains(share.group)) continue;
      const auto offset = static_cast<std::uint32_t>(share.key_exchange.data() - body.data() - 4);
      in.fail(Error{Fault::key_share_without_group, offset, static_cast<std::uint32_t>(share.group)});
    }
  }
  return in.finished(hello);
}

std::expected<void, Error> ClientHello::check_tls13() const {
  const auto refuse = [](Fault fault, std::uint32_t found = 0) { return std::unexpected(Error{fault, 0, found}); };
  // Section 4.2.1: "If this extension is not present, servers ... MUST negotiate TLS 1.2 or prior"; and only versions
  // that it lists may be selected, whatever legacy_version says.
  if (!supported_versions || !supported_versions->contains(ProtocolVersion::tls13)) {
    return refuse(Fault::tls13_not_offered, static_cast<std::uint32_t>(legacy_version));
  }
  // Section 4.1.2: "For every TLS 1.3 ClientHello, this vector MUST contain exactly one byte, set to zero ... If a TLS
  // 1.3 ClientHello is received with any other value in this field, the server MUST abort the handshake with an
  // "illegal_parameter" alert."
  if (legacy_compression_methods != Bytes(no_compression)) return refuse(Fault::compression_offered);
  // Section 4.2.9: "If clients offer "pre_shared_key" without a "psk_key_exchange_modes" extension, servers MUST abort
  // the handshake."
  if (pre_shared_key && !psk_key_exchange_modes) return refuse(Fault::missing_psk_key_exchange_modes);
  // Section 9.2: "If not containing a "pre_shared_key" extension, it MUST contain both a "signature_algorithms"
  // extension and a "supported_groups" extension. If containing a "supported_groups" extension, it MUST also contain a
  // "key_share" extension, and vice versa." Violations: "missing_extension".
  if (!pre_shared_key && !signature_algorithms) return refuse(Fault::missing_signature_algorithms);
  if (!supported_groups && (!pre_shared_key || key_share)) return refuse(Fault::missing_supported_groups);
  if (supported_groups && !key_share) return refuse(Fault::missing_key_share);
  return {};
}

void ClientHello::emit_before_extensions(Writer& out) const {
  out.u16(static_cast<std::uint16_t>(legacy_version));
  out.bytes(random);
  out.vector8([&] { out.bytes(legacy_session_id); });
  out.vector16([&] { out.bytes(cipher_suites.raw); });
  out.vector8([&] { out.bytes(legacy_compression_methods); });
}

void ServerHello::emit_before_extensions(Writer& out) const {
  put_server_hello(out, random, legacy_session_id_echo, cipher_suite);
}

void HelloRetryRequest::emit_before_extensions(Writer& out) const {
  put_server_hello(out, hello_retry_request_random, legacy_session_id_echo, cipher_suite);
}

namespace {

// The last eight bytes of the random of a server that supports TLS 1.3 and selects TLS 1.2, or something older:
// "DOWNGRD" and 01 or 00 (section 4.1.3).
bool has_downgrade_sentinel(const Random& random) {
  return as_text(Bytes(random).subspan(24, 7)) == "DOWNGRD" && random[31] <= 1;
}

// Section 4.2.1: "If the "supported_versions" extension in the ServerHello contains a version not offered by the client
// or contains a version prior to TLS 1.3, the client MUST abort the handshake with an "illegal_parameter" alert."
ProtocolVersion read_selected_version(Parser& data) {
  const auto version = static_cast<ProtocolVersion>(data.u16());
  if (version != ProtocolVersion::tls13) {
    data.fail(Fault::selected_version_not_offered, static_cast<std::uint32_t>(version), 2);
  }
  return version;
}

void read_extensions_of(Parser& in, ServerHello& hello) {
  hello.extensions = read_extensions(in, {6}, ExtensionContext::server_hello, [&](ExtensionType type, Parser& data) {
    switch (type) {
      case ExtensionType::supported_versions:
        hello.selected_version = read_selected_version(data);
        return true;
      case ExtensionType::key_share:
        hello.key_share = KeyShareEntry::read(data);
        return true;
      case ExtensionType::pre_shared_key:
        hello.pre_shared_key = data.u16();
        return true;
      default:
        return false;
    }
  });
}

void read_extensions_of(Parser& in, HelloRetryRequest& retry) {
  retry.extensions =
      read_extensions(in, {6}, ExtensionContext::hello_retry_request, [&](ExtensionType type, Parser& data) {
        switch (type) {
          case ExtensionType::supported_versions:
            retry.selected_version = read_selected_version(data);
            return true;
          case ExtensionType::key_share:
            retry.key_share = static_cast<NamedGroup>(data.u16());
            return true;
          case ExtensionType::cookie:
            retry.cookie = read_cookie(data);
            return true;
          default:
            return false;
        }
      });
}

template <class Hello>
std::expected<ServerHelloMessage, Error> finish_server_hello(Parser& in, Hello hello) {
  read_extensions_of(in, hello);
  return in.finished(ServerHelloMessage(hello));
}

}  // namespace

std::expected<ServerHelloMessage, Error> parse_server_hello(Bytes body) {
  Parser in(body);
  const ProtocolVersion legacy_version = read_legacy_version(in);
  const Random random = read_random(in);
  const Bytes session_id = in.vector8({0, 32});
  const auto suite = static_cast<CipherSuite>(in.u16());
  const std::uint8_t compression_method = in.u8();
  if (in.failed()) return std::unexpected(in.error());

  // A server of TLS 1.2 may stop here, and its extensions would be strange in TLS 1.3: the version comes first.
  Parser peek(body.subspan(in.offset()));
  const Extensions extensions{peek.at_end() ? Bytes{} : peek.vector16()};
  if (!peek.failed() && !find(extensions, ExtensionType::supported_versions)) {
    const auto fault = has_downgrade_sentinel(random) ? Fault::downgrade_sentinel : Fault::tls13_not_selected;
    return std::unexpected(Error{fault, 0, static_cast<std::uint32_t>(legacy_version)});
  }
  if (legacy_version != ProtocolVersion::tls12) {
    return std::unexpected(Error{Fault::legacy_version_wrong, 0, static_cast<std::uint32_t>(legacy_version)});
  }
  if (compression_method != 0) in.fail(Fault::compression_selected, compression_method, 1);

  if (random == hello_retry_request_random) {
    return finish_server_hello(in, HelloRetryRequest{.legacy_session_id_echo = session_id, .cipher_suite = suite});
  }
  return finish_server_hello(
      in, ServerHello{.random = random, .legacy_session_id_echo = session_id, .cipher_suite = suite});
}

}  // namespace limpid::tls::wire
