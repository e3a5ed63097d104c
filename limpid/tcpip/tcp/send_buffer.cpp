#include "limpid/tcpip/tcp/send_buffer.hpp"

namespace limpid::tcpip::tcp {

using wire::SeqNumber;

std::size_t SendBuffer::room() const {
  std::size_t room = 0;
  for (const Chunk& chunk : chunks_) room += chunk.room;
  return room;
}

std::size_t SendBuffer::writable(std::uint32_t limit) const {
  const std::size_t taken = room();
  return tail_room() + (taken < limit ? limit - taken : 0);
}

// Room for one more chunk here, and for all of them in `lent_`: what is acknowledged while a device still reads it goes
// there, and that must not fail.
bool SendBuffer::make_slot(Budget& budget) {
  if (lent_.empty() && chunks_.empty()) {
    chunks_ = Deque<Chunk>(budget);
    lent_ = Deque<Chunk>(budget);
  }
  const std::size_t chunks = chunks_.size() + 1;
  return lent_.reserve(lent_.size() + chunks) && chunks_.reserve(chunks);
}

void SendBuffer::append(Buffer bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  const auto capacity = static_cast<std::uint32_t>(bytes.capacity());
  (void)chunks_.push_back({end_, next_id_++, capacity, std::move(bytes)});  // there is a slot
  end_ += size;
}

std::size_t SendBuffer::write(Bytes bytes, std::uint32_t limit, Budget& budget) {
  std::size_t taken = 0;
  if (const std::size_t n = std::min(tail_room(), bytes.size()); n > 0) {
    (void)chunks_.back().bytes.append(bytes.first(n));  // within its capacity
    end_ += static_cast<SeqNumber>(n);
    taken = n;
  }
  while (taken < bytes.size()) {
    const std::size_t left = std::min(writable(limit), bytes.size() - taken);
    if (left == 0) break;
    const std::size_t n = std::min(left, largest_chunk);
    Buffer chunk(budget);
    if (!make_slot(budget) || !chunk.reserve(std::max(n, smallest_chunk))) break;
    (void)chunk.append(bytes.subspan(taken, n));  // within its capacity
    append(std::move(chunk));
    taken += n;
  }
  return taken;
}

MutableBytes SendBuffer::reserve(std::size_t n, std::uint32_t limit, Budget& budget) {
  reserved_ = 0;
  const std::size_t taken = room();
  const std::size_t fresh = taken < limit ? limit - taken : 0;
  // Wherever there is more in one piece.
  if (tail_room() >= std::min(n, fresh)) {
    spare_.release();
    reserved_ = std::min(n, tail_room());
    return reserved_ == 0 ? MutableBytes{} : chunks_.back().bytes.spare().first(reserved_);
  }
  // Whoever has much to send gets chunks that several of his pieces fit in.
  std::size_t capacity = std::min(std::max(n, smallest_chunk), largest_chunk);
  if (size() >= largest_chunk / 2) capacity = largest_chunk;
  capacity = std::min(capacity, fresh);
  if (!make_slot(budget)) return {};
  if (spare_.capacity() < capacity) {
    spare_ = Buffer(budget);
    if (!spare_.reserve(capacity)) return {};
  }
  reserved_ = std::min(n, capacity);
  return spare_.spare().first(reserved_);
}

void SendBuffer::commit(std::size_t n, Budget& budget) {
  n = std::min(n, std::exchange(reserved_, 0));
  if (spare_.capacity() == 0) {
    if (n == 0) return;
    chunks_.back().bytes.adopt(n);
    end_ += static_cast<SeqNumber>(n);
    return;
  }
  Buffer chunk = std::move(spare_);
  if (n == 0) return;
  chunk.adopt(n);
  if (n < chunk.capacity() / 4) {
    // Little of much: the rest had better not be held until this is acknowledged.
    Buffer exact(budget);
    if (exact.reserve(n) && exact.append(chunk)) chunk = std::move(exact);
  }
  append(std::move(chunk));
}

void SendBuffer::forget_reserved() {
  reserved_ = 0;
  spare_.release();
}

std::size_t SendBuffer::find(SeqNumber at) const {
  const SeqNumber origin = chunks_.front().begin;
  const auto* behind = std::partition_point(chunks_.begin(), chunks_.end(),
                                            [&](const Chunk& chunk) { return chunk.begin - origin <= at - origin; });
  return static_cast<std::size_t>(behind - chunks_.begin()) - 1;
}

std::size_t SendBuffer::gather(SeqNumber from, std::size_t size, InlineList<Bytes, Emit::most_pieces>& pieces,
                               Pin& pin) const {
  if (size == 0) return 0;
  std::size_t gathered = 0;
  std::size_t at = find(from);
  pin.first = chunks_[at].id;
  for (; gathered < size && at < chunks_.size(); ++at) {
    const Chunk& chunk = chunks_[at];
    const std::size_t skipped = from + static_cast<SeqNumber>(gathered) - chunk.begin;
    const std::size_t n = std::min<std::size_t>(chunk.size() - skipped, size - gathered);
    if (!pieces.push_back(Bytes(chunk.bytes.data() + skipped, n))) break;
    gathered += n;
    ++pin.count;
  }
  return gathered;
}

void SendBuffer::pin(const Pin& pin) {
  for (std::size_t i = 0; i < pin.count; ++i) ++chunks_[pin.first - chunks_.front().id + i].pins;
}

void SendBuffer::unpin(const Pin& pin) {
  for (std::uint32_t i = 0; i < pin.count; ++i) {
    const std::uint32_t id = pin.first + i;
    if (!chunks_.empty() && id - chunks_.front().id < chunks_.size()) {
      // None of ours is pinned less than no time: the state may have been loaded since.
      if (Chunk& chunk = chunks_[id - chunks_.front().id]; chunk.pins > 0) --chunk.pins;
      continue;
    }
    for (std::size_t k = 0; k < lent_.size(); ++k) {
      if (lent_[k].id != id) continue;
      if (--lent_[k].pins == 0) lent_.erase(k, 1);
      break;
    }
  }
  if (lent_.empty() && chunks_.empty()) lent_.release();
}

bool SendBuffer::lent() const {
  return !lent_.empty() || std::any_of(chunks_.begin(), chunks_.end(), [](const Chunk& c) { return c.pins > 0; });
}

void SendBuffer::drop_front() {
  if (chunks_.front().pins > 0) (void)lent_.push_back(std::move(chunks_.front()));  // room was set aside
  chunks_.pop_front();
}

void SendBuffer::acknowledge(SeqNumber una) {
  begin_ = una;
  while (!chunks_.empty() && wire::seq_at_most(chunks_.front().begin + chunks_.front().size(), una)) drop_front();
  if (!chunks_.empty()) return;
  chunks_.release();
  if (lent_.empty()) lent_.release();
}

void SendBuffer::retire() {
  forget_reserved();
  acknowledge(end_);
}

bool SendBuffer::restored(const LoadContext& context) {
  SeqNumber at = chunks_.empty() ? begin_ : chunks_.front().begin;
  if (end_ - begin_ > INT32_MAX / 2 || wire::seq_after(at, begin_)) return false;
  std::uint32_t id = next_id_ - static_cast<std::uint32_t>(chunks_.size());
  for (Chunk& chunk : chunks_) {
    if (chunk.begin != at || chunk.id != id++ || chunk.bytes.empty() || chunk.room < chunk.size() ||
        chunk.room > largest_chunk || !chunk.bytes.reserve(chunk.room)) {
      return false;
    }
    at += chunk.size();
  }
  if (at != end_ || (!chunks_.empty() && begin_ - chunks_.front().begin >= chunks_.front().size())) return false;
  lent_ = Deque<Chunk>(context.budget);
  return chunks_.empty() || lent_.reserve(chunks_.size());
}

}  // namespace limpid::tcpip::tcp
