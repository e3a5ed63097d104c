// A folder of its own for each test, and commands of other tools run in it.
#pragma once

#include <cstdlib>
#include <filesystem>

#include "tests/x509/support.hpp"

namespace limpid::x509::test {

class InFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "limpid-x509-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  static bool have(const std::string& tool) { return std::system(("command -v " + tool + " >/dev/null").c_str()) == 0; }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string read(const std::string& name) const { return read_file(path(name)); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  // The exit status; what the command printed is in the file `out`.
  int run(const std::string& command) const {
    return std::system(("cd " + folder_ + " && { " + command + "; } >out 2>&1").c_str());
  }
  void must_run(const std::string& command) const { ASSERT_EQ(run(command), 0) << command << "\n" << read("out"); }

  // What `openssl genpkey` wants.
  static std::string key_options(crypto::KeyType type) {
    switch (type) {
      case crypto::KeyType::p256:
        return "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
      case crypto::KeyType::p384:
        return "-algorithm EC -pkeyopt ec_paramgen_curve:P-384";
      case crypto::KeyType::ed25519:
        return "-algorithm ED25519";
      case crypto::KeyType::rsa:
        return "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";
      case crypto::KeyType::rsa_pss:
        break;
    }
    return "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048";
  }

  static UnixTime wall_clock() { return {std::time(nullptr)}; }

  std::string folder_;
};

inline const char* name_of(crypto::KeyType type) {
  switch (type) {
    case crypto::KeyType::p256:
      return "P256";
    case crypto::KeyType::p384:
      return "P384";
    case crypto::KeyType::ed25519:
      return "Ed25519";
    case crypto::KeyType::rsa:
      return "RSA";
    case crypto::KeyType::rsa_pss:
      break;
  }
  return "RSAPSS";
}
inline constexpr crypto::KeyType every_key_type[] = {crypto::KeyType::p256, crypto::KeyType::p384,
                                                     crypto::KeyType::ed25519, crypto::KeyType::rsa,
                                                     crypto::KeyType::rsa_pss};

}  // namespace limpid::x509::test
