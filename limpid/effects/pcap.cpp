#include "limpid/effects/pcap.hpp"

#include <fcntl.h>
#include <pcap/pcap.h>

#include "limpid/core/reader.hpp"
#include "limpid/effects/descriptor.hpp"

namespace limpid::effects {
namespace {

constexpr int longest_frame = 1 << 18;

// How many bytes stand in front of the IP header; nothing for Ethernet.
struct LinkHeader {
  std::size_t size = 0;
  std::size_t protocol_at = 0;  // of an EtherType, in a header that has one
  bool has_protocol = false;
};
std::optional<LinkHeader> header_of(int link_type) {
  switch (link_type) {
    case DLT_EN10MB:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
      return LinkHeader{};
    case DLT_LINUX_SLL:
      return LinkHeader{16, 14, true};
    case DLT_LINUX_SLL2:
      return LinkHeader{20, 0, true};
    case DLT_NULL:
    case DLT_LOOP:
      return LinkHeader{4};
    default:
      return std::nullopt;
  }
}

// libpcap's words, without the path that some of them begin with.
std::string words_of(std::string text, const std::string& path) {
  const std::string prefix = path + ": ";
  if (text.starts_with(prefix)) text.erase(0, prefix.size());
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return text;
}

}  // namespace

void PcapWriter::Close::operator()(pcap* handle) const { ::pcap_close(handle); }
void PcapWriter::Close::operator()(pcap_dumper* file) const { ::pcap_dump_close(file); }
void PcapReader::Close::operator()(pcap* handle) const { ::pcap_close(handle); }

Result<PcapWriter> PcapWriter::open(const std::string& path) {
  const auto cannot = [&](const std::string& why) {
    return fail("cannot write the capture '" + path + "': " + why + "; name a file that can be written");
  };
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return cannot(system_words(errno));
  std::FILE* stream = ::fdopen(file.get(), "wb");
  if (stream == nullptr) return cannot(system_words(errno));
  (void)file.release();
  PcapWriter writer;
  writer.path_ = path;
  writer.handle_.reset(::pcap_open_dead(DLT_EN10MB, longest_frame));
  writer.file_.reset(writer.handle_ ? ::pcap_dump_fopen(writer.handle_.get(), stream) : nullptr);
  if (!writer.file_) {
    const std::string why = writer.handle_ ? ::pcap_geterr(writer.handle_.get()) : "no memory";
    if (!writer.handle_) std::fclose(stream);
    return cannot(why);
  }
  return writer;
}

void PcapWriter::write(std::span<const Bytes> pieces, CaptureTime time) {
  frame_.clear();
  for (const Bytes piece : pieces) frame_.append(as_text(piece));
  pcap_pkthdr header{};
  header.ts.tv_sec = time.microseconds / 1'000'000;
  header.ts.tv_usec = time.microseconds % 1'000'000;
  header.caplen = header.len = static_cast<bpf_u_int32>(frame_.size());
  ::pcap_dump(reinterpret_cast<unsigned char*>(file_.get()), &header,
              reinterpret_cast<const unsigned char*>(frame_.data()));
}

Result<void> PcapWriter::flush() {
  const bool flushed = ::pcap_dump_flush(file_.get()) == 0;
  const int error = errno;
  if (flushed && std::ferror(::pcap_dump_file(file_.get())) == 0) return {};
  return fail("cannot write the capture '" + path_ + "': " + system_words(error));
}

Result<PcapReader> PcapReader::open(const std::string& path) {
  const auto cannot = [&](const std::string& why) {
    return fail("cannot check '" + path + "': " + why + "; name a capture, as tcpdump -w writes them");
  };
  // Opened here, so that a pipe without a writer does not block.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return cannot(system_words(errno));
  (void)::fcntl(file.get(), F_SETFL, 0);
  std::FILE* stream = ::fdopen(file.get(), "rb");
  if (stream == nullptr) return cannot(system_words(errno));
  (void)file.release();
  char error[PCAP_ERRBUF_SIZE] = "";
  PcapReader reader;
  reader.path_ = path;
  reader.handle_.reset(::pcap_fopen_offline(stream, error));
  if (!reader.handle_) {
    std::fclose(stream);
    return cannot(words_of(error, path));
  }
  reader.link_type_ = ::pcap_datalink(reader.handle_.get());
  if (!header_of(reader.link_type_)) {
    return cannot("it is of links of type " + std::to_string(reader.link_type_) + ", which are unknown here");
  }
  return reader;
}

Result<std::optional<PcapReader::Captured>> PcapReader::next() {
  for (;;) {
    pcap_pkthdr* header = nullptr;
    const unsigned char* bytes = nullptr;
    const int result = ::pcap_next_ex(handle_.get(), &header, &bytes);
    if (result == PCAP_ERROR_BREAK) return std::nullopt;
    if (result != 1) {
      return fail("cannot check '" + path_ + "': " + words_of(::pcap_geterr(handle_.get()), path_));
    }
    Captured captured;
    captured.time.microseconds = std::int64_t{header->ts.tv_sec} * 1'000'000 + header->ts.tv_usec;
    captured.bytes = {bytes, header->caplen};
    captured.size = std::max<std::size_t>(header->len, header->caplen);
    if (link_type_ == DLT_EN10MB) return captured;
    const LinkHeader link = *header_of(link_type_);
    captured.bare = true;
    if (captured.bytes.size() < link.size) continue;
    if (link.has_protocol) {
      Reader in(captured.bytes.subspan(link.protocol_at));
      const std::uint16_t protocol = in.u16();
      if (protocol != 0x0800 && protocol != 0x86dd) continue;
    }
    captured.bytes = captured.bytes.subspan(link.size);
    captured.size -= link.size;
    return captured;
  }
}

}  // namespace limpid::effects
