#include "limpid/tcpip/tcp/reassembly.hpp"

namespace limpid::tcpip::tcp {

using wire::SackBlock;
using wire::seq_before;
using wire::seq_max;
using wire::seq_min;
using wire::SeqNumber;

bool Reassembly::add(std::size_t index, SeqNumber sequence, Bytes bytes, Budget& budget) {
  if (index > 0) {
    Piece& before = pieces_[index - 1];
    const std::size_t joined = before.bytes.size() + bytes.size();
    if (before.end() == sequence && joined <= largest_piece && before.bytes.append(bytes)) return true;
  }
  if (pieces_.size() >= most_pieces) return false;
  if (pieces_.empty()) pieces_ = Deque<Piece>(budget);
  Buffer copied(budget);
  return copied.append(bytes) && pieces_.insert(index, {sequence, std::move(copied)});
}

bool Reassembly::insert(SeqNumber rcv_nxt, SeqNumber sequence, Bytes bytes, Budget& budget,
                        std::optional<SackBlock>& duplicate) {
  const SeqNumber end = sequence + static_cast<SeqNumber>(bytes.size());
  const auto* const behind = std::partition_point(
      pieces_.begin(), pieces_.end(), [&](const Piece& piece) { return piece.end() - rcv_nxt <= sequence - rcv_nxt; });
  auto index = static_cast<std::size_t>(behind - pieces_.begin());
  bool kept = true;
  for (SeqNumber at = sequence; at != end;) {
    if (index == pieces_.size() || seq_before(at, pieces_[index].begin)) {
      // A gap, up to the next piece or to the end.
      const SeqNumber stop = index == pieces_.size() ? end : seq_min(end, pieces_[index].begin);
      const std::size_t before = pieces_.size();
      if (!add(index, at, bytes.subspan(at - sequence, stop - at), budget)) kept = false;
      index += pieces_.size() - before;
      at = stop;
    } else {
      const SeqNumber stop = seq_min(end, pieces_[index].end());
      if (!duplicate) duplicate = SackBlock{at, stop};
      if (duplicate->right == at) duplicate->right = stop;
      at = stop;
      ++index;
    }
  }
  // The block that holds this comes first from now on; those that it swallowed, or that were delivered, go.
  InlineList<SeqNumber, 4> recent{sequence};
  for (const SeqNumber other : recent_) {
    if (!recent.contains(other)) recent.push_back(other);
  }
  recent_ = recent;
  return kept;
}

MutableBytes Reassembly::take(SeqNumber rcv_nxt) {
  while (!pieces_.empty() && wire::seq_at_most(pieces_.front().begin, rcv_nxt)) {
    const bool known = !seq_before(rcv_nxt, pieces_.front().end());  // arrived again, in order
    if (!known && !delivered_.empty()) return {};
    Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    if (pieces_.empty()) {
      pieces_.release();
      recent_ = {};
    }
    if (known) continue;
    delivered_ = std::move(piece.bytes);
    return MutableBytes(delivered_.data(), delivered_.size()).subspan(rcv_nxt - piece.begin);
  }
  return {};
}

void Reassembly::clear() {
  pieces_.release();
  recent_ = {};
}

Reassembly::Run Reassembly::run_around(std::size_t index) const {
  Run run{index, index};
  while (run.first > 0 && pieces_[run.first - 1].end() == pieces_[run.first].begin) --run.first;
  while (run.last + 1 < pieces_.size() && pieces_[run.last].end() == pieces_[run.last + 1].begin) ++run.last;
  return run;
}

void Reassembly::report(InlineList<SackBlock, 4>& blocks, std::size_t most) const {
  const std::size_t before = blocks.size();  // a D-SACK, which may equal one of these
  const auto add = [&](const Run& run) {
    const SackBlock block{pieces_[run.first].begin, pieces_[run.last].end()};
    const bool known = std::find(blocks.begin() + before, blocks.end(), block) != blocks.end();
    if (blocks.size() < most && !known) blocks.push_back(block);
  };
  if (pieces_.empty()) return;
  const SeqNumber origin = pieces_.front().begin;
  for (const SeqNumber at : recent_) {
    const auto* const behind = std::partition_point(
        pieces_.begin(), pieces_.end(), [&](const Piece& piece) { return piece.begin - origin <= at - origin; });
    if (behind == pieces_.begin()) continue;
    const auto index = static_cast<std::size_t>(behind - pieces_.begin()) - 1;
    if (seq_before(at, pieces_[index].end())) add(run_around(index));
  }
  // Run by run: many small pieces that touch each other are looked at once.
  for (std::size_t behind = pieces_.size(); behind > 0 && blocks.size() < most;) {
    const Run run = run_around(behind - 1);
    add(run);
    behind = run.first;
  }
}

bool Reassembly::restored(const LoadContext&) const {
  if (pieces_.size() > most_pieces) return false;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const Piece& piece = pieces_[i];
    if (piece.bytes.empty() || piece.bytes.size() > largest_piece) return false;
    if (i > 0 && seq_before(piece.begin, pieces_[i - 1].end())) return false;
    if (piece.end() - pieces_.front().begin > INT32_MAX / 2) return false;
  }
  return true;
}

}  // namespace limpid::tcpip::tcp
