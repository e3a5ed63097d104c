#include "limpid/http/client.hpp"
#include "limpid/http/server.hpp"

namespace limpid::http {
namespace {

// The first line of a head, without what a terminal could mistake for a command.
void write_first_line(Writer& out, Bytes head) {
  for (const Byte byte : head) {
    if (byte == '\r' || byte == '\n') break;
    out.u8(byte < 0x20 || byte == 0x7f ? '?' : byte);
  }
}

}  // namespace

void Server::describe(Writer& out) const {
  std::visit(Overloaded{
                 [&](const Idle&) { out.text("HTTP waits for a request"); },
                 [&](const ReadingHead& reading) {
                   out.text("HTTP reads a head, ");
                   out.decimal(reading.head.size());
                   out.text(" bytes so far");
                 },
                 [&](const DiscardingBody& discarding) {
                   out.text("HTTP discards the content of ");
                   write_first_line(out, discarding.request.head_bytes());
                 },
                 [&](const LookingUp& looking_up) {
                   out.text("HTTP asks for a file to answer ");
                   write_first_line(out, looking_up.request.head_bytes());
                 },
                 [&](const Responding& responding) {
                   out.text("HTTP answers ");
                   out.decimal(static_cast<unsigned>(responding.status));
                   out.text(" to ");
                   write_first_line(out, responding.request.head_bytes());
                   out.text(", ");
                   out.decimal(responding.sent);
                   out.text(" bytes handed out");
                 },
                 [&](const Ended&) { out.text("HTTP ended"); },
             },
             phase_);
  if (draining_) out.text(", draining");
}

void Client::describe(Writer& out) const {
  std::visit(Overloaded{
                 [&](const Idle&) { out.text("HTTP has not asked yet"); },
                 [&](const Asking& asking) {
                   out.text("HTTP asks ");
                   write_first_line(out, {asking.request.data(), asking.request.size()});
                   out.text(", ");
                   out.decimal(asking.sent);
                   out.text(" of ");
                   out.decimal(asking.request.size());
                   out.text(" bytes sent, ");
                   out.decimal(asking.head.size());
                   out.text(" bytes of the answer's head read");
                 },
                 [&](const Reading& reading) {
                   out.text("HTTP reads the content behind ");
                   write_first_line(out, {reading.head.data(), reading.head.size()});
                 },
                 [&](const Ended&) { out.text("HTTP ended"); },
             },
             phase_);
}

}  // namespace limpid::http
