#include "limpid/tls/wire/messages.hpp"

namespace limpid::tls::wire {

std::expected<EncryptedExtensions, Error> EncryptedExtensions::parse(Bytes body) {
  Parser in(body);
  EncryptedExtensions message;
  message.extensions =
      read_extensions(in, {}, ExtensionContext::encrypted_extensions, [&](ExtensionType type, Parser& data) {
        switch (type) {
          case ExtensionType::application_layer_protocol_negotiation:
            message.application_layer_protocol_negotiation = read_selected_protocol(data);
            return true;
          case ExtensionType::supported_groups:
            message.supported_groups = read_supported_groups(data);
            return true;
          // RFC 6066, section 3: "The "extension_data" field of this extension SHALL be empty."
          case ExtensionType::server_name:
            message.server_name = true;
            return true;
          case ExtensionType::early_data:
            message.early_data = true;
            return true;
          default:
            return false;
        }
      });
  return in.finished(message);
}

std::expected<CertificateRequest, Error> CertificateRequest::parse(Bytes body) {
  Parser in(body);
  CertificateRequest message;
  bool specified = false;
  message.certificate_request_context = in.vector8();
  message.extensions =
      read_extensions(in, {2}, ExtensionContext::certificate_request, [&](ExtensionType type, Parser& data) {
        switch (type) {
          case ExtensionType::signature_algorithms:
            message.signature_algorithms = read_signature_algorithms(data);
            return specified = true;
          case ExtensionType::signature_algorithms_cert:
            message.signature_algorithms_cert = read_signature_algorithms(data);
            return true;
          default:
            return false;
        }
      });
  if (!specified) in.fail(Fault::missing_signature_algorithms);
  return in.finished(message);
}

CertificateEntry CertificateEntry::read(Parser& in) {
  CertificateEntry entry;
  entry.cert_data = in.vector24({1});
  entry.extensions = read_extensions(in, {}, ExtensionContext::certificate, [&](ExtensionType type, Parser& data) {
    if (type != ExtensionType::status_request) return false;
    entry.ocsp_response = read_certificate_status(data);
    return true;
  });
  return entry;
}

std::expected<Certificate, Error> Certificate::parse(Bytes body) {
  Parser in(body);
  Certificate message;
  message.certificate_request_context = in.vector8();
  message.certificate_list.raw = in.vector24();
  in.within(message.certificate_list.raw, [](Parser& list) {
    for (std::size_t count = 0; !list.at_end(); ++count) {
      if (count == max_certificates) return list.fail(Fault::too_many_certificates);
      CertificateEntry::read(list);
    }
  });
  return in.finished(message);
}

void Certificate::emit(Writer& out) const {
  out.vector8([&] { out.bytes(certificate_request_context); });
  out.vector24([&] { out.bytes(certificate_list.raw); });
}

void Certificate::emit(Writer& out, Bytes certificate_request_context, std::span<const Bytes> chain) {
  out.vector8([&] { out.bytes(certificate_request_context); });
  out.vector24([&] {
    for (const Bytes der : chain) {
      out.vector24([&] { out.bytes(der); });
      out.u16(0);  // no extensions
    }
  });
}

std::expected<CertificateVerify, Error> CertificateVerify::parse(Bytes body) {
  Parser in(body);
  CertificateVerify message;
  message.algorithm = static_cast<SignatureScheme>(in.u16());
  message.signature = in.vector16();
  return in.finished(message);
}

void CertificateVerify::emit(Writer& out) const {
  out.u16(static_cast<std::uint16_t>(algorithm));
  out.vector16([&] { out.bytes(signature); });
}

std::expected<Finished, Error> Finished::parse(Bytes body, std::size_t size) {
  if (body.size() != size) {
    return std::unexpected(Error{Fault::finished_wrong_length, 0, static_cast<std::uint32_t>(body.size())});
  }
  return Finished{body};
}

std::expected<EndOfEarlyData, Error> EndOfEarlyData::parse(Bytes body) {
  return Parser(body).finished(EndOfEarlyData{});
}

std::expected<NewSessionTicket, Error> NewSessionTicket::parse(Bytes body) {
  Parser in(body);
  NewSessionTicket message;
  message.ticket_lifetime = in.u32();
  message.ticket_age_add = in.u32();
  message.ticket_nonce = in.vector8();
  message.ticket = in.vector16({1});
  message.extensions =
      read_extensions(in, {0, 0xfffe}, ExtensionContext::new_session_ticket, [&](ExtensionType type, Parser& data) {
        if (type != ExtensionType::early_data) return false;
        message.max_early_data_size = data.u32();
        return true;
      });
  return in.finished(message);
}

void NewSessionTicket::emit(Writer& out) const {
  out.u32(ticket_lifetime);
  out.u32(ticket_age_add);
  out.vector8([&] { out.bytes(ticket_nonce); });
  out.vector16([&] { out.bytes(ticket); });
  out.vector16([&] { out.bytes(extensions.raw); });
}

std::expected<KeyUpdate, Error> KeyUpdate::parse(Bytes body) {
  Parser in(body);
  KeyUpdate message;
  const std::uint8_t request = in.u8();
  message.request_update = static_cast<KeyUpdateRequest>(request);
  // "If an implementation receives any other value, it MUST terminate the connection with an "illegal_parameter"
  // alert."
  if (!is_valid(message.request_update)) in.fail(Fault::key_update_request_unknown, request, 1);
  return in.finished(message);
}

std::expected<AlertMessage, Error> AlertMessage::parse(Bytes fragment) {
  if (fragment.size() != 2) {
    return std::unexpected(Error{Fault::alert_malformed, 0, static_cast<std::uint32_t>(fragment.size())});
  }
  return AlertMessage{static_cast<AlertLevel>(fragment[0]), static_cast<Alert>(fragment[1])};
}

}  // namespace limpid::tls::wire
