// The passphrase of an encrypted key: from a file, or asked for at the terminal.
#pragma once

#include <optional>
#include <string>

#include "limpid/core/constant_time.hpp"
#include "limpid/effects/failure.hpp"

namespace limpid::effects {

// Where to get one when a key needs it.
struct PassphraseSource {
  std::string file;     // its first line is the passphrase; empty: none is named
  bool may_ask = true;  // at the terminal, if no file is named and there is one
};

// Text that is wiped when it dies. Of what it was moved from nothing stays behind either, even where a short text lies
// in the std::string itself.
class SecretText {
 public:
  explicit SecretText(std::string&& text) : text_(std::move(text)) { wipe_all(text); }
  SecretText(SecretText&& other) noexcept : text_(std::move(other.text_)) { wipe_all(other.text_); }
  SecretText& operator=(SecretText&&) = delete;
  ~SecretText() { wipe_all(text_); }

  Bytes bytes() const { return as_bytes(text_); }
  void truncate(std::size_t size) { text_.resize(size); }

 private:
  static void wipe_all(std::string& text) {
    text.resize(text.capacity());
    wipe({reinterpret_cast<Byte*>(text.data()), text.size()});
    text.clear();
  }

  std::string text_;
};

// That of the key in `key_path`, which the prompt and the failure name. The prompt is on /dev/tty, so that stdin and
// stdout stay what they are.
Result<SecretText> get_passphrase(const PassphraseSource& source, const std::string& key_path);

}  // namespace limpid::effects
