#include "limpid/effects/site_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace limpid::effects {
namespace {

namespace fs = std::filesystem;

class SiteFiles : public ::testing::Test {
 protected:
  SiteFiles() {
    std::string name = (fs::temp_directory_path() / "limpid-site-XXXXXX").string();
    root = ::mkdtemp(name.data());
    put("a", "0123456789");
    fs::create_directory(root / "folder");
    put("folder/b", "x");
    fs::create_directory_symlink("/", root / "out");
    site.emplace(std::move(*Directory::open(root)));
  }
  ~SiteFiles() override { fs::remove_all(root); }
  void put(const std::string& name, const std::string& content) { std::ofstream(root / name) << content; }
  std::string read(SiteFile& file, const http::Found& found, std::string_view path, std::uint64_t offset = 0) {
    const http::ReadFile asked{{1}, found.file, offset, 4, path, found.size, found.version};
    return std::string(as_text(file.read(*site, asked, room, budget)));
  }

  fs::path root;
  std::optional<Directory> site;
  Budget budget{1 << 20};
  Byte room[4096];
};

TEST_F(SiteFiles, ReadsWhatWasLookedUp) {
  SiteFile file;
  const auto found = file.look_up(*site, "a", budget);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size, 10u);
  EXPECT_EQ(read(file, *found, "a"), "0123") << "as much as was asked for";
  EXPECT_EQ(read(file, *found, "a", 8), "89");
  EXPECT_EQ(read(file, *found, "a", 10), "");
  file.close({found->file.value + 1});
  EXPECT_EQ(read(file, *found, "a"), "0123") << "another file was closed";
  EXPECT_EQ(file.look_up(*site, "none", budget).error(), ENOENT);
  EXPECT_EQ(file.look_up(*site, "folder", budget).error(), EISDIR);
  EXPECT_EQ(lookup_failure(file.look_up(*site, "out/etc", budget).error()), http::LookupFailure::forbidden);
}

TEST_F(SiteFiles, AFileThatIsOpenedAgainMustBeTheOneThatWasPromised) {
  SiteFile before;
  const auto found = before.look_up(*site, "a", budget);
  ASSERT_TRUE(found);
  SiteFile after;  // as in a process that took the connection over
  EXPECT_EQ(read(after, *found, "a", 2), "2345");
  EXPECT_EQ(read(after, *found, "a", 6), "6789") << "it stays open";

  http::Found larger = *found, other = *found;
  larger.size = 11;
  ++other.version;
  SiteFile third, fourth, fifth;
  EXPECT_EQ(read(third, larger, "a"), "");
  EXPECT_EQ(read(fourth, other, "a"), "");
  fs::remove(root / "a");
  EXPECT_EQ(read(fifth, *found, "a"), "");
  EXPECT_EQ(read(after, *found, "a"), "0123") << "what is open stays readable";
}

TEST_F(SiteFiles, ListsAFolderIntoMemoryThatIsCharged) {
  SiteFile file;
  const auto found = file.look_up(*site, "folder/", budget);
  ASSERT_TRUE(found);
  EXPECT_EQ(budget.used() >= found->size, true);
  EXPECT_EQ(read(file, *found, "folder/"), "<!do");
  EXPECT_EQ(read(file, *found, "folder/", found->size - 2), ">\n");
  const auto again = file.look_up(*site, "folder/", budget);
  EXPECT_EQ(again->version, found->version) << "as long as it says the same";
  put("folder/c", "");
  EXPECT_NE(file.look_up(*site, "folder/", budget)->version, found->version);
  file.close(file.look_up(*site, "folder/", budget)->file);
  EXPECT_EQ(budget.used(), 0u);

  EXPECT_TRUE(file.look_up(*site, "/", budget));
  EXPECT_EQ(file.look_up(*site, "a/", budget).error(), ENOTDIR);
  EXPECT_EQ(file.look_up(*site, "none/", budget).error(), ENOENT);
  file.close(http::FileId{100});
  Budget small(100);
  SiteFile other;
  EXPECT_EQ(other.look_up(*site, "folder/", small).error(), ENOMEM);
  EXPECT_EQ(small.used(), 0u);
}

TEST_F(SiteFiles, AListingLeavesOutWhatIsNotServed) {
  put("folder/.hidden", "");
  fs::create_symlink("b", root / "folder" / "in");
  fs::create_symlink("/etc/passwd", root / "folder" / "out");
  fs::create_directory(root / "folder" / "z");
  const auto content = site->list("folder/", 10);
  ASSERT_TRUE(content);
  std::string names;
  for (const NamedFile& each : content->files) names += each.name + " ";
  EXPECT_EQ(names, "z b in ");
  EXPECT_TRUE(content->complete);
  const auto part = site->list("folder", 2);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->files.size(), 2u);
  EXPECT_FALSE(part->complete);
}

TEST_F(SiteFiles, AListingLooksAtFourTimesAsManyEntriesAsItShows) {
  fs::create_directory(root / "many");
  const auto complete = [&] {
    const auto content = site->list("many", 2);
    EXPECT_TRUE(content);
    return content->complete;
  };
  // The folder's own name and its parent's count.
  for (int i = 0; i < 6; ++i) put("many/." + std::to_string(i), "");
  EXPECT_EQ(complete(), true);
  put("many/.more", "");
  EXPECT_EQ(complete(), false);
}

}  // namespace
}  // namespace limpid::effects
