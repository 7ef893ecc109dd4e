#include "libhookcore/ignore/matcher.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace hookcore::ignore {
namespace {

std::string key_of(const Automaton::PositionSet& positions) {
  return {reinterpret_cast<const char*>(positions.data()),
          positions.size() * sizeof(Automaton::Position)};
}

void set_bit(Word* words, size_t bit) { words[bit / kWordBits] |= Word{1} << (bit % kWordBits); }

}  // namespace

Matcher::Matcher(const Automaton& automaton, size_t patterns, size_t table_bytes)
    : automaton_(automaton),
      words_((patterns + kWordBits - 1) / kWordBits),
      columns_(automaton.symbol_classes()),
      table_bytes_(table_bytes),
      max_rows_(std::min(table_bytes / (columns_ * sizeof(Cell)), automaton.most_sets())),
      table_(nullptr, std::free),
      states_(nullptr, std::free) {
  // Row 0 stands for "unknown". calloc's pages cost nothing until a row is used.
  max_rows_ = max_rows_ < 8 ? 0 : max_rows_ + 1;
  if (max_rows_ > 0) {
    table_.reset(static_cast<Cell*>(std::calloc(max_rows_ * columns_, sizeof(Cell))));
    states_.reset(static_cast<const MatchState**>(std::calloc(max_rows_, sizeof(void*))));
    if (!table_ || !states_) throw std::bad_alloc();
  }
  MatchState start;
  start.positions = automaton_.start();
  describe(start);
  start_ = intern(start);
  if (start_ == nullptr) {
    unkept_start_ = std::move(start);
    start_ = &unkept_start_;
  }
}

Matcher::~Matcher() = default;

void Matcher::describe(MatchState& state) const {
  state.row = 0;
  state.accepting = false;
  if (state.dead()) {
    state.bits.clear();
    return;
  }
  state.bits.assign(3 * words_, 0);
  Word* accepted = state.bits.data();
  Word* live = accepted + words_;
  Word* unspelled = live + words_;
  for (const auto position : state.positions) {
    const size_t pattern = automaton_.pattern_of(position);
    if (automaton_.accepts(position)) {
      set_bit(accepted, pattern);
      state.accepting = true;
      continue;
    }
    set_bit(live, pattern);
    if (!automaton_.spells_name(position)) set_bit(unspelled, pattern);
  }
}

// Under mutex_, except in the constructor. Takes state over; null, and state untouched, if the
// table is full.
const MatchState* Matcher::intern(MatchState& state) const {
  // What sets and bits weigh counts too: rules may have a hundred thousand positions.
  const size_t weight = 2 * state.positions.size() * sizeof(Automaton::Position) +
                        state.bits.size() * sizeof(Word) + sizeof(MatchState) + 64;
  if (next_row_ >= max_rows_ || described_bytes_ + weight > table_bytes_) return nullptr;
  described_bytes_ += weight;
  const uint32_t row = next_row_++;
  rows_by_set_.emplace(key_of(state.positions), row);
  MatchState& kept = kept_.emplace_back(std::move(state));
  kept.row = row;
  states_.get()[row] = &kept;
  return &kept;
}

// The slow path of run: a transition that isn't in the table yet, or doesn't fit.
const MatchState& Matcher::advance(const MatchState& from, size_t symbol_class,
                                   Scratch& scratch) const {
  MatchState next;
  next.positions = automaton_.step(from.positions, symbol_class);
  steps_.fetch_add(1 + from.positions.size(), std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  const MatchState* kept = nullptr;
  if (const auto found = rows_by_set_.find(key_of(next.positions)); found != rows_by_set_.end()) {
    kept = states_.get()[found->second];
  } else {
    describe(next);
    kept = intern(next);
  }
  if (kept == nullptr) {
    scratch.state = std::move(next);
    return scratch.state;
  }
  if (from.row != 0) {
    // Release: whoever reads the number finds the state behind it complete.
    table_.get()[from.row * columns_ + symbol_class].store(kept->row, std::memory_order_release);
  }
  return *kept;
}

size_t Matcher::class_of_next(std::string_view& rest) const {
  const auto byte = static_cast<unsigned char>(rest[0]);
  if (byte < 0x80 || automaton_.bytes()) {
    rest.remove_prefix(1);
    return automaton_.byte_classes()[byte];
  }
  return automaton_.class_of(decode_symbol(rest));
}

const MatchState& Matcher::run(const MatchState& from, std::string_view name,
                               Scratch& scratch) const {
  const MatchState* state = &from;
  while (!name.empty() && !state->dead()) {
    // As long as rows are known only row numbers are followed.
    uint32_t row = state->row;
    size_t symbol_class = 0;
    bool missing = row == 0;
    if (missing) symbol_class = class_of_next(name);
    while (!missing && !name.empty()) {
      symbol_class = class_of_next(name);
      const uint32_t next =
          table_.get()[row * columns_ + symbol_class].load(std::memory_order_acquire);
      missing = next == 0;
      if (!missing) row = next;
    }
    if (row != 0) state = states_.get()[row];
    if (missing) state = &advance(*state, symbol_class, scratch);
  }
  return *state;
}

const MatchState& Matcher::enter(const MatchState& from, Scratch& scratch) const {
  return run(from, "/", scratch);
}

}  // namespace hookcore::ignore
