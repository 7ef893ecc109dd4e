#include "libhookcore/sys/temporary_tree.h"

#include "libhookcore/base/error.h"
#include "libhookcore/sys/remove.h"

namespace hookcore::sys {

TemporaryTree::~TemporaryTree() {
  try {
    static_cast<void>(remove_tree(parent_fd_, name_));
  } catch (const Error&) {
    return;
  }
}

}  // namespace hookcore::sys
