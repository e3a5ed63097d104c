// The services that networks are measured with: echo (RFC 862), discard (RFC 863), character generator (RFC 864).
#pragma once

#include "limpid/core/bytes.hpp"

namespace limpid::stack {

class TestService {
 public:
  enum class Kind : std::uint8_t { echo, discard, chargen };
  friend constexpr bool is_valid(Kind kind) { return kind <= Kind::chargen; }

  TestService() = default;
  explicit TestService(Kind kind) : kind_(kind) {}

  struct Took {
    std::size_t consumed = 0;  // of `received`, from its front
    std::size_t sent = 0;      // bytes written to the front of `room`
  };
  // Takes what it can of what was received, and writes what it has to say into the room.
  Took step(Bytes received, MutableBytes room);

  // It sends whether or not anything is received.
  bool speaks() const { return kind_ == Kind::chargen; }
  bool discards() const { return kind_ == Kind::discard; }

  static void fields(auto& self, auto&& visit) { visit(self.kind_, self.sent_); }

 private:
  Kind kind_ = Kind::discard;
  std::uint64_t sent_ = 0;  // by the character generator
};

}  // namespace limpid::stack
