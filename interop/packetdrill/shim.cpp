// packetdrill.so: `packetdrill --so_filename=packetdrill.so` loads it and drives a limpid host through socket calls and
// IP packets, in virtual time.
#include <sys/ioctl.h>

#include <cerrno>
#include <cstdarg>

#include "interop/packetdrill/interface.hpp"
#include "interop/packetdrill/stack.hpp"

namespace limpid::packetdrill {
namespace {

Stack& stack_of(void* userdata) { return *static_cast<Stack*>(userdata); }

// -errno to the convention of the C library.
template <class Result>
Result told(Result result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

template <class Call>
auto with(void* userdata, Call&& call) {
  Stack& stack = stack_of(userdata);
  Stack::Lock lock(stack.mutex);
  return told(call(stack, lock));
}

MutableBytes bytes(void* memory, std::size_t size) { return {static_cast<Byte*>(memory), size}; }
Bytes bytes(const void* memory, std::size_t size) { return {static_cast<const Byte*>(memory), size}; }

void free_stack(void* userdata) { delete static_cast<Stack*>(userdata); }

int socket_call(void* userdata, int domain, int type, int) {
  return with(userdata, [&](Stack& stack, Stack::Lock&) {
    return domain != AF_INET || type != SOCK_STREAM ? -EAFNOSUPPORT : stack.socket();
  });
}
int bind_call(void* userdata, int fd, const sockaddr* address, socklen_t) {
  return with(userdata, [&](Stack& stack, Stack::Lock&) { return stack.bind(fd, address); });
}
int listen_call(void* userdata, int fd, int backlog) {
  return with(userdata, [&](Stack& stack, Stack::Lock&) { return stack.listen(fd, backlog); });
}
int accept_call(void* userdata, int fd, sockaddr* address, socklen_t* size) {
  return with(userdata, [&](Stack& stack, Stack::Lock& lock) { return stack.accept(lock, fd, address, size); });
}
int connect_call(void* userdata, int fd, const sockaddr* address, socklen_t) {
  return with(userdata, [&](Stack& stack, Stack::Lock& lock) { return stack.connect(lock, fd, address); });
}

ssize_t recv_call(void* userdata, int fd, void* to, std::size_t size, int flags) {
  return with(userdata, [&](Stack& stack, Stack::Lock& lock) { return stack.read(lock, fd, bytes(to, size), flags); });
}
ssize_t read_call(void* userdata, int fd, void* to, std::size_t size) { return recv_call(userdata, fd, to, size, 0); }
ssize_t recvfrom_call(void* userdata, int fd, void* to, std::size_t size, int flags, sockaddr*, socklen_t*) {
  return recv_call(userdata, fd, to, size, flags);
}
ssize_t scattered_read(void* userdata, int fd, const iovec* pieces, std::size_t count, int flags) {
  ssize_t all = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const ssize_t n =
        recv_call(userdata, fd, pieces[i].iov_base, pieces[i].iov_len, all > 0 ? flags | MSG_DONTWAIT : flags);
    if (n < 0) return all > 0 ? all : n;
    all += n;
    if (static_cast<std::size_t>(n) < pieces[i].iov_len) break;
  }
  return all;
}
ssize_t readv_call(void* userdata, int fd, const iovec* pieces, int count) {
  return scattered_read(userdata, fd, pieces, static_cast<std::size_t>(count), 0);
}
ssize_t recvmsg_call(void* userdata, int fd, msghdr* message, int flags) {
  message->msg_controllen = 0;
  message->msg_flags = 0;
  return scattered_read(userdata, fd, message->msg_iov, message->msg_iovlen, flags);
}

ssize_t send_call(void* userdata, int fd, const void* from, std::size_t size, int flags) {
  return with(userdata,
              [&](Stack& stack, Stack::Lock& lock) { return stack.write(lock, fd, bytes(from, size), flags); });
}
ssize_t write_call(void* userdata, int fd, const void* from, std::size_t size) {
  return send_call(userdata, fd, from, size, 0);
}
ssize_t sendto_call(void* userdata, int fd, const void* from, std::size_t size, int flags, const sockaddr*, socklen_t) {
  return send_call(userdata, fd, from, size, flags);
}
ssize_t gathered_write(void* userdata, int fd, const iovec* pieces, std::size_t count, int flags) {
  std::vector<Byte> joined;
  for (std::size_t i = 0; i < count; ++i) {
    const Bytes piece = bytes(static_cast<const void*>(pieces[i].iov_base), pieces[i].iov_len);
    joined.insert(joined.end(), piece.begin(), piece.end());
  }
  return send_call(userdata, fd, joined.data(), joined.size(), flags);
}
ssize_t writev_call(void* userdata, int fd, const iovec* pieces, int count) {
  return gathered_write(userdata, fd, pieces, static_cast<std::size_t>(count), 0);
}
ssize_t sendmsg_call(void* userdata, int fd, const msghdr* message, int flags) {
  return gathered_write(userdata, fd, message->msg_iov, message->msg_iovlen, flags);
}

int fcntl_call(void* userdata, int fd, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  const long argument = va_arg(arguments, long);
  va_end(arguments);
  return with(userdata, [&](Stack& stack, Stack::Lock&) { return stack.control(fd, command, argument); });
}
int ioctl_call(void* userdata, int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  int* result = va_arg(arguments, int*);
  va_end(arguments);
  return with(userdata, [&](Stack& stack, Stack::Lock&) {
    if (request != FIONREAD) return -EINVAL;
    *result = stack.readable_bytes(fd);
    return std::min(*result, 0);
  });
}
int close_call(void* userdata, int fd) {
  return with(userdata, [&](Stack& stack, Stack::Lock&) { return stack.close(fd); });
}
int shutdown_call(void* userdata, int fd, int how) {
  return with(userdata, [&](Stack& stack, Stack::Lock&) { return stack.shutdown(fd, how); });
}
int getsockopt_call(void* userdata, int fd, int level, int name, void* value, socklen_t* size) {
  return with(userdata, [&](Stack& stack, Stack::Lock&) { return stack.get_option(fd, level, name, value, size); });
}
int setsockopt_call(void* userdata, int fd, int level, int name, const void* value, socklen_t size) {
  return with(userdata, [&](Stack& stack, Stack::Lock&) { return stack.set_option(fd, level, name, value, size); });
}
int poll_call(void* userdata, pollfd* fds, nfds_t count, int timeout) {
  return with(userdata, [&](Stack& stack, Stack::Lock& lock) { return stack.poll(lock, fds, count, timeout); });
}

int netdev_send_call(void* userdata, const void* packet, std::size_t size) {
  return with(userdata, [&](Stack& stack, Stack::Lock& lock) { return stack.packet_in(lock, bytes(packet, size)), 0; });
}
int netdev_receive_call(void* userdata, void* to, std::size_t* size, long long* usec) {
  return with(userdata, [&](Stack& stack, Stack::Lock& lock) {
    const auto packet = stack.packet_out(lock);
    const std::size_t most = *size;
    *size = 0;
    if (!packet) return 0;
    if (packet->bytes.size() > most) return -EMSGSIZE;
    *size = copy(packet->bytes, bytes(to, most)).size();
    *usec = packet->usec;
    return 0;
  });
}
int usleep_call(void* userdata, useconds_t usec) {
  return with(userdata, [&](Stack& stack, Stack::Lock& lock) { return stack.sleep(lock, usec), 0; });
}
int gettimeofday_call(void* userdata, timeval* tv, struct timezone*) {
  return with(userdata, [&](Stack& stack, Stack::Lock&) {
    const long long usec = stack.now_usec();
    tv->tv_sec = usec / 1'000'000;
    tv->tv_usec = usec % 1'000'000;
    return 0;
  });
}

// Not there: scripts that need these are excluded by name.
int epoll_create_call(void*, int) { return told(-ENOSYS); }
int epoll_ctl_call(void*, int, int, int, epoll_event*) { return told(-ENOSYS); }
int epoll_wait_call(void*, int, epoll_event*, int, int) { return told(-ENOSYS); }
int pipe_call(void*, int*) { return told(-ENOSYS); }
int splice_call(void*, int, loff_t*, int, loff_t*, std::size_t, unsigned) { return told(-ENOSYS); }

}  // namespace
}  // namespace limpid::packetdrill

extern "C" __attribute__((visibility("default"))) void packetdrill_interface_init(const char* flags,
                                                                                  limpid::packetdrill::Table* table) {
  using namespace limpid::packetdrill;
  *table = {new Stack(flags == nullptr ? "" : flags),
            free_stack,
            socket_call,
            bind_call,
            listen_call,
            accept_call,
            connect_call,
            read_call,
            readv_call,
            recv_call,
            recvfrom_call,
            recvmsg_call,
            write_call,
            writev_call,
            send_call,
            sendto_call,
            sendmsg_call,
            fcntl_call,
            ioctl_call,
            close_call,
            shutdown_call,
            getsockopt_call,
            setsockopt_call,
            poll_call,
            netdev_send_call,
            netdev_receive_call,
            usleep_call,
            gettimeofday_call,
            epoll_create_call,
            epoll_ctl_call,
            epoll_wait_call,
            pipe_call,
            splice_call};
}
