#include "libhookcore/copy/manifest.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/copy/bench.h"

namespace hookcore::copy {
namespace {

using sandbox::As;
using sandbox::Place;

TEST(Manifest, OfACopyIsReadBackAndWrittenTheSame) {
  sandbox::run(As::kPlain, [](const Place& place) {
    const testing::Bench bench(place.path);
    tree::make(bench.path("source"), {"a=12", "d/\xff\n x=1", "d/l->a"});
    bench.copy("", {});
    const Manifest manifest = bench.manifest();
    EXPECT_EQ(4U, manifest.size());
    EXPECT_EQ(2U, manifest.in("").at("a").size);
    EXPECT_TRUE(manifest.in("d").contains("\xff\n x"));
    EXPECT_TRUE(manifest.in("nowhere").empty());
    const std::string text = manifest.format();
    const auto again = Manifest::parse(text);
    ASSERT_TRUE(again);
    EXPECT_EQ(text, again->format());
    for (size_t length = 0; length < text.size(); ++length) {
      EXPECT_FALSE(Manifest::parse(text.substr(0, length))) << "cut at " << length;
    }
    EXPECT_FALSE(Manifest::parse(text + "x"));
  });
}

TEST(Manifest, TellsWhatIsChangedAfterItsCopy) {
  sandbox::run(As::kPlain, [](const Place& place) {
    const testing::Bench bench(place.path);
    tree::make(bench.path("source"), {"a=1", "b=2"});
    bench.copy("", {});
    tree::write(bench.path("copy/b"), "3");
    const Manifest manifest = bench.manifest();
    const auto changed = [&](const char* name) {
      struct ::stat status {};
      EXPECT_EQ(0, ::stat(bench.path(name).c_str(), &status));
      return stamp_of(status.st_ctim);
    };
    EXPECT_LE(changed("copy/a"), manifest.finished());
    EXPECT_GT(changed("copy/b"), manifest.finished());
  });
}

}  // namespace
}  // namespace hookcore::copy
