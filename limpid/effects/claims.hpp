// Never twice: a sealed snapshot gives a live state to one process only, the one that claimed its id.
#pragma once

#include <string>

#include "limpid/effects/descriptor.hpp"
#include "limpid/effects/failure.hpp"
#include "limpid/stack/live.hpp"

namespace limpid::effects {

// A folder with an empty file for every id that was ever claimed. Machines that share sealed snapshots must share it;
// what a crash leaves behind is a claim that nobody can use, never a state that two have. Nothing in it is ever
// removed.
class Claims {
 public:
  // Makes the folder (0700) if it is missing; refuses one in which others than this user may write.
  static Result<Claims> open(const std::string& folder);

  // The folder that another process has open.
  static Claims at(Descriptor folder) { return Claims("the folder of claims", std::move(folder)); }

  // Durable when it returns. Fails if the id was claimed before, by whomever. Any number of threads and processes may
  // try.
  Result<stack::Claim> claim(const crypto::SealId& id) const;
  bool is_claimed(const crypto::SealId& id) const;

  int folder() const { return folder_.get(); }

 private:
  Claims(std::string path, Descriptor folder) : path_(std::move(path)), folder_(std::move(folder)) {}
  std::string path_;
  Descriptor folder_;
};

}  // namespace limpid::effects
