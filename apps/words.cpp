#include "words.hpp"

namespace limpid::apps {
namespace {

std::string count(std::uint64_t n, std::string_view what) {
  return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

// Behind the name of what happened.

template <class T>
std::string detail(const T& value) {
  if constexpr (requires { Bytes(value.bytes); } && !std::same_as<T, tls::Entropy>) {
    return count(value.bytes.size(), "byte");
  } else {
    return "";
  }
}

template <class... Held>
std::string words_of(const std::variant<Held...>& value);

std::string detail(const stream::Reset& event) {
  switch (event.reason) {
    case stream::ResetReason::reset:
      return "by the peer";
    case stream::ResetReason::timed_out:
      return "timed out";
    case stream::ResetReason::unreachable:
      return "unreachable";
  }
  return "";
}
std::string detail(const http::Fetch& event) { return std::string(as_text(event.target)); }
std::string detail(http::LookupFailure failure) {
  switch (failure) {
    case http::LookupFailure::not_found:
      return "not found";
    case http::LookupFailure::is_directory:
      return "is a directory";
    case http::LookupFailure::forbidden:
      return "forbidden";
    case http::LookupFailure::failed:
      return "failed";
  }
  return "";
}
std::string detail(const http::Found& found) { return "a file of " + count(found.size, "byte"); }
std::string detail(const http::Reply& reply) { return words_of(reply.answer); }
std::string detail(const tls::Reply& reply) { return words_of(reply.answer); }
std::string detail(const tls::CertificateSelected& selected) {
  return count(selected.certificate_list.size(), "byte") + " of certificates";
}
std::string detail(const tls::Signed& made) { return count(made.signature.size(), "byte"); }
std::string detail(const tls::Declined& declined) { return std::string(tls::name(declined.fault)); }

std::string detail(const http::RequestServed& served) {
  return std::to_string(static_cast<unsigned>(served.status)) + " to " +
         std::string(served.target.begin(), served.target.end()) + ", " + count(served.body_bytes, "byte");
}
std::string detail(const http::HeadReceived& received) { return "status " + std::to_string(received.status); }
std::string detail(const tls::HandshakeDone& done) {
  std::string text(tls::wire::name(done.cipher_suite));
  if (!done.server_name.empty()) text += ", for " + std::string(as_text(done.server_name));
  if (!done.application_protocol.empty()) text += ", ALPN " + std::string(as_text(done.application_protocol));
  return text;
}
std::string detail(const tls::Failed& failed) {
  return std::string(tls::name(failed.error.fault)) + ", alert " + std::string(tls::name(failed.alert));
}

std::string detail(const FrameReceived& received) { return count(received.frame.size(), "byte"); }
std::string detail(const Transmit& transmit) {
  std::size_t size = transmit.header.size();
  for (const Bytes& piece : transmit.payload) size += piece.size();
  return count(size, "byte");
}
std::string detail(const tcpip::host::FromQueue& from) {
  return std::to_string(from.queue) + ", " + count(from.message.size(), "byte");
}
std::string detail(const tcpip::host::ToQueue& to) {
  return std::to_string(to.queue) + ", " + count(to.head.size() + to.rest.size(), "byte");
}
std::string detail(const LinkChanged& link) { return link.up ? "up" : "down"; }
std::string detail(tcpip::ConnectionId id) { return "connection " + std::to_string(id.index); }
std::string detail(const stack::HostServer::Reply& reply) { return detail(reply.to) + ": " + words_of(reply.reply); }
std::string detail(const stack::HostServer::Report& report) {
  return detail(report.from) + ": " + words_of(report.report);
}
std::string detail(const stack::HostServer::Began& began) { return detail(began.connection); }
std::string detail(const stack::HostServer::Ended& ended) { return detail(ended.connection); }

template <class... Held>
std::string words_of(const std::variant<Held...>& value) {
  return std::visit(
      []<class T>(const T& held) {
        const std::string rest = detail(held);
        return std::string(type_name<T>()) + (rest.empty() ? "" : " " + rest);
      },
      value);
}

}  // namespace

std::string words(const stack::Server::Event& event) { return words_of(event); }
std::string words(const stack::HostServer::Event& event) { return words_of(event); }
std::string words(const stack::HostServer::Action& action) { return words_of(action); }
std::string words(const stack::Client::Event& event) { return words_of(event); }
std::string words(const stack::Server::Action& action) { return words_of(action); }
std::string words(const stack::Client::Action& action) { return words_of(action); }

}  // namespace limpid::apps
