#include "limpid/stack/tls_session.hpp"

namespace limpid::stack {

std::string_view ConfigError::describe() const {
  switch (fault) {
    case Fault::no_roots:
      return "no certificate authority is trusted: give at least one root";
    case Fault::no_identity:
      return "there is no certificate to show: give at least one chain with its key";
    case Fault::tls:
      return tls::describe(tls);
  }
  return "";
}

std::expected<ClientConfig, ConfigError> ClientConfig::make(Options options) {
  if (options.roots.empty()) return std::unexpected(ConfigError{ConfigError::Fault::no_roots});
  const auto tls = tls::Config::make(
      {.role = tls::Role::client, .application_protocols = options.application_protocols, .request_staple = true});
  if (!tls) return std::unexpected(ConfigError{ConfigError::Fault::tls, tls.error()});
  return ClientConfig(std::move(options.roots), *tls);
}

std::expected<ServerConfig, ConfigError> ServerConfig::make(Options options) {
  if (options.identities.all().empty()) return std::unexpected(ConfigError{ConfigError::Fault::no_identity});
  const auto tls =
      tls::Config::make({.role = tls::Role::server, .application_protocols = options.application_protocols});
  if (!tls) return std::unexpected(ConfigError{ConfigError::Fault::tls, tls.error()});
  return ServerConfig(std::move(options.identities), *tls);
}

std::string_view SessionEnd::describe() const {
  switch (how) {
    case How::open:
      return "the session is open";
    case How::close_notify:
      return "the peer closed the session in good order";
    case How::truncated:
      return "the connection ended before the peer closed the session: something may be missing";
    case How::failed:
      return tls::describe(error.fault).sentence;
    case How::misconfigured:
      return tls::describe(tls::ConfigFault::server_name_malformed);
  }
  return "";
}

MutableBytes Buffers::free() {
  compact();
  return MutableBytes(input_).subspan(filled_);
}

void Buffers::compact() {
  copy(Bytes(input_).subspan(consumed_, filled_ - consumed_), input_);
  filled_ -= consumed_;
  consumed_ = 0;
}

TlsSession::TlsSession(const ClientConfig& config, std::string_view name, const std::array<Byte, 32>& entropy,
                       Budget& memory)
    : client_(&config), tls_(config.tls()), memory_(memory), entropy_(tls::Entropy{entropy}) {
  if (const auto named = config.tls().with_server_name(name)) {
    tls_ = *named;
  } else {
    state_.end.how = SessionEnd::How::misconfigured;
  }
}

TlsSession::TlsSession(ServerConfig& config, const std::array<Byte, 32>& entropy, Budget& memory)
    : server_(&config), tls_(config.tls()), memory_(memory), entropy_(tls::Entropy{entropy}) {}

bool TlsSession::write(Bytes plaintext) {
  if (state_.closing || plaintext.size() > largest_outgoing - state_.outgoing.size()) return false;
  if (state_.outgoing.budget() == nullptr) state_.outgoing = Buffer(memory_);
  return state_.outgoing.append(plaintext);
}

bool TlsSession::done() const {
  if (state_.end.how == SessionEnd::How::open) return false;
  // In good order, this end's own close_notify still goes out.
  return state_.end.how != SessionEnd::How::close_notify || state_.connection.ended();
}

std::expected<void, SnapshotFault> TlsSession::load(Bytes saved, Instant now, CpuFeatures cpu) {
  auto loaded = limpid::load<State>(saved, {now, memory_, cpu});
  if (!loaded) return std::unexpected(loaded.error());
  state_ = std::move(*loaded);
  return {};
}

// One step: the machine is stepped until it waits for the peer or for room.
class TlsSession::Step {
 public:
  Step(TlsSession& session, Time now, Buffers& io, CpuFeatures cpu)
      : session_(session), now_(now), io_(io), cpu_(cpu) {}

  Result all() {
    io_.compact();
    while (session_.state_.end.how != SessionEnd::How::misconfigured && once()) {
    }
    return {Bytes(io_.output_).first(sent_), Bytes(io_.input_).first(delivered_), !session_.done() && wants_input_};
  }

