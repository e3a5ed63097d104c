// Reads tests/tls/data/rfc8448.txt.
#pragma once

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/support/hex.hpp"

namespace limpid::test {

// The values of one trace by name, [Common] among them.
using Trace = std::map<std::string, std::vector<Byte>>;

// All traces by their heading, e.g. "3 Simple 1-RTT Handshake".
inline std::map<std::string, Trace> rfc8448_traces() {
  std::ifstream file(LIMPID_SOURCE_DIR "/tests/tls/data/rfc8448.txt");
  std::map<std::string, std::map<std::string, std::string>> text;
  std::string section, name, line;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '[') {
      section = line.substr(1, line.size() - 2);
    } else if (line[0] == ' ') {
      text[section][name] += line;
    } else {
      name = line.substr(0, line.find(' '));
      text[section][name] = line.substr(line.find('=') + 1);
    }
  }
  std::map<std::string, Trace> traces;
  for (const auto& [heading, values] : text) {
    if (heading == "Common") continue;
    for (const auto& [key, hex] : text["Common"]) traces[heading][key] = from_hex(hex);
    for (const auto& [key, hex] : values) traces[heading][key] = from_hex(hex);
  }
  return traces;
}

}  // namespace limpid::test
