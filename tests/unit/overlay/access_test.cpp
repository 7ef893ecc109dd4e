#include "libhookcore/overlay/access.h"

#include <gtest/gtest.h>

#include <set>

namespace hookcore::overlay {
namespace {

struct Case {
  const char* what;
  ProcessIds process;
  SourceOwner source;
  bool idmap_possible;
  Access access;
};

const Case kCases[] = {
    {"the owner", {1000, 1000, {}, false}, {1000, 1000, 0755, true}, false, Access::kOwner},
    {"the owner needs no map", {1000, 1000, {}, true}, {1000, 5, 0755, true}, true, Access::kOwner},
    {"an owner without w", {1000, 1000, {}, false}, {1000, 1000, 0555, true}, true, Access::kNone},
    {"an owner without w, group with",
     {1000, 1000, {}, false},
     {1000, 1000, 0575, true},
     true,
     Access::kNone},
    {"an owner without w, as root", {0, 0, {}, true}, {0, 0, 0555, true}, true, Access::kOverride},
    {"root over another's, map possible",
     {0, 0, {}, true},
     {1000, 1000, 0755, true},
     true,
     Access::kIdmap},
    {"root over another's, no map",
     {0, 0, {}, true},
     {1000, 1000, 0755, true},
     false,
     Access::kOverride},
    {"root over an id that isn't mapped",
     {0, 0, {}, true},
     {65534, 65534, 0755, false},
     false,
     Access::kNone},
    {"root without the capability",
     {0, 0, {}, false},
     {1000, 1000, 0755, true},
     false,
     Access::kNone},
    {"a map helps nobody against a mode",
     {1001, 1001, {}, false},
     {1000, 1000, 0555, true},
     true,
     Access::kNone},
    {"another user, map possible",
     {1001, 1001, {}, false},
     {1000, 1000, 0755, true},
     true,
     Access::kIdmap},
    {"another user, no map",
     {1001, 1001, {}, false},
     {1000, 1000, 0755, true},
     false,
     Access::kNone},
    {"the group may write",
     {1001, 1000, {}, false},
     {1000, 1000, 0775, true},
     false,
     Access::kMode},
    {"one of the groups may write",
     {1001, 1001, {5, 1000}, false},
     {1000, 1000, 0775, true},
     false,
     Access::kMode},
    {"others may, the group may not",
     {1001, 1000, {}, false},
     {1000, 1000, 0757, true},
     false,
     Access::kNone},
    {"others may write", {1001, 1001, {}, false}, {1000, 1000, 0757, true}, false, Access::kMode},
    {"not mapped, others may write",
     {0, 0, {}, true},
     {65534, 65534, 0777, false},
     false,
     Access::kMode},
};

TEST(DecideAccess, FollowsTheTable) {
  for (const Case& one : kCases) {
    EXPECT_EQ(one.access, decide_access(one.process, one.source, one.idmap_possible)) << one.what;
  }
}

TEST(IdSwap, ExchangesTwoAndKeepsTheRest) {
  const IdSwap swap{1000, 0};
  EXPECT_EQ(0U, swap.apply(1000));
  EXPECT_EQ(1000U, swap.apply(0));
  EXPECT_EQ(7U, swap.apply(7));
  EXPECT_TRUE((IdSwap{5, 5}.identity()));
}

// A bijection over the whole space: the kernel takes no overlap, and a gap would be nobody's.
TEST(IdSwap, RangesAreABijection) {
  constexpr uint32_t kLast = 0xFFFFFFFEU;
  const std::set<uint32_t> interesting{0, 1, 2, 999, 1000, 1001, 65534, kLast - 1, kLast};
  for (const uint32_t a : interesting) {
    for (const uint32_t b : interesting) {
      const IdSwap swap{a, b};
      const auto ranges = swap.ranges();
      EXPECT_LE(ranges.size(), 5U);
      uint64_t next = 0;
      uint64_t total = 0;
      for (const auto& range : ranges) {
        EXPECT_EQ(next, range.inside) << a << " " << b;
        EXPECT_GT(range.count, 0U);
        next += range.count;
        total += range.count;
      }
      EXPECT_EQ(uint64_t{kLast} + 1, total) << a << " " << b;
      for (const uint32_t id : interesting) {
        EXPECT_EQ(swap.apply(id), sys::map_out(ranges, id)) << a << " " << b << " " << id;
        EXPECT_EQ(swap.apply(id), sys::map_in(ranges, id)) << a << " " << b << " " << id;
      }
    }
  }
}

TEST(ShiftToProcess, ShowsTheSourceAsTheProcesss) {
  const IdShift shift = shift_to_process({1001, 1002, {}, false}, {500, 1002, 0755, true});
  EXPECT_EQ(1001U, shift.uid.apply(500));
  EXPECT_TRUE(shift.gid.identity());
  EXPECT_FALSE(shift.identity());
}

}  // namespace
}  // namespace hookcore::overlay
