// What is answered to a segment that belongs to no connection.
#pragma once

#include "limpid/tcpip/wire/tcp.hpp"

namespace limpid::tcpip::tcp {

// RFC 9293, section 3.10.7.1: the RST for a segment whose connection is CLOSED; nothing for a RST. Also for an ACK at a
// listener (section 3.10.7.2).
std::optional<wire::TcpHeader> reset_for(const wire::TcpHeader& segment, std::size_t payload_size);

}  // namespace limpid::tcpip::tcp
