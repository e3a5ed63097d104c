#include "limpid/sim/netback.hpp"

namespace limpid::sim {
namespace {

using namespace xen_netfront;

// Where the indices lie in a ring's page (xen/io/ring.h).
constexpr std::size_t request_producer = 0, request_event = 4, response_producer = 8, response_event = 12;
constexpr std::uint32_t initialising = 1, init_wait = 2, connected_state = 4, closing = 5, closed = 6;

constexpr std::size_t most_waiting = 256;  // frames, each way

}  // namespace

std::string_view name(Broken broken) {
  switch (broken) {
    case Broken::nothing:
      return "nothing";
    case Broken::impossible_producer:
      return "impossible_producer";
    case Broken::crosses_page:
      return "crosses_page";
    case Broken::too_many_slots:
      return "too_many_slots";
    case Broken::larger_than_frame:
      return "larger_than_frame";
    case Broken::frame_short:
      return "frame_short";
    case Broken::missing_extra:
      return "missing_extra";
    case Broken::bad_extra:
      return "bad_extra";
    case Broken::gso_size_zero:
      return "gso_size_zero";
    case Broken::gso_type:
      return "gso_type";
    case Broken::missing_slots:
      return "missing_slots";
    case Broken::bad_grant:
      return "bad_grant";
  }
  return "";
}

Netback::Netback(std::size_t pages, Xenstore& store, Budget& budget, std::uint64_t seed)
    : store_(&store),
      budget_(&budget),
      dice_(seed),
      pages_(budget),
      grants_(budget),
      owed_(budget),
      from_guest_(budget),
      to_guest_(budget) {
  (void)pages_.resize(pages * page_size);
}

// The toolstack and the backend's driver.

bool Netback::create(const Offers& offers) {
  const auto set = [this](std::string_view top, std::string_view name, auto value) {
    Byte room[96];
    Writer out((MutableBytes(room)));
    out.text(top);
    out.text(name);
    return store_->write(as_text(out.written()), value);
  };
  const auto flag = [](bool on) { return std::uint32_t{on}; };
  mtu_ = InlineBytes<16>(as_bytes(offers.mtu));
  return set(backend_path, "/online", 1u) && set(backend_path, "/feature-sg", flag(offers.scatter_gather)) &&
         set(backend_path, "/feature-gso-tcpv4", flag(offers.segmentation)) &&
         set(backend_path, "/feature-gso-tcpv6", flag(offers.segmentation)) &&
         set(backend_path, "/feature-ipv6-csum-offload", flag(offers.checksum_ipv6)) &&
         set(backend_path, "/feature-rx-copy", 1u) && set(backend_path, "/state", init_wait) &&
         set(frontend_path, "/backend-id", 0u) && set(frontend_path, "/mac", offers.mac) &&
         set(frontend_path, "/state", initialising) && set(frontend_path, "/backend", backend_path);
}

void Netback::detach() {
  store_->write("/local/domain/0/backend/vif/5/0/online", 0u);
  set_state(closing);
}

void Netback::destroy() {
  disconnect();
  store_->remove(frontend_path);
  store_->remove(backend_path);
}

void Netback::restart() {
  disconnect();
  set_state(closed);
  set_state(init_wait);
}

void Netback::set_state(std::uint32_t state) {
  if (this->state() != state) store_->write("/local/domain/0/backend/vif/5/0/state", state);
}

std::uint32_t Netback::frontend(std::string_view name) const {
  Byte room[96];
  Writer out((MutableBytes(room)));
  out.text(frontend_path);
  out.text(name);
  return store_->number(as_text(out.written()));
}

// As netback's frontend_changed and set_backend_state do.
void Netback::follow_frontend() {
  if (seen_changes_ == store_->changes()) return;
  seen_changes_ = store_->changes();
  if (!store_->read("/local/domain/0/backend/vif/5/0/state")) return disconnect();
  const bool online = store_->number("/local/domain/0/backend/vif/5/0/online") != 0;
  switch (frontend("/state")) {
    case initialising:
      if (online && !connected_ && state() == closed) set_state(init_wait);
      break;
    case connected_state:
      if (!connected_ && online && (state() == init_wait || state() == closed)) {
        const bool succeeded = connect();
        if (!mtu_.empty()) store_->write("/local/domain/5/device/vif/0/mtu", as_text(mtu_.span()));
        set_state(succeeded ? connected_state : closed);
      }
      break;
    case closing:
      set_state(closing);
      break;
    case closed:
      disconnect();
      set_state(closed);
      break;
    default:
      break;
  }
  seen_changes_ = store_->changes();
}

bool Netback::connect() {
  transmit_ = {frontend("/tx-ring-ref"), 0, 0};
  receive_ = {frontend("/rx-ring-ref"), 0, 0};
  port_ = frontend("/event-channel");
  if (frontend("/request-rx-copy") != 1 || port_ == 0 || port_ != last_port_) return false;
  for (const auto reference : {transmit_.reference, receive_.reference}) {
    Granted* ring = granted(reference);
    if (ring == nullptr || ring->read_only) return fail(Broken::bad_grant);
  }
  ++granted(transmit_.reference)->mapped;
  ++granted(receive_.reference)->mapped;
  broken_ = Broken::nothing;
  connected_ = kicked_ = true;
  return true;
}

void Netback::disconnect() {
  if (!std::exchange(connected_, false)) return;
  owed_.clear();
  from_guest_.clear();
  to_guest_.clear();
  if (keep_mapped) return;
  for (const auto reference : {transmit_.reference, receive_.reference}) {
    if (Granted* ring = granted(reference); ring != nullptr && ring->mapped > 0) --ring->mapped;
  }
}

// The hypervisor.

bool Netback::grant(std::uint16_t page, std::uint32_t reference, std::uint16_t domain, bool read_only) {
  if (domain != 0 || reference < 8 || reference > 4096 || page >= pages_.size() / page_size) return false;
  if (reference >= grants_.size() && !grants_.resize(reference + 1)) return false;
  if (grants_[reference].valid) return false;
  grants_[reference] = {true, read_only, page, 0};
  return true;
}

bool Netback::revoke(std::uint32_t reference) {
  Granted* granted_page = granted(reference);
  if (granted_page == nullptr || granted_page->mapped > 0) return false;
  *granted_page = {};
  return true;
}

Netback::Granted* Netback::granted(std::uint32_t reference) {
  return reference < grants_.size() && grants_[reference].valid ? &grants_[reference] : nullptr;
}

std::size_t Netback::granted() const {
  std::size_t count = 0;
  for (const Granted& entry : grants_) count += entry.valid ? 1 : 0;
  return count;
}

std::optional<std::uint32_t> Netback::allocate_port() { return ++last_port_; }
void Netback::close_port(std::uint32_t port) {
  if (port == port_) port_ = 0;
}
void Netback::notify(std::uint32_t port) {
  if (connected_ && port == port_) kicked_ = true;
}

// Shared rings.

MutableBytes Netback::ring_page(const Ring& ring) { return page(granted(ring.reference)->page); }

std::uint32_t Netback::get(const Ring& ring, std::size_t at) { return netif::detail::u32(ring_page(ring), at); }
void Netback::put(const Ring& ring, std::size_t at, std::uint32_t value) {
  netif::detail::put_u32(ring_page(ring), at, value);
}

template <std::size_t N>
std::array<Byte, N> Netback::slot(const Ring& ring, std::uint32_t index) {
  const std::size_t size = ring.reference == transmit_.reference ? netif::transmit_slot_size : netif::receive_slot_size;
  std::array<Byte, N> copied{};
  copy(Bytes(ring_page(ring)).subspan(slot_offset(index, size), N), copied);
  return copied;
}

template <std::size_t N>
void Netback::respond(Ring& ring, const std::array<Byte, N>& response) {
  const std::size_t size = ring.reference == transmit_.reference ? netif::transmit_slot_size : netif::receive_slot_size;
  copy(Bytes(response), ring_page(ring).subspan(slot_offset(ring.producer++, size)));
}

void Netback::publish(Ring& ring) {
  const std::uint32_t before = get(ring, response_producer);
  put(ring, response_producer, ring.producer);
  if (must_notify(before, ring.producer, get(ring, response_event))) event_ = true;
}

void Netback::shift_indices(std::uint32_t by) {
  for (Ring* ring : {&transmit_, &receive_}) {
    ring->consumer += by;
    ring->producer += by;
    for (const std::size_t at : {request_producer, request_event, response_producer, response_event}) {
      put(*ring, at, get(*ring, at) + by);
    }
  }
}

bool Netback::fail(Broken why) {
  broken_ = why;
  return false;
}

bool Netback::does(Mischief mischief) {
  const std::uint32_t bit = std::uint32_t{1} << static_cast<unsigned>(mischief);
  const bool planned = (planned_ & bit) != 0;
  planned_ &= ~bit;
  return planned;
}

void Netback::misbehave(Mischief mischief) {
  if (mischief == Mischief::any_state) {
    store_->write("/local/domain/0/backend/vif/5/0/state", static_cast<std::uint32_t>(dice_.next() % 9));
  } else if (mischief == Mischief::entries_lost) {
    destroy();
    create();
  } else {
    planned_ |= std::uint32_t{1} << static_cast<unsigned>(mischief);
  }
}

void Netback::run() {
  follow_frontend();
  if (!connected_ || broken_ != Broken::nothing) return;
  if (std::exchange(kicked_, false)) take_transmit();
  if (broken_ != Broken::nothing) return;
  answer_transmit();
  give_receive();
}

// What the guest sends.

void Netback::take_transmit() {
  while (from_guest_.size() < most_waiting) {
    const std::uint32_t available = get(transmit_, request_producer) - transmit_.consumer;
    if (available == 0) {
      // RING_FINAL_CHECK_FOR_REQUESTS
      put(transmit_, request_event, transmit_.consumer + 1);
      return;
    }
    // Linux: "Impossible number of requests".
    if (get(transmit_, request_producer) - transmit_.producer > ring_slots) {
      fail(Broken::impossible_producer);
      return;
    }
    if (!take_packet(available)) return;
  }
  kicked_ = true;  // the rest when those are fetched
}

bool Netback::take_packet(std::uint32_t available) {
  const auto take = [&] {
    --available;
    ++slots_taken_;
    return slot<netif::transmit_slot_size>(transmit_, transmit_.consumer++);
  };
  InlineList<netif::TransmitRequest, netif::most_slots> slots;
  slots.push_back(netif::parse_transmit_request(take()));
  const netif::TransmitRequest first = slots[0];
  Frame frame{Buffer(*budget_), (first.flags & netif::tx_checksum_blank) != 0, 0};
  std::size_t extras = 0;
  for (bool more = (first.flags & netif::tx_extra_info) != 0; more; ++extras) {
    if (available == 0) return fail(Broken::missing_extra);
    const netif::ExtraInfo extra = netif::parse_extra(take());
    if (extra.type == 0 || extra.type >= netif::extra_types) return fail(Broken::bad_extra);
    more = (extra.flags & netif::extra_more) != 0;
    if (extra.type != netif::extra_gso) continue;
    if (extra.gso_size == 0) return fail(Broken::gso_size_zero);
    if (extra.gso_type != netif::gso_tcpv4 && extra.gso_type != netif::gso_tcpv6) return fail(Broken::gso_type);
    frame.segment_size = extra.gso_size;
  }

  std::size_t others = 0;
  for (bool more = (first.flags & netif::tx_more_data) != 0; more;) {
    if (available == 0) return fail(Broken::missing_slots);
    const netif::TransmitRequest next = netif::parse_transmit_request(take());
    if (!slots.push_back(next)) return fail(Broken::too_many_slots);
    others += next.size;
    if (others > first.size) return fail(Broken::larger_than_frame);
    more = (next.flags & netif::tx_more_data) != 0;
  }
  if (first.size < 14) return fail(Broken::frame_short);

  for (std::size_t i = 0; i < slots.size(); ++i) {
    const std::size_t size = i == 0 ? first.size - others : slots[i].size;
    if (slots[i].offset + size > page_size) return fail(Broken::crosses_page);
    const Granted* source = granted(slots[i].grant);
    if (source == nullptr) return fail(Broken::bad_grant);
    if (!frame.bytes.append(Bytes(page(source->page)).subspan(slots[i].offset, size))) return false;
    (void)owed_.push_back(netif::emit(netif::TransmitResponse{slots[i].id, netif::status_okay}));
    if (i > 0) continue;
    for (std::size_t extra = 0; extra < extras; ++extra) {
      (void)owed_.push_back(netif::emit(netif::TransmitResponse{0xDEAD, netif::status_null}));
    }
  }
  return from_guest_.push_back(std::move(frame));
}

void Netback::answer_transmit() {
  if (withhold_transmit || owed_.empty()) return;
  for (std::size_t i = owed_.size(); shuffle_transmit && i > 1; --i) std::swap(owed_[i - 1], owed_[dice_.up_to(i) - 1]);
  for (auto& response : owed_) {
    if (does(Mischief::transmit_id)) response = netif::emit(netif::TransmitResponse{0xFFF0, netif::status_okay});
    if ((planned_ & 1u << static_cast<unsigned>(Mischief::transmit_null)) != 0) {
      response = netif::emit(netif::TransmitResponse{0, netif::status_null});
    }
    respond(transmit_, response);
  }
  owed_.clear();
  publish(transmit_);
  if (does(Mischief::transmit_producer_back)) put(transmit_, response_producer, transmit_.producer - 300);
  if (does(Mischief::transmit_producer_far)) put(transmit_, response_producer, transmit_.producer + 300);
}

std::optional<Netback::Frame> Netback::sent() {
  if (from_guest_.empty()) return {};
  Frame frame = std::move(from_guest_[0]);
  from_guest_.erase_front(1);
  return frame;
}

// What the guest receives.

bool Netback::send(Bytes frame, bool blank, std::uint16_t segment_size) {
  if (!connected_ || to_guest_.size() == most_waiting) return false;
  Frame copied{Buffer(*budget_), blank, segment_size};
  return copied.bytes.append(frame) && to_guest_.push_back(std::move(copied));
}

void Netback::give_receive() {
  std::size_t given = 0;
  while (given < to_guest_.size() && broken_ == Broken::nothing) {
    const std::uint32_t requests = get(receive_, request_producer) - receive_.consumer;
    if (requests > ring_slots) {
      fail(Broken::impossible_producer);
      break;
    }
    // At worst every other byte begins a page's second half, or the frame is endless.
    if (requests < std::min<std::size_t>(2 * netif::most_slots, to_guest_[given].bytes.size() / 2048 + 3)) break;
    give(to_guest_[given++]);
  }
  to_guest_.erase_front(given);
  // Asks to be notified of more requests.
  put(receive_, request_event, receive_.consumer + 1);
  publish(receive_);
  if (does(Mischief::receive_producer_back)) put(receive_, response_producer, receive_.producer - 300);
  if (does(Mischief::receive_producer_far)) put(receive_, response_producer, receive_.producer + 300);
}

void Netback::give(const Frame& frame) {
  Bytes rest(frame.bytes.data(), frame.bytes.size());
  if (does(Mischief::receive_short)) rest = rest.first(std::min<std::size_t>(rest.size(), 13));
  const bool endless = does(Mischief::receive_endless);
  bool first = true;
  while (first || !rest.empty() || endless) {
    if (get(receive_, request_producer) == receive_.consumer) return;  // endless
    const auto request = netif::parse_receive_request(slot<netif::receive_slot_size>(receive_, receive_.consumer++));
    const Granted* target = granted(request.grant);
    if (target == nullptr || target->read_only) return void(fail(Broken::bad_grant));
    const std::size_t offset = scatter_receive ? dice_.next() % 2048 : 0;
    const Bytes piece = rest.first(std::min(rest.size(), page_size - offset));
    copy(piece, page(target->page).subspan(offset));
    rest = rest.subspan(piece.size());

    netif::ReceiveResponse response{request.id, static_cast<std::uint16_t>(offset), 0,
                                    static_cast<std::int16_t>(piece.size())};
    if (!rest.empty() || endless) response.flags |= netif::rx_more_data;
    if (first && frame.checksum_blank) response.flags |= netif::rx_checksum_blank | netif::rx_data_validated;
    const bool bad_extra = first && does(Mischief::receive_extra), bad_gso = first && does(Mischief::receive_gso);
    const bool extra = first && (frame.segment_size != 0 || bad_extra || bad_gso);
    if (extra) response.flags |= netif::rx_extra_info;
    if (does(Mischief::receive_id)) ++response.id;
    if (does(Mischief::receive_offset)) response.offset = 4090;
    if (does(Mischief::receive_error)) response.status = netif::status_error;
    respond(receive_, netif::emit(response));
    first = false;
    if (!extra) continue;
    ++receive_.consumer;  // in the place of a request, whose page stays unused
    netif::ExtraInfo gso{netif::extra_gso, 0, bad_gso ? std::uint16_t{0} : frame.segment_size, netif::gso_tcpv4};
    if (frame.bytes.size() > 12 && frame.bytes[12] == 0x86) gso.gso_type = netif::gso_tcpv6;
    if (bad_extra) gso.type = 77;
    respond(receive_, netif::emit_extra<netif::receive_slot_size>(gso));
  }
}

// An IP packet whose transport header follows its IP header at once.
Transmit Netback::Frame::transmit() const {
  const Bytes whole(bytes.data(), bytes.size());
  Transmit transmit{whole, {}, {}, {}};
  if (!checksum_blank || whole.size() < 54) return transmit;
  const bool ipv4 = whole[12] == 0x08;
  const Byte protocol = ipv4 ? whole[23] : whole[20];
  transmit.offload.checksum_start = static_cast<std::uint16_t>(14 + (ipv4 ? (whole[14] & 15) * 4 : 40));
  transmit.offload.checksum_offset = protocol == 17 ? 6 : 16;
  transmit.offload.segment_size = segment_size;
  return transmit;
}

}  // namespace limpid::sim
