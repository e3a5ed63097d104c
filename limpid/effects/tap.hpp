// A tap device: the kernel's end of it is a network interface, ours reads and writes its frames. Frames of up to 64 KiB
// (TCP superframes) pass both ways with their checksums unfinished, as a good network card would take them.
#pragma once

#include <string>
#include <vector>

#include "limpid/core/frame.hpp"
#include "limpid/effects/descriptor.hpp"
#include "limpid/effects/failure.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::effects {

class Tap {
 public:
  // So much is read at once at most: virtio's header is not part of it.
  static constexpr std::size_t largest_frame = 65536 + 14;

  // Opens the device of this name, and makes it if there is none; what we made goes when we close it. It is the
  // business of whoever configures the kernel's end to give that an address and to bring it up.
  static Result<Tap> open(const std::string& name);
  // The same with `n` queues, each a Tap, of which the first one tells of the link. With more than one, nobody else may
  // have any.
  static Result<std::vector<Tap>> open_queues(const std::string& name, unsigned n);
  // One that came from another process.
  static Result<Tap> adopt(Descriptor device);

  int descriptor() const { return device_.get(); }
  const std::string& name() const { return name_; }

  enum class Read : std::uint8_t { frame, nothing, gone };
  // The next frame, if one is waiting, into `room`, which must hold the largest. Never blocks. `gone`: the device was
  // deleted.
  Read read(MutableBytes room, FrameReceived& received);
  // Whether it was taken. What was not is lost, as on any wire: the device is down, or its queue is full.
  bool write(const Transmit& frame);

  // Whether the kernel's end is up.
  bool is_up() const;
  // Readable when that may have changed; then link_changed() must be called, which tells whether it may have.
  int link_descriptor() const { return link_news_.get(); }
  bool link_changed();

 private:
  Tap(Descriptor device, std::string name) : device_(std::move(device)), name_(std::move(name)) {}
  static Result<Tap> open_one(const std::string& name, bool of_several);
  static Result<Tap> set_up(Descriptor device, std::string name);

  Descriptor device_;
  std::string name_;
  Descriptor control_;    // any socket: the kernel wants one to be asked about interfaces
  Descriptor link_news_;  // rtnetlink
};

// The largest IP packet that the kernel's end takes; 1500 if there is no such device, or it cannot be told.
std::uint16_t tap_mtu(const std::string& tap_name);

// An address for our end of the link, always the same for the same device and host, locally administered.
tcpip::MacAddress mac_address_for(const std::string& tap_name);

}  // namespace limpid::effects
