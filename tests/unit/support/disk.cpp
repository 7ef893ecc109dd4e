#include "tests/unit/support/disk.h"

#include <cstdlib>
#include <stdexcept>

namespace disk {

std::string mount(const std::string& kind, const std::string& place) {
  const std::string image = place + "/" + kind + ".img";
  const std::string point = place + "/" + kind;
  // The least that mkfs.xfs makes is 300 MiB; the image is sparse.
  const std::string command = "mkdir '" + point + "' && truncate -s 320M '" + image + "' && mkfs." +
                              kind + " -q '" + image + "' && mount -o loop '" + image + "' '" +
                              point + "'";
  if (std::system(("{ " + command + "; } >&2 2>/dev/null").c_str()) != 0) {
    throw std::runtime_error(command);
  }
  return point;
}

}  // namespace disk
