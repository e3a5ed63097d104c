// Which offsets of a stream were seen: disjoint half-open intervals in order, bounded by the budget and `most`.
#pragma once

#include "limpid/core/vec.hpp"

namespace limpid::sim {

class IntervalSet {
 public:
  static constexpr std::size_t most = 1 << 12;

  struct Interval {
    std::int64_t begin = 0, end = 0;
  };

  explicit IntervalSet(Budget& budget) : intervals_(budget) {}

  // What cannot be kept makes the set say that it holds everything: its user then judges nothing by it.
  void add(std::int64_t begin, std::int64_t end) {
    if (begin >= end) return;
    std::size_t first = 0;
    if (!intervals_.empty() && intervals_.back().begin <= begin) first = intervals_.size() - 1;  // nearly always
    while (first < intervals_.size() && intervals_[first].end < begin) ++first;
    std::size_t last = first;
    for (; last < intervals_.size() && intervals_[last].begin <= end; ++last) {
      begin = std::min(begin, intervals_[last].begin);
      end = std::max(end, intervals_[last].end);
    }
    if (last > first) {
      intervals_[first] = {begin, end};
      std::move(intervals_.begin() + last, intervals_.end(), intervals_.begin() + first + 1);
      intervals_.truncate(intervals_.size() - (last - first - 1));
      return;
    }
    if (intervals_.size() == most || !intervals_.push_back({begin, end})) {
      overflowed_ = true;
      return;
    }
    std::rotate(intervals_.begin() + first, intervals_.end() - 1, intervals_.end());
  }

  bool contains(std::int64_t begin, std::int64_t end) const {
    if (overflowed_ || begin >= end) return true;
    for (const Interval& interval : intervals_) {
      if (interval.begin <= begin && end <= interval.end) return true;
    }
    return false;
  }
  // The end of the interval that holds `from`, or `from`.
  std::int64_t contiguous_from(std::int64_t from) const {
    for (const Interval& interval : intervals_) {
      if (interval.begin <= from && from < interval.end) return interval.end;
    }
    return from;
  }
  bool overflowed() const { return overflowed_; }

 private:
  Vec<Interval> intervals_;
  bool overflowed_ = false;
};

}  // namespace limpid::sim
