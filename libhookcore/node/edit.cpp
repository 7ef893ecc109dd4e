#include "libhookcore/node/edit.h"

namespace hookcore::node {

bool make_edits(const Host& host, const std::vector<Edit>& edits) {
  bool changed = false;
  for (const Edit& edit : edits) {
    if (edit.bytes) {
      changed |= host.write(edit.path, *edit.bytes, 0644);
      continue;
    }
    changed |= host.exists(edit.path);
    host.remove(edit.path);
    if (edit.with_directory) host.remove_empty_directory(edit.path.substr(0, edit.path.rfind('/')));
  }
  return changed;
}

}  // namespace hookcore::node
