// Each way to a workspace, as the whole process of the mount hook, against the others, rsync with
// equal rules, and cp that shares the blocks.
//
//   ways_bench --quick|--full PROGRAMS CONFIG_JSON   (run.sh calls it, in tests/lab/enter)
//
// TMPDIR and the store have to lie on one file system that can share blocks. Ways and peers take
// turns, every container is new, and the numbers are medians of wall time.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libhookcore/base/error.h"
#include "tests/bench/container.h"
#include "tests/bench/process.h"
#include "tests/bench/report.h"
#include "tests/bench/tree.h"
#include "tests/bench/workshop.h"

namespace {

using namespace hookcore;
using namespace bench;

struct Tree {
  size_t entries;
  int rounds;
};
constexpr std::array kFull{Tree{500, 40}, Tree{50'000, 7}, Tree{500'000, 2}};
constexpr std::array kQuick{Tree{500, 3}, Tree{2'000, 2}, Tree{5'000, 2}};

constexpr size_t kFileBytes = 2048;
constexpr std::array kWays{"overlay", "fuse", "reflink", "copy"};
constexpr auto kRsync = "rsync -a with equal rules";
constexpr auto kCp = "cp -a --reflink of all";
constexpr auto kConfig = "/etc/oci-cnb-hooks/config.toml";

class WaysBench {
 public:
  WaysBench(std::string programs, std::string config)
      : programs_(std::move(programs)), config_(std::move(config)) {}

  void measure(Tree tree) {
    const Workshop workshop;
    const Bundle bundle(workshop.path("bundle"), workshop.directory("source"), config_,
                        program("oci-cnb-precreate"));
    make_repository(bundle.source(), tree.entries, std::string(kFileBytes, 'x'));
    write_ignore_file(bundle.source(), kAnywhere.dockerignore);
    times_.clear();
    visible_.clear();
    for (int round = 0; round < tree.rounds; ++round) {
      for (const char* way : kWays) time_way(bundle, way);
      time_rsync(workshop, bundle.source());
      time_cp(workshop, bundle.source());
    }
    compare_visible();
    print_rows(tree.entries);
  }

 private:
  std::string program(const std::string& name) const { return programs_ + "/bin/" + name; }
  std::string walked(const std::string& path) const {
    return output_of({{programs_ + "/tests/bench/raw_walk", path}, {}});
  }

  static void choose(const std::string& way) {
    std::filesystem::create_directories(std::filesystem::path(kConfig).parent_path());
    std::ofstream(kConfig) << "way = \"" << way << "\"\ncopy-limit = \"none\"\n";
    if (::chmod(kConfig, 0644) != 0) throw SystemError("chmod", kConfig, errno);
  }

  void time_way(const Bundle& bundle, const std::string& way) {
    choose(way);
    ::sync();
    std::string state;
    {
      const Container container(bundle);
      state = container.state(true);
      times_[way].push_back(run({{program("oci-cnb-createruntime")}, state}));
      if (!visible_.contains(way)) visible_[way] = walked(container.workspace());
    }
    run({{program("oci-cnb-poststop")}, state});
    run({{program("oci-cnb"), "session", "gc"}, {}});
  }

  void time_rsync(const Workshop& workshop, const std::string& source) {
    const std::string target = workshop.directory("copy");
    ::sync();
    times_[kRsync].push_back(
        run({{"/usr/bin/rsync", "-a", "--exclude-from=-", source + "/", target + "/"},
             std::string(kAnywhere.rsync)}));
    if (!visible_.contains(kRsync)) visible_[kRsync] = walked(target);
    workshop.remove("copy");
  }

  void time_cp(const Workshop& workshop, const std::string& source) {
    const std::string target = workshop.directory("copy");
    ::sync();
    times_[kCp].push_back(
        run({{"/bin/cp", "-a", "--reflink=always", source + "/.", target + "/"}, {}}));
    workshop.remove("copy");
  }

  // That all of them do the same work.
  void compare_visible() const {
    for (const auto& [name, told] : visible_) {
      if (told != visible_.at(kRsync)) {
        throw Error(Code::kSystem, "not the entries that rsync copies", name);
      }
    }
  }

  void print_rows(size_t entries) const {
    const std::string tree = std::to_string(entries) + " entries: ";
    for (const char* way : kWays) row(tree, way, kRsync);
    row(tree, "reflink", kCp);
    for (const char* way : kWays) {
      if (way != kWays.front()) row(tree, way, kWays.front());
    }
  }

  void row(const std::string& tree, const std::string& ours, const std::string& peer) const {
    const double mine = median(times_.at(ours));
    const double theirs = median(times_.at(peer));
    print({tree + ours + " : " + peer, milliseconds(mine), milliseconds(theirs), mine / theirs});
  }

  std::string programs_;
  std::string config_;
  std::map<std::string, std::vector<double>> times_;  ///< of each way and peer, in ms
  std::map<std::string, std::string> visible_;        ///< what raw_walk counts there
};

}  // namespace

int main(int argc, char** argv) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no thread is there yet
  if (argc != 4 || std::getenv("OCI_CNB_IN_LAB") == nullptr) {
    std::fputs("ways_bench: is called by tests/bench/run.sh\n", stderr);
    return 2;
  }
  try {
    WaysBench bench(argv[2], argv[3]);
    for (const Tree tree : std::string_view(argv[1]) == "--quick" ? kQuick : kFull) {
      bench.measure(tree);
    }
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "ways_bench: %s\n", error.line().c_str());
    return 1;
  }
}
