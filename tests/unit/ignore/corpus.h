#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hookcore::ignore::testing {

/// One case of the corpus: what BuildKit itself made of an ignore file and a tree.
struct CorpusCase {
  std::string name;
  std::string ignore;
  std::string tree;  ///< cases of one tree share this key
  std::vector<std::string> entries;
  std::vector<std::string> visible;
  std::vector<std::string> whiteouts;
  std::string error_stage;  ///< empty: no error
  std::vector<std::string> flags;

  bool has_flag(const std::string& flag) const;
};

/// The corpus directory: OCI_CNB_CORPUS, or `shared/corpus` beside the checkout; nullopt if absent.
std::optional<std::string> corpus_directory();
/// Cases of NAME.jsonl.gz, in order.
std::vector<CorpusCase> read_corpus(const std::string& directory, const std::string& name);

}  // namespace hookcore::ignore::testing
