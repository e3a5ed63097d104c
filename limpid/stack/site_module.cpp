#include "limpid/stack/site_module.hpp"

#include "limpid/core/reader.hpp"
#include "limpid/crypto/keyed_hash.hpp"

namespace limpid::stack {
namespace {

// magic[8] version[2] size[8] checksum[8], then the body:
//   chain: a 16-bit count, each certificate behind its length in 24 bits; the key behind 16 bits; the seed;
//   a 32-bit count of files, an entry of fixed size for each, and behind them the texts they point into.
constexpr std::string_view magic = "limpsite";
constexpr std::uint16_t version = 1;
constexpr std::size_t head_size = 8 + 2 + 8 + 8;
constexpr std::size_t entry_size = 8 + 2 + 8 + 8 + 8 + 8;  // path, its size, content, its size, modified, version

// Against accidents, so under a key that everybody knows.
std::uint64_t checksum(Bytes body) { return crypto::keyed_hash(crypto::HashTableKey{}, body); }

}  // namespace

std::string_view describe(SiteModuleFault fault) {
  switch (fault) {
    case SiteModuleFault::not_a_module:
      return "it is not a site module";
    case SiteModuleFault::other_version:
      return "it is of another version of limpid";
    case SiteModuleFault::cut_off:
      return "it is not as long as it says";
    case SiteModuleFault::damaged:
      return "its checksum is wrong";
    case SiteModuleFault::malformed:
      return "it contradicts itself";
  }
  return "";
}

void SiteModule::write(Writer& out, const Contents& contents) {
  std::uint64_t texts_size = 0;
  for (const File& file : contents.files) texts_size += file.path.size() + file.content.size();
  std::uint64_t body_size = 2 + 2 + contents.key.size() + seed_size + 4 + contents.files.size() * entry_size;
  for (const Bytes certificate : contents.chain) body_size += 3 + certificate.size();
  if (contents.chain.size() > most_certificates || contents.seed.size() != seed_size) return out.fail();

  out.text(magic);
  out.u16(version);
  out.u64(head_size + body_size + texts_size);
  const std::size_t checksum_at = out.size();
  out.u64(0);
  out.u16(static_cast<std::uint16_t>(contents.chain.size()));
  for (const Bytes certificate : contents.chain) out.vector24([&] { out.bytes(certificate); });
  out.vector16([&] { out.bytes(contents.key); });
  out.bytes(contents.seed);
  out.u32(static_cast<std::uint32_t>(contents.files.size()));
  std::uint64_t at = 0;
  for (const File& file : contents.files) {
    if (file.path.size() > UINT16_MAX) return out.fail();
    out.u64(at);
    out.u16(static_cast<std::uint16_t>(file.path.size()));
    at += file.path.size();
    out.u64(at);
    out.u64(file.content.size());
    at += file.content.size();
    out.u64(static_cast<std::uint64_t>(file.modified.seconds));
    out.u64(file.version);
  }
  for (const File& file : contents.files) {
    out.bytes(file.path);
    out.bytes(file.content);
  }
  if (out.failed()) return;
  const MutableBytes whole = out.written();
  Writer(whole.subspan(checksum_at, 8)).u64(checksum(Bytes(whole).subspan(head_size)));
}

std::expected<SiteModule, SiteModuleFault> SiteModule::open(Bytes module) {
  Reader in(module);
  if (in.take(magic.size()) != as_bytes(magic)) return std::unexpected(SiteModuleFault::not_a_module);
  if (in.u16() != version) return std::unexpected(SiteModuleFault::other_version);
  const std::uint64_t size = in.u64();
  const std::uint64_t sum = in.u64();
  // A loader may have rounded it up to whole pages.
  if (in.failed() || size < head_size || size > module.size()) return std::unexpected(SiteModuleFault::cut_off);
  const Bytes body = module.first(size).subspan(head_size);
  if (checksum(body) != sum) return std::unexpected(SiteModuleFault::damaged);

  SiteModule site;
  Reader parts(body);
  for (std::size_t count = parts.u16(); count > 0 && !parts.failed(); --count) {
    if (!site.chain_.push_back(parts.vector24())) return std::unexpected(SiteModuleFault::malformed);
  }
  site.key_ = parts.vector16();
  site.seed_ = parts.take(seed_size);
  site.files_ = parts.u32();
  site.index_ = parts.take(site.files_ * entry_size);
  site.texts_ = parts.take_rest();
  if (parts.failed()) return std::unexpected(SiteModuleFault::malformed);

  std::string_view last;
  for (std::size_t i = 0; i < site.files_; ++i) {
    Reader entry(site.index_.subspan(i * entry_size, entry_size));
    const std::uint64_t path = entry.u64(), path_size = entry.u16(), content = entry.u64(), content_size = entry.u64();
    const std::uint64_t all = site.texts_.size();
    if (path > all || path_size > all - path || content > all || content_size > all - content) {
      return std::unexpected(SiteModuleFault::malformed);
    }
    const std::string_view name = as_text(site.texts_.subspan(path, path_size));
    if (name.empty() || (i > 0 && name <= last)) return std::unexpected(SiteModuleFault::malformed);
    last = name;
  }
  return site;
}

SiteModule::File SiteModule::file(std::size_t index) const {
  Reader entry(index_.subspan(index * entry_size, entry_size));
  const std::uint64_t path = entry.u64(), path_size = entry.u16(), content = entry.u64(), content_size = entry.u64();
  const auto modified = static_cast<std::int64_t>(entry.u64());
  return {.path = texts_.subspan(path, path_size),
          .modified = {modified},
          .version = entry.u64(),
          .content = texts_.subspan(content, content_size)};
}

std::size_t SiteModule::lower_bound(std::string_view path) const {
  std::size_t low = 0, high = files_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (as_text(file(middle).path) < path) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

http::Answer SiteModule::look_up(std::string_view path) const {
  if (path.empty()) return http::LookupFailure::is_directory;
  const std::size_t index = lower_bound(path);
  if (index < files_) {
    const File found = file(index);
    if (as_text(found.path) == path) {
      return http::Found{.file = {static_cast<std::uint32_t>(index)},
                         .size = found.content.size(),
                         .modified = found.modified,
                         .version = found.version};
    }
  }
  // A folder is what something lies in. What sorts between "a" and "a/" ("a-b", say) is passed over.
  for (std::size_t i = index; i < files_; ++i) {
    const std::string_view name = as_text(file(i).path);
    if (!name.starts_with(path)) break;
    if (name.size() > path.size() && name[path.size()] == '/') return http::LookupFailure::is_directory;
  }
  return http::LookupFailure::not_found;
}

http::Piece SiteModule::read(const http::ReadFile& asked) const {
  if (asked.file.value >= files_) return {};
  const File found = file(asked.file.value);
  if (asked.offset >= found.content.size()) return {};
  const Bytes rest = found.content.subspan(asked.offset);
  return {rest.first(std::min<std::size_t>(rest.size(), asked.room))};
}

}  // namespace limpid::stack
