// A host in virtual time below socket calls. Time goes on only where packetdrill sleeps or waits for a packet.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "limpid/tcpip/host/host.hpp"

namespace limpid::packetdrill {

struct Socket {
  enum class Kind { fresh, listener, stream };
  Kind kind = Kind::fresh;
  std::uint16_t port = 0;
  bool nonblocking = false;
  int backlog = 0;
  tcpip::ConnectionId id{};
  stream::Endpoint remote{};
  bool established = false, peer_finished = false, closed = false, finished = false, writable = true;
  int error = 0;            // pending, as SO_ERROR tells
  std::deque<int> waiting;  // descriptors of connections that were not accepted yet
  std::vector<Byte> received;
};

struct Packet {
  std::vector<Byte> bytes;  // from the IP header on
  long long usec = 0;
};

class Stack {
 public:
  // The local address and what else differs from the configuration: "ip=192.0.2.2,..."
  explicit Stack(const std::string& flags);

  // Socket calls: what the system call of the name returns, or -errno. `lock` is given back while one blocks.
  using Lock = std::unique_lock<std::mutex>;
  int socket();
  int bind(int fd, const sockaddr* address);
  int listen(int fd, int backlog);
  int accept(Lock& lock, int fd, sockaddr* address, socklen_t* size);
  int connect(Lock& lock, int fd, const sockaddr* address);
  ssize_t read(Lock& lock, int fd, MutableBytes to, int flags);
  ssize_t write(Lock& lock, int fd, Bytes from, int flags);
  int close(int fd);
  int shutdown(int fd, int how);
  int get_option(int fd, int level, int name, void* value, socklen_t* size);
  int set_option(int fd, int level, int name, const void* value, socklen_t size);
  int control(int fd, int command, long argument);
  int poll(Lock& lock, pollfd* fds, nfds_t count, int timeout);
  int readable_bytes(int fd);

  void packet_in(Lock& lock, Bytes packet);
  std::optional<Packet> packet_out(Lock& lock);
  void sleep(Lock& lock, long long usec);
  long long now_usec() { return ++now_.microseconds; }  // packetdrill spins until the time is there

  std::mutex mutex;

 private:
  using Action = tcpip::Host::Action;

  static int new_descriptor();
  Socket* find(int fd);
  Socket* find(tcpip::ConnectionId id);
  void start();
  void tell(tcpip::Host::Event event);
  void flush();
  void note(const Action& action);
  void transmit(const Transmit& frame);
  void answer_arp(Bytes frame);
  // To the next deadline that is not behind `stop`; false if there is none.
  bool run_to(Instant stop);
  // Wakes calls that block, and waits until those that can go on have gone.
  void wake(Lock& lock);
  template <class Ready>
  void block(Lock& lock, Ready&& ready);
  short ready_for(const Socket& socket) const;
  tcpip::Host::Context context() { return {config_, {now_, {1'700'000'000}}, budget_}; }

  tcpip::Host::Config config_;
  Budget budget_{1 << 28};
  std::optional<tcpip::Host> host_;
  Instant now_{1'000'000'000};
  std::optional<Instant> deadline_;
  std::vector<Byte> room_ = std::vector<Byte>(1 << 18);
  std::vector<Action> slots_ = std::vector<Action>(64);
  std::deque<Packet> out_;
  std::deque<std::vector<Byte>> to_host_;  // what the link's other end answers
  std::map<int, Socket> sockets_;
  std::condition_variable changed_;
  int blocked_ = 0;
};

}  // namespace limpid::packetdrill
