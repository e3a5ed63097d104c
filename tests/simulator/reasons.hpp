// Which cells of the coverage tables may be empty, and why: unreached.txt.
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "limpid/sim/coverage.hpp"

namespace limpid {

class Reasons {
 public:
  // A line is `table ROW,... COLUMN,...: reason`, where * is all of them, or `table ROW,...: reason` for tables with
  // one column. '#' begins a comment. What does not read so, or names what is not there, is said and makes it false.
  bool read(const std::string& path);

  // Prints the tables and what is wrong with them. True if each empty cell has a reason, and each reason an empty cell.
  bool judge(const sim::Coverage& coverage) const;

 private:
  using Cell = std::tuple<sim::Table, std::size_t, std::size_t>;
  bool add(const std::string& line);
  std::map<Cell, std::string> reasons_;
};

}  // namespace limpid
