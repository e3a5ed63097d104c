#!/usr/bin/env bash
# ctest: long 120
# What is installed is enough for another project: find_package(limpid), its targets, its headers.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cmake --install "$LIMPID_BUILD_DIR" --prefix "$scratch/prefix" >/dev/null
mkdir "$scratch/consumer" && cd "$scratch/consumer"
cat >CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(consumer CXX)
set(CMAKE_CXX_STANDARD 23)
find_package(limpid 0.1 REQUIRED)
add_executable(consumer main.cpp)
target_link_libraries(consumer limpid::stack limpid::effects)
CMAKE
cat >main.cpp <<'CPP'
#include <cstdio>

#include "limpid/core/writer.hpp"
#include "limpid/crypto/hash.hpp"

int main() {
  limpid::Budget budget(1024);
  limpid::Buffer buffer(budget);
  limpid::Writer(buffer).text("abc");
  const auto digest = limpid::crypto::hash(limpid::crypto::HashAlgorithm::sha256, buffer, limpid::portable_cpu);
  for (const auto byte : digest.bytes()) std::printf("%02x", byte);
}
CPP
cmake -G Ninja -B build -DCMAKE_CXX_COMPILER=g++ -DCMAKE_PREFIX_PATH="$scratch/prefix" >/dev/null
cmake --build build >/dev/null
[[ $(build/consumer) == ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad ]] && echo "installed and used"
