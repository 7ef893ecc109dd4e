// Runs a fuzz target without a fuzzer: every file of a directory, then so many seeded mutations of
// them. fuzz_NAME DIRECTORY [MUTATIONS [SEED]]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

std::string mutate(std::string input, const std::vector<std::string>& seeds,
                   std::mt19937_64& random) {
  const auto pick = [&](size_t below) { return static_cast<size_t>(random() % below); };
  static const std::string kBytes = "*?[]^-!\\/#ab.\n\r \x01\xC3\xA9\xFF\xEF\xBB\xBF|{}";
  for (size_t i = 1 + pick(6); i > 0; --i) {
    const size_t at = pick(input.size() + 1);
    switch (pick(4)) {
      case 0:
        input.insert(at, 1, kBytes[pick(kBytes.size())]);
        break;
      case 1:
        input.erase(at, 1 + pick(4));
        break;
      case 2: {
        const std::string& other = seeds[pick(seeds.size())];
        const size_t from = pick(other.size() + 1);
        input.insert(at, other.substr(from, pick(20)));
        break;
      }
      default:
        if (at < input.size()) input[at] = kBytes[pick(kBytes.size())];
    }
  }
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::vector<std::string> seeds;
  std::vector<std::filesystem::path> files(std::filesystem::directory_iterator(argv[1]), {});
  std::sort(files.begin(), files.end());
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    run(seeds.back());
  }
  if (seeds.empty()) return 2;
  const unsigned long mutations = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  std::mt19937_64 random(argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1);
  for (unsigned long i = 0; i < mutations; ++i) {
    run(mutate(seeds[random() % seeds.size()], seeds, random));
  }
  std::printf("%zu files, %lu mutations: no difference\n", seeds.size(), mutations);
  return 0;
}
