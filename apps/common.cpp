#include "common.hpp"

#include <cstdio>

namespace limpid::apps {
namespace {

int say(std::string_view text, ExitStatus status) {
  // One line whatever came in: names of files and peers' words may hold control characters.
  const std::string line = "limpid: " + printable(text) + '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
  return status;
}

// Takes a character of UTF-8 from the front; 0xfffd and one byte if there is none (RFC 3629, section 4).
char32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned lead = byte(0);
  const std::size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  char32_t character = lead < 0x80 ? lead : lead & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i)
    character = (byte(i) & 0xc0) == 0x80 ? character << 6 | (byte(i) & 0x3f) : 0x110000;
  constexpr char32_t least[] = {0, 0x80, 0x800, 0x10000};
  const bool well_formed = (lead < 0x80 || lead >= 0xc2) && character >= least[size - 1] && character < 0x110000 &&
                           (character < 0xd800 || character > 0xdfff);
  text.remove_prefix(well_formed ? size : 1);
  return well_formed ? character : 0xfffd;
}

// The controls of ASCII and of ISO 8859-1, line separators, and what changes the direction of writing.
bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff || c == 0xfffd;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view before = text;
    if (is_control(take_character(text))) {
      out += '?';
    } else {
      out += before.substr(0, before.size() - text.size());
    }
  }
  return out;
}

int complain(const Failure& failure) { return say(failure.text, failed); }
int complain_about_command_line(std::string_view text) { return say(text, wrong_command_line); }

// Any number of values, so that whatever follows the name does not become a complaint of its own.
Result<effects::KeyLogFile> open_key_log(const std::string& path) {
  auto opened = effects::KeyLogFile::open(path);
  if (opened) {
    std::fprintf(stderr, "limpid: the keys of every connection go to '%s': who reads it can read them\n", path.c_str());
  }
  return opened;
}

void NotYetSupported::option(CLI::App& command, const std::string& name) {
  options_.push_back(
      command.add_option(name, "not yet supported")->expected(0, 1)->take_all()->group("Not yet supported"));
}

void NotYetSupported::flag(CLI::App& command, const std::string& name) {
  options_.push_back(command.add_flag(name)->description("not yet supported")->group("Not yet supported"));
}

void NotYetSupported::refuse() const {
  for (const CLI::Option* each : options_) {
    if (each->count() != 0) apps::refuse(each->get_name());
  }
}

void refuse(const std::string& name) { throw CLI::ValidationError(name + " is not yet supported; leave it out"); }

}  // namespace limpid::apps
