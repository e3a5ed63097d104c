// The file in which connections' secrets are told, in the NSS key log format (SSLKEYLOGFILE): for debugging only.
#pragma once

#include <string>

#include "limpid/core/bytes.hpp"
#include "limpid/effects/descriptor.hpp"
#include "limpid/effects/failure.hpp"

namespace limpid::effects {

class KeyLogFile {
 public:
  // Made with mode 0600, appended to. One that others than its owner may open is refused.
  static Result<KeyLogFile> open(const std::string& path);

  // Whole lines, in one write, so that those of several processes do not mix. From any thread. Yields an errno value, 0
  // if all was written.
  int write(Bytes lines) const;

 private:
  explicit KeyLogFile(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

}  // namespace limpid::effects
