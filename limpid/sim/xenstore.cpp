#include "limpid/sim/xenstore.hpp"

namespace limpid::sim {
namespace {

using namespace xen_netfront::xenstore;

// What stands before the first zero byte, and what behind it.
struct Parts {
  Bytes first, rest;
};
Parts split(Bytes payload) {
  const std::size_t end = as_text(payload).find('\0');
  if (end == std::string_view::npos) return {payload, {}};
  return {payload.first(end), payload.subspan(end + 1)};
}

bool is_at_or_below(Bytes path, Bytes top) {
  return path.size() >= top.size() && path.first(top.size()) == top &&
         (path.size() == top.size() || path[top.size()] == '/');
}

}  // namespace

Xenstore::Xenstore(std::uint16_t domain, Budget& budget)
    : budget_(&budget), nodes_(budget), watches_(budget), transactions_(budget), incoming_(budget), outgoing_(budget) {
  Byte room[32];
  Writer out((MutableBytes(room)));
  out.text("/local/domain/");
  out.decimal(domain);
  out.text("/");
  home_ = Path(out.written());
}

Xenstore::Path Xenstore::absolute(std::string_view path) const {
  Path whole = path.starts_with('/') ? Path() : home_;
  for (const Byte byte : as_bytes(path)) whole.push_back(byte);
  return whole;
}

bool Xenstore::set(const Path& path, Bytes value) {
  for (Node& node : nodes_) {
    if (node.path != path) continue;
    node.value = InlineBytes<64>(value);
    changed(path);
    return true;
  }
  if (!nodes_.push_back({path, InlineBytes<64>(value)})) return false;
  changed(path);
  return true;
}

bool Xenstore::write(std::string_view path, std::string_view value) { return set(absolute(path), as_bytes(value)); }

bool Xenstore::write(std::string_view path, std::uint32_t value) {
  Byte digits[10];
  Writer out((MutableBytes(digits)));
  out.decimal(value);
  return write(path, as_text(out.written()));
}

void Xenstore::remove(std::string_view path) {
  const Path top = absolute(path);
  bool found = false;
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    if (!is_at_or_below(nodes_[i].path.span(), top.span())) continue;
    std::swap(nodes_[i], nodes_.back());
    nodes_.truncate(nodes_.size() - 1);
    found = true;
  }
  if (!found) return;
  ++changes_;
  // Whoever watches something below is told, too.
  for (const Watch& watch : watches_) {
    if (is_at_or_below(watch.path.span(), top.span())) {
      fire(watch, watch.path);
    } else if (is_at_or_below(top.span(), watch.path.span())) {
      fire(watch, top);
    }
  }
}

std::optional<std::string_view> Xenstore::read(std::string_view path) const {
  const Path whole = absolute(path);
  for (const Node& node : nodes_) {
    if (node.path == whole) return as_text(node.value.span());
  }
  return {};
}

