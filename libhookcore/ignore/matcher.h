#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libhookcore/ignore/automaton.h"

namespace hookcore::ignore {

/// A set of positions with what follows from it. Bit sets have Matcher::words() words.
struct MatchState {
  Automaton::PositionSet positions;
  std::vector<Word> bits;  ///< accepted, live, unspelled; empty if there are no positions
  bool accepting = false;  ///< some pattern matches
  uint32_t row = 0;        ///< row of the transition table; 0: this state isn't in the table

  bool dead() const { return positions.empty(); }
};

/// Runs an automaton over names. Position sets that come up are kept in a table of transitions
/// (a DFA that is built as it is needed), so that a symbol usually costs one load; when the table
/// is full the sets are computed each time. Used by several threads at once.
class Matcher {
 public:
  /// table_bytes bounds the memory that transitions may take.
  explicit Matcher(const Automaton& automaton, size_t patterns,
                   size_t table_bytes = kDefaultTableBytes);
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;
  ~Matcher();

  static constexpr size_t kDefaultTableBytes = size_t{2} << 20;

  /// For one thread: holds the states that didn't fit into the table, until the next run.
  struct Scratch {
    MatchState state;
  };

  size_t words() const { return words_; }
  /// Before the first symbol of any path.
  const MatchState& start() const { return *start_; }
  /// The state after name; valid as long as the matcher, or, if its row is 0, until scratch is used
  /// again.
  const MatchState& run(const MatchState& from, std::string_view name, Scratch& scratch) const;
  /// The state after one '/'.
  const MatchState& enter(const MatchState& from, Scratch& scratch) const;

  /// Patterns that match the path read so far; null: none.
  const Word* accepted(const MatchState& state) const {
    return state.accepting ? state.bits.data() : nullptr;
  }
  /// Patterns that may match some longer path. Not meaningful for a dead state.
  const Word* live(const MatchState& state) const { return state.bits.data() + words_; }
  /// Live patterns whose next component isn't just a literal name.
  const Word* unspelled(const MatchState& state) const { return state.bits.data() + 2 * words_; }

  /// Position sets computed so far: the work done, for tests of linearity.
  uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }

 private:
  using Cell = std::atomic<uint32_t>;

  void describe(MatchState& state) const;
  const MatchState* intern(MatchState& state) const;
  const MatchState& advance(const MatchState& from, size_t symbol_class, Scratch& scratch) const;
  size_t class_of_next(std::string_view& rest) const;

  const Automaton& automaton_;
  size_t words_;
  size_t columns_;
  size_t table_bytes_;
  size_t max_rows_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, uint32_t> rows_by_set_;
  mutable uint32_t next_row_ = 1;
  mutable size_t described_bytes_ = 0;
  std::unique_ptr<Cell, void (*)(void*)> table_;  ///< rows of columns_ cells: row number, 0 unknown
  std::unique_ptr<const MatchState*, void (*)(void*)> states_;  ///< by row
  mutable std::deque<MatchState> kept_;                         ///< where states_ points
  const MatchState* start_ = nullptr;
  MatchState unkept_start_;
  mutable std::atomic<uint64_t> steps_{0};
};

}  // namespace hookcore::ignore