 private:
  // Whether there is more to do at once.
  bool once() {
    State& state = session_.state_;
    const MutableBytes unread = MutableBytes(io_.input_).subspan(io_.consumed_, io_.filled_ - io_.consumed_);
    if (session_.entropy_) {
      // All keys follow from it: no copy may stay behind.
      tls::Connection::Event event = *session_.entropy_;
      wipe(session_.entropy_->bytes);
      session_.entropy_.reset();
      const Wants wants = advance(event).wants;
      wipe(std::get<tls::Entropy>(event).bytes);
      return wants != Wants::room;
    }
    if (const auto question = state.connection.pending()) {
      return advance(tls::Reply{state.connection.query_id(), answer(*question)}).wants != Wants::room;
    }
    if (!state.outgoing.empty() && state.connection.may_write()) {
      const auto progress = advance(tls::Write{{state.outgoing.data(), state.outgoing.size()}});
      state.outgoing.erase_front(progress.consumed);
      return state.outgoing.empty() || progress.more;
    }
    if (state.closing && state.outgoing.empty() && !state.close_sent) {
      state.close_sent = advance(tls::Close{}).consumed == 1;
      return state.close_sent;
    }
    if (!unread.empty() && unread.size() != offered_) {
      const auto progress = advance(stream::Received{unread});
      io_.consumed_ += progress.consumed;
      offered_ = unread.size() - progress.consumed;
      if (progress.wants == Wants::room) return false;
      if (progress.more) offered_ = 0;
      return true;
    }
    // An incomplete record will not be completed any more.
    if (io_.finished_ && !state.end_told) {
      io_.consumed_ = io_.filled_;
      state.end_told = advance(stream::PeerFinished{}).consumed == 1;
      return state.end_told;
    }
    const auto progress = advance(Tick{});
    wants_input_ = progress.wants == Wants::event;
    return progress.more;
  }

  tls::Answer answer(const tls::Query& question) {
    if (session_.server_ != nullptr) return session_.server_->identities().answer(question, now_.wall, cpu_);
    const auto* verify = std::get_if<tls::VerifyPeer>(&question);
    if (verify == nullptr) return tls::Declined{};
    PeerVerdict verdict = verify_peer(*verify, session_.client_->roots(), now_.wall, session_.memory_, cpu_);
    session_.state_.end.invalid = verdict.invalid;
    return std::move(verdict.answer);
  }

  Progress<tls::Connection::Action> advance(const tls::Connection::Event& event) {
    const Room<tls::Connection::Action> room{MutableBytes(io_.output_).subspan(sent_), slots_, session_.memory_, cpu_};
    const auto progress = tls::Connection::advance(session_.tls_, session_.state_.connection, now_, event, room);
    for (const auto& action : progress.actions) {
      std::visit(Overloaded{
                     [this](const stream::Send& send) { sent_ += copy(send.bytes, room_behind()).size(); },
                     // Moved together in front: plaintext is shorter than the records it came in.
                     [this](const tls::Deliver& deliver) {
                       delivered_ += copy(deliver.bytes, MutableBytes(io_.input_).subspan(delivered_)).size();
                     },
                     [this](const tls::PeerClosed&) {
                       ended(SessionEnd::How::close_notify);
                       session_.state_.closing = true;
                     },
                     [this](const tls::Truncated&) { ended(SessionEnd::How::truncated); },
                     [this](const tls::Failed& failed) {
                       session_.state_.end.error = failed.error;
                       session_.state_.end.alert = failed.alert;
                       ended(SessionEnd::How::failed);
                     },
                     [](const auto&) {},
                 },
                 action);
    }
    return progress;
  }

  MutableBytes room_behind() { return MutableBytes(io_.output_).subspan(sent_); }

  // The first end counts, except that what was in good order can still fail.
  void ended(SessionEnd::How how) {
    if (session_.state_.end.how == SessionEnd::How::open || how == SessionEnd::How::failed)
      session_.state_.end.how = how;
  }

  TlsSession& session_;
  Time now_;
  Buffers& io_;
  CpuFeatures cpu_;
  ActionSlots<tls::Connection::Action, 16> slots_;
  std::size_t sent_ = 0, delivered_ = 0;
  std::size_t offered_ = SIZE_MAX;  // and not taken: the front of a record
  bool wants_input_ = false;
};

TlsSession::Result TlsSession::step(Time now, Buffers& io, CpuFeatures cpu) { return Step(*this, now, io, cpu).all(); }

}  // namespace limpid::stack
