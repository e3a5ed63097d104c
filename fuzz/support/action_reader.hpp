// Reads what a machine did from its growing log, so that a live run can go on with it.
#pragma once

#include "limpid/core/reader.hpp"
#include "limpid/sim/action_log.hpp"

namespace limpid::fuzz {

// The index by which the log names an action.
template <class Held, class... Actions>
consteval std::uint8_t kind_of(const std::variant<Actions...>*) {
  std::uint8_t kind = 0;
  bool found = false;
  ((found = found || std::same_as<Held, Actions>, kind = static_cast<std::uint8_t>(kind + (found ? 0 : 1))), ...);
  return kind;
}

class ActionReader {
 public:
  // Calls see(kind, content) for what was logged since the last call. A piece of a stream comes in parts: an entry of
  // the log grows as neighbours are joined to it.
  template <class See>
  void read(const sim::ActionLog& log, See&& see) {
    const Bytes all = log.bytes();
    while (entry_ < all.size()) {
      Reader in(all.subspan(entry_));
      const std::uint8_t kind = in.u8();
      const Bytes content = in.take(in.u32());
      if (seen_ < in.offset()) see(kind, content.subspan(seen_ < header_size ? 0 : seen_ - header_size));
      seen_ = in.offset();
      if (entry_ + seen_ == all.size()) return;
      entry_ += seen_;
      seen_ = 0;
    }
  }

 private:
  static constexpr std::size_t header_size = 5;

  std::size_t entry_ = 0;  // where the last entry read begins
  std::size_t seen_ = 0;   // how much of it was read, header included
};

}  // namespace limpid::fuzz
