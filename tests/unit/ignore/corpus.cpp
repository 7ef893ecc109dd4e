#include "tests/unit/ignore/corpus.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace hookcore::ignore::testing {
namespace {

std::string gunzip(const std::string& path) {
  const std::string command = "gzip -dc '" + path + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  if (!pipe) throw std::runtime_error(command);
  std::string text;
  std::array<char, 65536> buffer;
  for (size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;) {
    text.append(buffer.data(), got);
  }
  if (text.empty()) throw std::runtime_error("nothing in " + path);
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> strings(const nlohmann::json& document, const char* key) {
  return document.value(key, std::vector<std::string>());
}

}  // namespace

bool CorpusCase::has_flag(const std::string& flag) const {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

std::optional<std::string> corpus_directory() {
  const char* named = std::getenv("OCI_CNB_CORPUS");
  const std::string path = named != nullptr ? named : OCI_CNB_SOURCE_DIR "/../shared/corpus";
  if (::access((path + "/real.jsonl.gz").c_str(), R_OK) == 0) return path;
  return std::nullopt;
}

std::vector<CorpusCase> read_corpus(const std::string& directory, const std::string& name) {
  std::vector<CorpusCase> cases;
  std::map<std::string, std::vector<std::string>> trees;
  for (const std::string& line : lines_of(gunzip(directory + "/" + name + ".jsonl.gz"))) {
    const auto document = nlohmann::json::parse(line);
    CorpusCase one;
    one.name = document.at("name");
    one.ignore = document.at("ignore");
    one.tree = document.value("tree_ref", "");
    if (one.tree.empty()) {
      one.entries = strings(document, "tree");
    } else {
      auto& entries = trees[one.tree];
      if (entries.empty()) entries = lines_of(gunzip(directory + "/trees/" + one.tree + ".txt.gz"));
      one.entries = entries;
    }
    one.visible = strings(document, "visible");
    one.whiteouts = strings(document, "whiteouts");
    one.error_stage = document.value("error_stage", "");
    one.flags = strings(document, "flags");
    cases.push_back(std::move(one));
  }
  return cases;
}

}  // namespace hookcore::ignore::testing
