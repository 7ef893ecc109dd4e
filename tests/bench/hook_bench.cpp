// The mount hook, whole process, in containers that no engine has to make.
//
//   hook_bench --quick|--full|--profile PROGRAMS CONFIG_JSON   (run.sh calls it, in
//   tests/lab/enter)
//
// --profile only starts hooks, for perf(1) to watch.
// PROGRAMS is the directory of the built programs, CONFIG_JSON a config.json that podman wrote.
// Trees are made in TMPDIR. Programs that are compared take turns, every container is new, and the
// numbers are medians of wall time from posix_spawn to the end of the process.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "libhookcore/base/error.h"
#include "tests/bench/container.h"
#include "tests/bench/process.h"
#include "tests/bench/report.h"
#include "tests/bench/tree.h"
#include "tests/bench/workshop.h"

namespace {

using namespace hookcore;
using namespace bench;

struct Scale {
  size_t entries;
  int runs;
  int walks;
  int copies;
};
constexpr Scale kFull{500'000, 300, 40, 2};
constexpr Scale kQuick{20'000, 25, 10, 1};
constexpr Scale kProfile{500, 300, 0, 0};

// --quick, --full or --profile.
Scale scale_named(std::string_view name) {
  if (name == "--profile") return kProfile;
  return name == "--quick" ? kQuick : kFull;
}

class HookBench {
 public:
  HookBench(Scale scale, std::string programs, const std::string& config)
      : scale_(scale),
        programs_(std::move(programs)),
        large_(bundle("large", config)),
        small_(bundle("small", config)) {
    make_repository(large_.source(), scale.entries);
  }

  void run_all() {
    use(kAnchored);
    anchored();
    if (scale_.walks == 0) return;
    count_work();
    use(kAnywhere);
    anywhere();
    copies();
    memory();
  }

 private:
  Bundle bundle(const std::string& name, const std::string& config) {
    return {workshop_.path(name + "-bundle"), workshop_.directory(name), config,
            program("oci-cnb-precreate")};
  }
  std::string program(const std::string& name) const { return programs_ + "/bin/" + name; }
  std::string peer(const std::string& name) const { return programs_ + "/tests/bench/" + name; }

  void use(const Rules& rules) {
    rules_ = &rules;
    write_ignore_file(large_.source(), rules.dockerignore);
    write_ignore_file(small_.source(), rules.dockerignore);
    settle();
  }

  // What was written before would be written back beside, and under the same locks as, the next
  // hook's own directories.
  static void settle() { ::sync(); }

  Command hook(const Container& container, bool opted_in = true) const {
    return {{program("oci-cnb-createruntime")}, container.state(opted_in)};
  }

  // Gives the container's scratch back, as its engine would.
  void finish(const std::string& state) const { run({{program("oci-cnb-poststop")}, state}); }

  double time_hook(const Bundle& bundle) const {
    std::string state;
    double time = 0;
    {
      const Container container(bundle);
      time = run(hook(container));
      state = container.state(true);
    }
    finish(state);
    return time;
  }

  double time_ignored_hook() const {
    const Container container(small_);
    return run(hook(container, false));
  }

  Command raw_walk(const std::string& path) const {
    Command command{{peer("raw_walk"), path}, {}};
    for (const std::string_view name : rules_->skipped) {
      if (!name.empty()) command.words.emplace_back(name);
    }
    return command;
  }

  void anchored() const {
    const Undisturbed undisturbed;
    std::vector<double> empty;
    std::vector<double> ignored;
    std::vector<double> small;
    std::vector<double> large;
    for (int i = 0; i < scale_.runs; ++i) {
      empty.push_back(run({{peer("empty_program")}, {}}));
      ignored.push_back(time_ignored_hook());
      small.push_back(time_hook(small_));
      large.push_back(time_hook(large_));
    }
    const double floor = median(empty);
    compare("anchored rules, " + entries() + " entries : an empty tree", median(large),
            median(small), 1.1);
    compare("anchored rules : an empty static program", median(large), floor, 3.0);
    compare("hook of a container not opted in : an empty static program", median(ignored), floor,
            0);
  }

  void anywhere() const {
    const Undisturbed undisturbed;
    std::vector<double> hooks;
    std::vector<double> walks;
    for (int i = 0; i < scale_.walks; ++i) {
      walks.push_back(run(raw_walk(large_.source())));
      hooks.push_back(time_hook(large_));
    }
    compare("** rules, " + entries() + " entries : raw walk of two threads", median(hooks),
            median(walks), 1.3);
  }

  // rsync with equal rules; that they are equal is shown by what both leave to be seen.
  void copies() {
    const Undisturbed undisturbed;
    std::vector<double> hooks;
    std::vector<double> copies;
    std::string copied;
    std::string mounted;
    for (int i = 0; i < scale_.copies; ++i) {
      hooks.push_back(time_hook(large_));
      const std::string target = workshop_.directory("copy-" + std::to_string(i));
      copies.push_back(
          run({{"/usr/bin/rsync", "-a", "--exclude-from=-", large_.source() + "/", target + "/"},
               std::string(rules_->rsync)}));
      copied = output_of({{peer("raw_walk"), target}, {}});
      settle();
    }
    {
      const Container container(large_);
      run(hook(container));
      mounted = output_of({{peer("raw_walk"), container.workspace()}, {}});
    }
    if (copied != mounted) {
      throw Error(Code::kSystem, "rsync leaves " + copied + " entries, the hook " + mounted);
    }
    const double ours = median(hooks);
    const double theirs = median(copies);
    print({"** rules : rsync -a with equal rules", milliseconds(ours), milliseconds(theirs),
           theirs / ours, 100, Row::Sense::kAtLeast});
  }

  Trace traced(const Bundle& bundle, TraceMode mode) const {
    std::string state;
    Trace result;
    {
      const Container container(bundle);
      result = trace(hook(container), mode);
      state = container.state(true);
    }
    finish(state);
    return result;
  }

  void memory() const {
    const double peak = static_cast<double>(traced(large_, TraceMode::kMemory).peak_kib) / 1024;
    const double floor =
        static_cast<double>(trace({{peer("empty_program")}, {}}, TraceMode::kMemory).peak_kib) /
        1024;
    print({"peak memory, ** rules, " + entries() + " entries", mebibytes(peak), mebibytes(floor),
           peak, 8, Row::Sense::kAtMost});
  }

  // One fixed case: anchored rules, the small tree.
  void count_work() const {
    const auto calls = traced(small_, TraceMode::kSyscalls).syscalls;
    const auto steps = traced(small_, TraceMode::kInstructions).instructions;
    const Command empty{{peer("empty_program")}, {}};
    note("anchored rules, empty tree: " + std::to_string(calls) + " system calls (empty program " +
         std::to_string(trace(empty, TraceMode::kSyscalls).syscalls) + "), " +
         std::to_string(steps) + " instructions in user space (" +
         std::to_string(trace(empty, TraceMode::kInstructions).instructions) + ")");
  }

  static void compare(const std::string& what, double ours, double peer, double bar) {
    print({what, milliseconds(ours), milliseconds(peer), ours / peer, bar});
  }
  static std::string mebibytes(double value) { return std::to_string(value).substr(0, 4) + " MiB"; }
  std::string entries() const { return std::to_string(scale_.entries / 1000) + ",000"; }

  Scale scale_;
  std::string programs_;
  Workshop workshop_;
  Bundle large_;
  Bundle small_;
  const Rules* rules_ = &kAnchored;
};

}  // namespace

int main(int argc, char** argv) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no thread is there yet
  if (argc != 4 || std::getenv("OCI_CNB_IN_LAB") == nullptr) {
    std::fputs("hook_bench: is called by tests/bench/run.sh\n", stderr);
    return 2;
  }
  try {
    HookBench(scale_named(argv[1]), argv[2], argv[3]).run_all();
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "hook_bench: %s\n", error.line().c_str());
    return 1;
  }
}
