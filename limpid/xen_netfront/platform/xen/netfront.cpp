#include "limpid/xen_netfront/platform/xen/netfront.hpp"

#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/xen/abi.hpp"
#include "limpid/xen_netfront/platform/xen/clock.hpp"
#include "limpid/xen_netfront/platform/xen/grant_table.hpp"

namespace limpid::xen_netfront::platform {
namespace {

// Zeros at boot, and nothing else ever lies in them: the backend sees whole pages.
alignas(page_size) Byte pool[Device::most_pages][page_size];
static_assert(first_free_reference + Device::most_pages <= grant_references);

// A batch of responses is a page each at most, behind what came of a packet before them.
constexpr std::size_t batch = 32;
constexpr std::size_t frame_bytes = batch * page_size + Device::largest_frame;
Byte frames[frame_bytes];
FrameReceived frames_there[batch];

Device::Action actions[32];
static_assert(std::size(actions) >= Device::least_room.actions);
Byte room_bytes[Device::least_room.bytes];

// xen/io/ring.h: the indices at the front of a ring's page.
struct RingIndices {
  std::uint32_t request_producer, request_event, response_producer, response_event;
};
RingIndices& indices(std::uint16_t page) { return *reinterpret_cast<RingIndices*>(pool[page]); }

template <std::size_t N>
Byte* slot(std::uint16_t page, std::uint32_t index) {
  return pool[page] + slot_offset(index, N);
}

// Puts slots into a ring's page and publishes them. Whether the backend wants to hear of it.
template <std::size_t ring_slot_size, class Slots>
bool push_slots(std::uint16_t page, std::uint32_t first, const Slots& slots) {
  std::uint32_t index = first;
  for (const auto& content : slots) copy(content, {slot<ring_slot_size>(page, index++), ring_slot_size});
  RingIndices& ring = indices(page);
  barrier();
  write_once(ring.request_producer, index);
  full_barrier();
  return must_notify(first, index, read_once(ring.request_event));
}

// The responses from `first` on, each copied once.
template <std::size_t ring_slot_size, class Slot, class Responses>
Responses read_slots(std::uint16_t page, std::uint32_t first, std::size_t most) {
  Responses responses;
  responses.producer = read_once(indices(page).response_producer);
  responses.first = first;
  barrier();
  const std::size_t there = std::min<std::size_t>(responses.producer - first, most);
  for (std::uint32_t i = 0; i < there; ++i) {
    Slot content{};
    copy(Bytes(slot<ring_slot_size>(page, first + i), content.size()), content);
    responses.slots.push_back(content);
  }
  return responses;
}

// Asks to hear of the next response. True if it came meanwhile.
bool ask_for_next(std::uint16_t page, std::uint32_t consumer) {
  RingIndices& ring = indices(page);
  write_once(ring.response_event, consumer + 1);
  full_barrier();
  return read_once(ring.response_producer) != consumer;
}

}  // namespace

void Netfront::step(Time now, const Device::Event& event) {
  advance(now, event);
  for (std::size_t i = 0; i < answers_held_; ++i) {
    std::visit([&](const auto& answer) { advance(now, answer); }, answers_[i]);
  }
  answers_held_ = 0;
}

void Netfront::advance(Time now, const Device::Event& event) {
  const Room<Device::Action> room{room_bytes, actions, budget_};
  const Device::Event tick = Tick{};
  for (const Device::Event* next = &event;;) {
    const auto progress = Device::advance(config_, device_, now, *next, room);
    for (const auto& action : progress.actions) carry_out(now, action);
    if (!progress.more) return;
    if (progress.consumed > 0) next = &tick;
  }
}

void Netfront::carry_out(Time now, const Device::Action& action) {
  std::visit([&](const auto& what) { act(now, what); }, action);
}

bool Netfront::serve(Time now) {
  frames_held_ = frames_taken_ = frames_end_ = 0;
  const bool transmitted = read_transmit_ring(now);
  return read_receive_ring(now) || transmitted;
}

bool Netfront::read_transmit_ring(Time now) {
  if (!device_.rings_open()) return false;
  const std::uint32_t consumer = device_.transmit_consumer();
  const auto responses = read_slots<netif::transmit_slot_size, netif::TransmitResponseSlot, TransmitResponses>(
      transmit_page_, consumer, most_responses);
  if (responses.producer == consumer) return false;
  stalled_ = false;
  step(now, responses);
  return true;
}

bool Netfront::read_receive_ring(Time now) {
  if (!device_.rings_open()) return false;
  const std::uint32_t consumer = device_.receive_consumer();
  const auto responses = read_slots<netif::receive_slot_size, netif::ReceiveResponseSlot, ReceiveResponses>(
      receive_page_, consumer, batch);
  if (responses.producer == consumer) return false;
  step(now, responses);
  return true;
}

bool Netfront::ask_for_more() {
  const bool transmit = device_.awaits_transmit() && ask_for_next(transmit_page_, device_.transmit_consumer());
  const bool receive = device_.awaits_receive() && ask_for_next(receive_page_, device_.receive_consumer());
  return !transmit && !receive;
}

std::optional<FrameReceived> Netfront::next_frame() {
  if (frames_taken_ == frames_held_) return {};
  return frames_there[frames_taken_++];
}

void Netfront::transmit(Time now, const Transmit& frame) {
  if (device_.connected() && !device_.can_transmit()) make_room(now);
  step(now, frame);
}

// What a host says at once may be more than the ring takes. A backend that is alive responds soon; one that does not is
// waited for only once.
void Netfront::make_room(Time now) {
  constexpr Duration patience = milliseconds(100);
  notify_backend();
  const Instant until = platform::now().monotonic + patience;
  while (device_.connected() && !device_.can_transmit()) {
    if (read_transmit_ring(now) || ask_for_next(transmit_page_, device_.transmit_consumer())) continue;
    if (stalled_ || until <= platform::now().monotonic) {
      stalled_ = true;
      return;
    }
    const Port port[] = {*device_.port()};
    wait_for_events(port, until);
    take_pending(port[0]);  // wait_for_events() of whoever waits next follows a look at both rings
  }
}

void Netfront::notify_backend() {
  if (std::exchange(must_notify_, false) && device_.port()) notify(*device_.port());
}

void Netfront::act(Time, const PushTransmit& push) {
  for_each_copy(push, [](std::uint16_t page, std::size_t offset, Bytes bytes) {
    copy(bytes, MutableBytes(pool[page]).subspan(offset));
  });
  must_notify_ |= push_slots<netif::transmit_slot_size>(transmit_page_, push.first, push.slots);
}

void Netfront::act(Time, const PushReceive& push) {
  must_notify_ |= push_slots<netif::receive_slot_size>(receive_page_, push.first, push.slots);
}

void Netfront::act(Time, const FrameArrived& frame) {
  const MutableBytes there = MutableBytes(frames).subspan(frames_end_);
  std::size_t size = 0;
  for (const auto& piece : frame.pieces) {
    copy(Bytes(pool[piece.page]).subspan(piece.offset, piece.size), there.subspan(size));
    size += piece.size;
  }
  frames_there[frames_held_++] = {there.first(size), frame.offload};
  frames_end_ += size;
}

void Netfront::act(Time, const ResetRings& rings) {
  transmit_page_ = rings.transmit_page;
  receive_page_ = rings.receive_page;
  for (const std::uint16_t page : {transmit_page_, receive_page_}) {
    std::memset(pool[page], 0, page_size);
    indices(page) = {.request_producer = 0, .request_event = 1, .response_producer = 0, .response_event = 1};
  }
}

void Netfront::act(Time, const Grant& wanted) {
  grant(wanted.reference, wanted.domain, pool[wanted.page], wanted.read_only);
}

void Netfront::act(Time, const Revoke& revoke) {
  answers_[answers_held_++] = Revoked{revoke.page, end_grant(revoke.reference)};
}

void Netfront::act(Time, const AllocatePort& allocate) {
  const auto port = allocate_port(allocate.domain);
  answers_[answers_held_++] = PortAllocated{port.has_value(), port.value_or(0)};
}

void Netfront::act(Time, const ClosePort& close) { close_port(close.port); }

void Netfront::act(Time, const Report& report) { print_line("network: ", describe(report.fact)); }

void Netfront::act(Time, const LinkChanged& link) { link_change_ = link.up; }

}  // namespace limpid::xen_netfront::platform
