// A model of xenstore: a store of paths, with watches and transactions, one guest that speaks its wire format, and
// whoever else calls its methods.
#pragma once

#include "limpid/core/inline_list.hpp"
#include "limpid/core/vec.hpp"
#include "limpid/xen_netfront/protocol/xenstore_message.hpp"

namespace limpid::sim {

class Xenstore {
 public:
  // The guest's relative paths lie below /local/domain/DOMAIN/. The budget outlives the store.
  Xenstore(std::uint16_t domain, Budget& budget);

  // The toolstack and the backends. False if the budget refuses or something is too long.
  bool write(std::string_view path, std::string_view value);
  bool write(std::string_view path, std::uint32_t value);
  void remove(std::string_view path);  // with everything below
  std::optional<std::string_view> read(std::string_view path) const;
  std::uint32_t number(std::string_view path) const;  // 0 if it is not there or none
  std::uint64_t changes() const { return changes_; }  // so many were made: grows

  // The guest.
  void receive(Bytes bytes);
  Bytes outgoing() const { return Bytes(outgoing_.data(), outgoing_.size()); }
  void taken(std::size_t count) { outgoing_.erase_front(count); }

  std::uint32_t conflicts = 0;  // so many transactions that end now are told that they met another
  std::string_view refused{};   // writing to what ends with this is answered EACCES; empty: nothing is
  std::uint64_t messages() const { return messages_; }  // that the guest sent
  std::size_t open_transactions() const { return transactions_.size(); }

 private:
  using Path = InlineBytes<96>;
  struct Node {
    Path path;
    InlineBytes<64> value;
  };
  struct Watch {
    Path path;
    Path as_given;
    InlineBytes<16> token;
  };
  struct Transaction {
    std::uint32_t id = 0;
    std::uint64_t began = 0;  // changes() then
    Vec<Node> writes;
  };

  Path absolute(std::string_view path) const;
  bool set(const Path& path, Bytes value);
  void changed(const Path& path);
  void fire(const Watch& watch, const Path& path);
  void handle(const xen_netfront::xenstore::MessageHeader& header, Bytes payload);
  void answer(const xen_netfront::xenstore::MessageHeader& header, Bytes payload);
  void fail(const xen_netfront::xenstore::MessageHeader& header, std::string_view error);
  void start(const xen_netfront::xenstore::MessageHeader& header);
  void end(const xen_netfront::xenstore::MessageHeader& header, bool commit);

  Budget* budget_;
  Path home_;
  Vec<Node> nodes_;
  Vec<Watch> watches_;
  Vec<Transaction> transactions_;
  std::uint32_t last_transaction_ = 0;
  std::uint64_t changes_ = 0;
  std::uint64_t messages_ = 0;
  Buffer incoming_, outgoing_;
};

}  // namespace limpid::sim
