// A benchmark is a pair: ours and the peer's way of doing the same job. Both run in the same process, taking turns at
// random (Google Benchmark interleaves the repetitions); the figure is the ratio of the medians.
#pragma once

#include <benchmark/benchmark.h>

#include <functional>
#include <string>

namespace limpid::bench {

// One iteration's job: does it `count` times and returns the seconds that count.
using Job = std::function<double(std::size_t count)>;

// `unit` is what is done once per count, such as "handshakes". More per second is better.
void add_rate(const std::string& name, const std::string& unit, const std::string& peer, std::size_t count, Job ours,
              Job peers);

// A size in bytes, measured once. Less is better.
void add_size(const std::string& name, const std::string& peer, std::size_t ours, std::size_t peers);

inline const std::string openssl_name = "OpenSSL";

void add_handshakes();
void add_records();
void add_memory();
void add_primitives();
void add_aead();

}  // namespace limpid::bench
