// A canonical record of the actions a machine returned, for comparing runs.
#pragma once

#include <variant>

#include "limpid/core/snapshot.hpp"

namespace limpid::sim {

// An action that carries nothing but a piece of a byte stream: where one piece ends and the next begins means nothing,
// so neighbours of the same kind are joined.
template <class Action>
concept StreamAction = requires(const Action& action) {
  { Bytes(action.bytes) };
} && sizeof(Action) == sizeof(Bytes);

class ActionLog {
 public:
  explicit ActionLog(Budget& budget) : bytes_(budget) {}

  // False if the budget refuses.
  template <class... Actions>
  [[nodiscard]] bool append(const std::variant<Actions...>& action) {
    const auto kind = static_cast<std::uint8_t>(action.index());
    return std::visit(
        [&]<class Held>(const Held& held) {
          if constexpr (StreamAction<Held>) {
            if (held.bytes.empty()) return true;
            if (joinable_ && *joinable_ == kind) return bytes_.append(held.bytes) && lengthen(held.bytes.size());
            joinable_ = kind;
            return start(kind) && bytes_.append(held.bytes) && lengthen(held.bytes.size());
          } else {
            joinable_.reset();
            if (!start(kind)) return false;
            Writer out(bytes_);
            encode(out, Instant{}, held);
            return !out.failed() && lengthen(out.size());
          }
        },
        action);
  }

  // Entries in order: kind (8 bits), length (32 bits), content.
  Bytes bytes() const { return {bytes_.data(), bytes_.size()}; }

  // Appends the contents of all entries of one kind to `out`. False if the budget refuses.
  [[nodiscard]] bool collect(std::uint8_t kind, Buffer& out) const {
    Reader in(bytes());
    while (!in.empty()) {
      const std::uint8_t entry = in.u8();
      const Bytes content = in.take(in.u32());
      if (entry == kind && !out.append(content)) return false;
    }
    return true;
  }

 private:
  bool start(std::uint8_t kind) {
    entry_ = bytes_.size();
    Writer out(bytes_);
    out.u8(kind);
    out.u32(0);
    return !out.failed();
  }
  bool lengthen(std::size_t size) {
    Writer(MutableBytes(bytes_.data() + entry_ + 1, 4))
        .u32(static_cast<std::uint32_t>(Reader(bytes().subspan(entry_ + 1, 4)).u32() + size));
    return true;
  }

  Buffer bytes_;
  std::size_t entry_ = 0;
  std::optional<std::uint8_t> joinable_;
};

}  // namespace limpid::sim
