#include "limpid/stack/client.hpp"
#include "limpid/stack/server.hpp"

namespace limpid::stack {
namespace {

void write_deadline(Writer& out, Instant deadline, Instant now) {
  const std::int64_t left_ms = std::max<std::int64_t>(0, (deadline - now).microseconds / 1000);
  out.text("; gives up in ");
  out.decimal(static_cast<std::uint64_t>(left_ms));
  out.text(" ms");
}

void write_held(Writer& out, std::size_t bytes, std::string_view what) {
  if (bytes == 0) return;
  out.text("; ");
  out.decimal(bytes);
  out.text(what);
}

}  // namespace

void Server::describe(Writer& out) const {
  std::visit(Overloaded{
                 [&](const Fresh&) { out.text("server: not opened"); },
                 [&](const Serving& serving) {
                   out.text("server: ");
                   if (serving.secure) {
                     serving.secure->connection.describe(out);
                     out.text("; ");
                   }
                   serving.http.describe(out);
                   if (serving.secure) {
                     write_held(out, serving.secure->held.size(), " bytes decrypted and not read by HTTP");
                     write_held(out, serving.secure->unsealed.size(), " bytes to be encrypted");
                   }
                   if (serving.closing) out.text("; closing");
                   if (serving.peer_finished) out.text("; the peer has finished");
                   if (serving.deadline) write_deadline(out, *serving.deadline, last_seen_);
                 },
                 [&](const Lingering& lingering) {
                   out.text("server: finished, waits for the peer to finish too");
                   write_deadline(out, lingering.deadline, last_seen_);
                 },
                 [&](const Ended&) { out.text("server: ended"); },
             },
             phase_);
}

void Client::describe(Writer& out) const {
  std::visit(Overloaded{
                 [&](const Fresh&) { out.text("client: not opened"); },
                 [&](const Open& open) {
                   out.text("client: ");
                   if (open.secure) {
                     open.secure->connection.describe(out);
                     out.text("; ");
                   }
                   http_.describe(out);
                   if (open.closing) out.text("; closing");
                   write_deadline(out, open.deadline, last_seen_);
                 },
                 [&](const Ended&) { out.text("client: ended"); },
             },
             phase_);
}

}  // namespace limpid::stack
