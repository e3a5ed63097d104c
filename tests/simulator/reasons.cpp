#include "tests/simulator/reasons.hpp"

#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

namespace limpid {
namespace {

using sim::Table;

std::string name_of(Table table, std::size_t row, std::size_t column) {
  std::string name = std::string(shape(table).name) + " " + std::string(row_name(table, row));
  if (shape(table).columns > 1) name += " " + std::string(column_name(table, column));
  return name;
}

// The indices that a list of names means; nothing if one is none.
template <class NameOf>
std::optional<std::vector<std::size_t>> indices(const std::string& list, std::size_t count, NameOf&& name_of_index) {
  std::vector<std::size_t> found;
  std::istringstream names(list);
  for (std::string name; std::getline(names, name, ',');) {
    const std::size_t before = found.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (name == "*" || name == name_of_index(i)) found.push_back(i);
    }
    if (found.size() == before) return std::nullopt;
  }
  return found;
}

std::string short_count(std::uint64_t count) {
  if (count < 10'000) return std::to_string(count);
  if (count < 10'000'000) return std::to_string(count / 1000) + "k";
  return std::to_string(count / 1'000'000) + "M";
}

}  // namespace

bool Reasons::read(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    std::fprintf(stderr, "sim: cannot read %s\n", path.c_str());
    return false;
  }
  bool right = true;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#' || add(line)) continue;
    std::fprintf(stderr, "sim: %s: not understood: %s\n", path.c_str(), line.c_str());
    right = false;
  }
  return right;
}

bool Reasons::add(const std::string& line) {
  const std::size_t colon = line.find(": ");
  if (colon == std::string::npos || colon + 2 == line.size()) return false;
  std::istringstream words(line.substr(0, colon));
  std::string table_name, rows, columns = "*", more;
  words >> table_name >> rows;
  if (words >> more) columns = more;
  for (std::size_t t = 0; t < sim::table_count; ++t) {
    const auto table = static_cast<Table>(t);
    if (shape(table).name != table_name) continue;
    const auto in_rows = indices(rows, shape(table).rows, [&](std::size_t i) { return row_name(table, i); });
    const auto in_columns =
        indices(columns, shape(table).columns, [&](std::size_t i) { return column_name(table, i); });
    if (!in_rows || !in_columns) return false;
    for (const std::size_t row : *in_rows) {
      for (const std::size_t column : *in_columns) {
        if (!reasons_.emplace(Cell{table, row, column}, line.substr(colon + 2)).second) return false;  // a second one
      }
    }
    return true;
  }
  return false;
}

bool Reasons::judge(const sim::Coverage& coverage) const {
  bool right = true;
  std::string wrong;
  for (std::size_t t = 0; t < sim::table_count; ++t) {
    const auto table = static_cast<Table>(t);
    const sim::TableShape size = shape(table);
    const bool list = size.columns == 1;
    std::printf("\n%s\n", std::string(size.name).c_str());
    for (std::size_t column = 0; !list && column < size.columns; ++column) {
      // Column names stand above each other, each above where its column is.
      std::string line(14, ' ');
      for (std::size_t before = 0; before < column; ++before) line += "  |   ";
      std::printf("%s%s\n", line.c_str(), std::string(column_name(table, column)).c_str());
    }
    for (std::size_t row = 0; row < size.rows; ++row) {
      std::string line;
      for (std::size_t column = 0; column < size.columns; ++column) {
        const std::uint64_t count = coverage.count(table, row, column);
        const bool excused = reasons_.contains({table, row, column});
        std::string cell = count > 0 ? short_count(count) : excused ? "-" : "EMPTY";
        cell.insert(0, cell.size() < 5 ? 5 - cell.size() : 0, ' ');
        line += cell + " ";
        if ((count > 0) != excused) continue;
        right = false;
        wrong += (count > 0 ? "reached, though " : "never reached: ") + name_of(table, row, column);
        wrong += count > 0 ? " is excused: " + reasons_.at({table, row, column}) + "\n" : std::string("\n");
      }
      std::printf(list ? "  %-24s %s\n" : "  %-12s%s\n", std::string(row_name(table, row)).c_str(), line.c_str());
    }
  }
  std::printf("\n%s", wrong.c_str());
  return right;
}

}  // namespace limpid
