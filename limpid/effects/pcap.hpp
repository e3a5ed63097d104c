// Captures of frames in files, as tcpdump and Wireshark read and write them (libpcap).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "limpid/core/bytes.hpp"
#include "limpid/effects/failure.hpp"

struct pcap;
struct pcap_dumper;

namespace limpid::effects {

// Microseconds since 1970-01-01T00:00:00Z.
struct CaptureTime {
  std::int64_t microseconds = 0;
};

// Writes Ethernet frames. From one thread at a time.
class PcapWriter {
 public:
  // Replaces what has the name; mode 0600, since frames may hold what is nobody else's business.
  static Result<PcapWriter> open(const std::string& path);

  // The pieces in order are one frame. What goes wrong is told by flush().
  void write(std::span<const Bytes> pieces, CaptureTime time);
  Result<void> flush();

 private:
  struct Close {
    void operator()(pcap* handle) const;
    void operator()(pcap_dumper* file) const;
  };
  PcapWriter() = default;

  std::string path_;
  std::unique_ptr<pcap, Close> handle_;
  std::unique_ptr<pcap_dumper, Close> file_;
  std::string frame_;
};

// Reads a capture of Ethernet frames or bare IP packets.
class PcapReader {
 public:
  struct Captured {
    CaptureTime time;
    Bytes bytes;           // as many as were captured; dead at the next call
    std::size_t size = 0;  // of the frame on the wire
    bool bare = false;     // begins with the IP header, not with Ethernet's
  };

  // A file that is no capture, or of a kind of link unknown here, is a failure.
  static Result<PcapReader> open(const std::string& path);
  // Nothing at the end of the file; a failure where the file is damaged.
  Result<std::optional<Captured>> next();

 private:
  struct Close {
    void operator()(pcap* handle) const;
  };
  PcapReader() = default;

  std::string path_;
  std::unique_ptr<pcap, Close> handle_;
  int link_type_ = 0;
};

}  // namespace limpid::effects
