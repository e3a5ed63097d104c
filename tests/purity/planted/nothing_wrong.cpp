// tls: pure
// Everything that is allowed: accepting nothing would catch the other files, too.
#include <cstring>
#include <variant>
namespace {
struct Shape {
  virtual int sides() const;
};
int Shape::sides() const { return 4; }
}  // namespace
int planted(const std::variant<int, long>& value, const char* text, char* room) {
  std::memcpy(room, text, std::strlen(text));
  return std::get<int>(value) + static_cast<int>(std::strlen(room)) + Shape().sides();
}
