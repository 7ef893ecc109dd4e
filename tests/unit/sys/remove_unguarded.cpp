#include "tests/unit/sys/remove_unguarded.h"

#include "libhookcore/base/error.h"
#include "libhookcore/sys/fd.h"
#include "libhookcore/sys/file.h"

// Every step of the walk is made with kStrict, and that is the guard. The headers are read already:
// in them nothing is renamed.
#define kStrict kHost
#define remove_tree remove_tree_unguarded
#include "libhookcore/sys/remove.cpp"  // NOLINT(bugprone-suspicious-include)
