#include "limpid/effects/site_file.hpp"

#include "limpid/http/listing.hpp"

namespace limpid::effects {
namespace {

// A page for people: who wants to see more has other ways.
constexpr std::size_t most_listed = 1000;

// FNV-1a: a listing has another version when it says something else. Nothing rests on its strength.
std::uint64_t version_of(Bytes page) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const Byte byte : page) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

}  // namespace

std::expected<http::Found, int> SiteFile::look_up(const Directory& site, std::string_view path, Budget& budget) {
  close({id_});
  if (path.ends_with('/')) return list(site, path, budget);
  auto found = site.find(path);
  if (!found) return std::unexpected(found.error());
  if (found->facts.kind == FileFacts::Kind::folder) return std::unexpected(EISDIR);
  file_ = std::move(*found);
  open_ = true;
  const FileFacts& facts = file_.facts;
  // The inode is in it because a file that is replaced may have kept the old one's time.
  const auto nanoseconds =
      static_cast<std::uint64_t>(facts.modified_seconds) * 1'000'000'000 + facts.modified_nanoseconds;
  return http::Found{.file = {++id_},
                     .size = facts.size,
                     .modified = {facts.modified_seconds},
                     .version = nanoseconds ^ facts.inode << 48};
}

std::expected<http::Found, int> SiteFile::list(const Directory& site, std::string_view path, Budget& budget) {
  const auto content = site.list(path, most_listed);
  if (!content) return std::unexpected(content.error());
  listing_ = Buffer(budget);
  Writer out(listing_);
  http::begin_listing(path, out);
  for (const NamedFile& each : content->files) {
    http::list_entry({.name = each.name,
                      .is_folder = each.facts.kind == FileFacts::Kind::folder,
                      .size = each.facts.size,
                      .modified = {each.facts.modified_seconds}},
                     out);
  }
  http::end_listing(content->complete, out);
  if (out.failed()) {
    listing_.release();
    return std::unexpected(ENOMEM);
  }
  open_ = true;
  return http::Found{.file = {++id_},
                     .size = listing_.size(),
                     .modified = {content->folder.modified_seconds},
                     .version = version_of({listing_.data(), listing_.size()})};
}

Bytes SiteFile::read(const Directory& site, const http::ReadFile& asked, MutableBytes room, Budget& budget) {
  if (!open_ || asked.file.value != id_) {
    const auto found = look_up(site, asked.path, budget);
    id_ = asked.file.value;
    if (!found || found->size != asked.size || found->version != asked.version) {
      close(asked.file);
      return {};
    }
  }
  room = room.first(std::min<std::size_t>(room.size(), asked.room));
  if (file_.descriptor) return room.first(read_at(file_.descriptor, asked.offset, room).value_or(0));
  Bytes page(listing_.data(), listing_.size());
  page = page.subspan(std::min<std::size_t>(asked.offset, page.size()));
  return copy(page.first(std::min(page.size(), room.size())), room);
}

void SiteFile::close(http::FileId file) {
  if (file.value != id_) return;
  open_ = false;
  file_ = {};
  listing_.release();
}

http::LookupFailure lookup_failure(int error) {
  switch (error) {
    case EISDIR:
      return http::LookupFailure::is_directory;
    case EACCES:
    case EPERM:
    case EXDEV:
    case ELOOP:
      return http::LookupFailure::forbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
      return http::LookupFailure::failed;
    default:
      return http::LookupFailure::not_found;
  }
}

}  // namespace limpid::effects