std::uint32_t Xenstore::number(std::string_view path) const {
  std::uint32_t value = 0;
  for (const char c : read(path).value_or("")) {
    if (c < '0' || c > '9') return 0;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return value;
}

void Xenstore::changed(const Path& path) {
  ++changes_;
  for (const Watch& watch : watches_) {
    if (is_at_or_below(path.span(), watch.path.span())) fire(watch, path);
  }
}

// The path as the watcher would write it: relative if it watches so.
void Xenstore::fire(const Watch& watch, const Path& path) {
  const bool relative = watch.as_given != watch.path;
  const Bytes named = Bytes(path.span()).subspan(relative ? home_.size() : 0);
  Buffer payload(*budget_);
  Writer out(payload);
  out.bytes(named);
  out.u8(0);
  out.bytes(watch.token.span());
  out.u8(0);
  answer({MessageType::watch_event, 0, 0, 0}, Bytes(payload.data(), payload.size()));
}

void Xenstore::receive(Bytes bytes) {
  if (!incoming_.append(bytes)) return;
  std::size_t at = 0;
  while (incoming_.size() - at >= header_size) {
    const Bytes rest = Bytes(incoming_.data(), incoming_.size()).subspan(at);
    const MessageHeader header = MessageHeader::parse(rest.first(header_size));
    if (header.length > rest.size() - header_size) break;
    ++messages_;
    handle(header, rest.subspan(header_size, header.length));
    at += header_size + header.length;
  }
  incoming_.erase_front(at);
}

void Xenstore::answer(const MessageHeader& header, Bytes payload) {
  Writer out(outgoing_);
  MessageHeader with_length = header;
  with_length.length = static_cast<std::uint32_t>(payload.size());
  with_length.emit(out);
  out.bytes(payload);
}

void Xenstore::fail(const MessageHeader& header, std::string_view error) {
  Byte room[32];
  Writer out((MutableBytes(room)));
  out.text(error);
  out.u8(0);
  answer({MessageType::error, header.request_id, header.transaction_id, 0}, out.written());
}

void Xenstore::handle(const MessageHeader& header, Bytes payload) {
  constexpr std::string_view done{"OK\0", 3};
  const Parts parts = split(payload);
  const std::string_view path = as_text(parts.first);
  switch (header.type) {
    case MessageType::read: {
      const auto value = read(path);
      if (!value) return fail(header, "ENOENT");
      return answer(header, as_bytes(*value));
    }
    case MessageType::directory: {
      Buffer names(*budget_);
      const Path top = absolute(path);
      for (const Node& node : nodes_) {
        if (!is_at_or_below(node.path.span(), top.span()) || node.path.size() == top.size()) continue;
        if (!names.append(Bytes(node.path.span()).subspan(top.size() + 1)) || !names.push_back(0)) return;
      }
      return answer(header, Bytes(names.data(), names.size()));
    }
    case MessageType::write: {
      if (!refused.empty() && path.ends_with(refused)) return fail(header, "EACCES");
      if (header.transaction_id == 0) {
        set(absolute(path), parts.rest);
        return answer(header, as_bytes(done));
      }
      for (Transaction& transaction : transactions_) {
        if (transaction.id != header.transaction_id) continue;
        if (!transaction.writes.push_back({absolute(path), InlineBytes<64>(parts.rest)})) return fail(header, "ENOMEM");
        return answer(header, as_bytes(done));
      }
      return fail(header, "ENOENT");
    }
    case MessageType::mkdir:
      set(absolute(path), {});
      return answer(header, as_bytes(done));
    case MessageType::rm:
      if (!read(path)) return fail(header, "ENOENT");
      remove(path);
      return answer(header, as_bytes(done));
    case MessageType::watch: {
      const Watch watch{absolute(path), Path(parts.first), InlineBytes<16>(split(parts.rest).first)};
      if (!watches_.push_back(watch)) return fail(header, "ENOMEM");
      answer(header, as_bytes(done));
      return fire(watch, watch.path);
    }
    case MessageType::unwatch: {
      const Path whole = absolute(path);
      const InlineBytes<16> token(split(parts.rest).first);
      for (Watch& watch : watches_) {
        if (watch.path != whole || watch.token != token) continue;
        std::swap(watch, watches_.back());
        watches_.truncate(watches_.size() - 1);
        return answer(header, as_bytes(done));
      }
      return fail(header, "ENOENT");
    }
    case MessageType::transaction_start:
      return start(header);
    case MessageType::transaction_end:
      return end(header, path == "T");
    default:
      return fail(header, "ENOSYS");
  }
}

void Xenstore::start(const MessageHeader& header) {
  Transaction transaction{++last_transaction_, changes_, Vec<Node>(*budget_)};
  if (!transactions_.push_back(std::move(transaction))) return fail(header, "ENOMEM");
  Byte room[16];
  Writer out((MutableBytes(room)));
  out.decimal(last_transaction_);
  out.u8(0);
  answer(header, out.written());
}

void Xenstore::end(const MessageHeader& header, bool commit) {
  for (Transaction& found : transactions_) {
    if (found.id != header.transaction_id) continue;
    const Transaction transaction = std::move(found);
    found = std::move(transactions_.back());
    transactions_.truncate(transactions_.size() - 1);
    if (commit && (conflicts > 0 || transaction.began != changes_)) {
      if (conflicts > 0) --conflicts;
      return fail(header, "EAGAIN");
    }
    constexpr std::string_view done{"OK\0", 3};
    answer(header, as_bytes(done));
    if (!commit) return;
    for (const Node& node : transaction.writes) set(node.path, node.value.span());
    return;
  }
  fail(header, "ENOENT");
}

}  // namespace limpid::sim
