#include "limpid/tls/connection/connection.hpp"

namespace limpid::tls {

void Connection::describe(Writer& out) const {
  std::visit(Overloaded{
                 [&](const Newborn&) { out.text("TLS has not begun"); },
                 [&](const Box<Handshaking>& handshaking) {
                   out.text("TLS handshake, ");
                   out.text(role_ == Role::client ? "client in " : "server in ");
                   std::visit([&](const auto& machine) { out.text(machine.state_name()); }, handshaking->machine);
                 },
                 [&](const Established&) { out.text("TLS established"); },
                 [&](const Failing& failing) {
                   out.text("TLS about to fail with ");
                   out.text(tls::name(failing.error.fault));
                 },
                 [&](const Ended&) { out.text("TLS ended"); },
             },
             phase_);
  if (keys_) {
    out.text(", ");
    out.decimal(keys_->read.sequence_number());
    out.text(" records read and ");
    out.decimal(keys_->write.sequence_number());
    out.text(" written under the present keys");
  }
  if (read_closed_) out.text(", reading closed");
  if (write_closed_) out.text(", writing closed");
  if (!received_.empty()) {
    out.text(", ");
    out.decimal(received_.size());
    out.text(" bytes of handshake messages held");
  }
}

}  // namespace limpid::tls
