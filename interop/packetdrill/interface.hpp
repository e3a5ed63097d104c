// The binary interface that packetdrill asks of a stack in a shared object (its packetdrill.h): it calls
// packetdrill_interface_init and gets a table of functions, each of which is handed `userdata` first.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <cstddef>

namespace limpid::packetdrill {

struct Table {
  void* userdata;
  void (*free)(void*);
  int (*socket)(void*, int domain, int type, int protocol);
  int (*bind)(void*, int fd, const sockaddr*, socklen_t);
  int (*listen)(void*, int fd, int backlog);
  int (*accept)(void*, int fd, sockaddr*, socklen_t*);
  int (*connect)(void*, int fd, const sockaddr*, socklen_t);
  ssize_t (*read)(void*, int fd, void*, std::size_t);
  ssize_t (*readv)(void*, int fd, const iovec*, int);
  ssize_t (*recv)(void*, int fd, void*, std::size_t, int flags);
  ssize_t (*recvfrom)(void*, int fd, void*, std::size_t, int flags, sockaddr*, socklen_t*);
  ssize_t (*recvmsg)(void*, int fd, msghdr*, int flags);
  ssize_t (*write)(void*, int fd, const void*, std::size_t);
  ssize_t (*writev)(void*, int fd, const iovec*, int);
  ssize_t (*send)(void*, int fd, const void*, std::size_t, int flags);
  ssize_t (*sendto)(void*, int fd, const void*, std::size_t, int flags, const sockaddr*, socklen_t);
  ssize_t (*sendmsg)(void*, int fd, const msghdr*, int flags);
  int (*fcntl)(void*, int fd, int command, ...);
  int (*ioctl)(void*, int fd, unsigned long request, ...);
  int (*close)(void*, int fd);
  int (*shutdown)(void*, int fd, int how);
  int (*getsockopt)(void*, int fd, int level, int name, void*, socklen_t*);
  int (*setsockopt)(void*, int fd, int level, int name, const void*, socklen_t);
  int (*poll)(void*, pollfd*, nfds_t, int timeout);
  int (*netdev_send)(void*, const void*, std::size_t);                      // an IP packet to the stack
  int (*netdev_receive)(void*, void*, std::size_t* size, long long* usec);  // the next one out; size 0: there is none
  int (*usleep)(void*, useconds_t);
  int (*gettimeofday)(void*, timeval*, struct timezone*);
  int (*epoll_create)(void*, int size);
  int (*epoll_ctl)(void*, int epoll, int operation, int fd, epoll_event*);
  int (*epoll_wait)(void*, int epoll, epoll_event*, int most, int timeout);
  int (*pipe)(void*, int fds[2]);
  int (*splice)(void*, int in, loff_t*, int out, loff_t*, std::size_t, unsigned flags);
};

}  // namespace limpid::packetdrill
