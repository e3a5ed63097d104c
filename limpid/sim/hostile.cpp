#include "limpid/sim/hostile.hpp"

#include "limpid/sim/attacker.hpp"
#include "limpid/sim/liar.hpp"

namespace limpid::sim {
namespace {

using namespace tcpip;

constexpr IpAddress v4(std::uint8_t n) { return IpAddress::v4({10, 9, 0, n}); }
constexpr IpAddress v6(std::uint8_t n) { return {{0xfd, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n}}; }
constexpr MacAddress mac(std::uint8_t n) { return {{2, 0, 0, 0, 0, n}}; }

constexpr Duration attacked = seconds(100);        // so long do they go on
constexpr Duration last_patience = seconds(3600);  // until all that they left behind is given up
constexpr std::uint32_t visits = 12;

struct Draw {
  Host::Config host, customer;
  LinkConditions link;
  std::size_t memory = 0;  // the host's
  std::uint16_t backlog = 0;
  bool tight = false;  // connections or memory are short now and then
  bool flapping = false;
  bool over_ipv6 = false;
  Instant start{};
};

Draw draw(Dice& dice) {
  Draw drawn;
  drawn.tight = dice.chance(400'000);
  drawn.flapping = dice.chance(400'000);
  drawn.over_ipv6 = dice.chance(500'000);
  for (Host::Config* config : {&drawn.host, &drawn.customer}) {
    const std::uint8_t n = config == &drawn.host ? 1 : 2;
    config->ip.mac = mac(n);
    config->ip.addresses.push_back({v4(n), 24});
    config->ip.addresses.push_back({v6(n), 64});
    config->tcp.pins = dice.chance(500'000);
  }
  // Who must get through may have to try long.
  drawn.customer.tcp.syn_retries = 12;
  Host::Config& host = drawn.host;
  host.dhcp = true;
  host.ip.slaac = true;
  host.ip.limits.neighbours = 128;
  host.tcp.sack = !dice.chance(150'000);
  host.tcp.ecn = dice.chance(300'000);
  host.tcp.syn_retries = static_cast<std::uint8_t>(1 + dice.up_to(5));
  host.tcp.data_retries = static_cast<std::uint8_t>(2 + dice.up_to(10));
  if (dice.chance(400'000)) {
    host.tcp.keepalive_idle = seconds(20);
    host.tcp.keepalive_interval = seconds(5);
    host.tcp.keepalive_probes = 3;
  }
  if (dice.chance(300'000)) host.tcp.user_timeout = seconds(25);
  host.tcp.fin_wait_2_timeout = seconds(40);
  host.tcp.initial_receive_window = static_cast<std::uint32_t>(dice.chance(300'000) ? 3000 : 65535);
  host.tcp.max_receive_window = 1 << 20;
  host.tcp.send_buffer = 1 << 18;
  host.limits.connections = drawn.tight && dice.chance(500'000) ? 60 : 2000;
  host.limits.time_wait = drawn.tight ? 8 : 1000;
  drawn.backlog = static_cast<std::uint16_t>(drawn.tight ? dice.up_to(30) : 1000);
  drawn.memory = drawn.tight ? (2 << 20) : (16 << 20);
  drawn.link.latency = microseconds(static_cast<std::int64_t>(100 + dice.up_to(2000)));
  drawn.start = {1'000'000 + static_cast<std::int64_t>(dice.next() % 1'000'000'000'000)};
  return drawn;
}

class Run {
 public:
  Run(const Draw& drawn, std::uint64_t seed, Dice& dice, Budget& budget, const Onlooker& onlooker)
      : drawn_(drawn),
        dice_(dice),
        memory_(drawn.memory),
        onlooker_(onlooker),
        subject_(drawn.backlog, budget),
        customer_(drawn.over_ipv6 ? v6(1) : v4(1), visits, seconds(4)),
        puppets_(v4(16), v6(16), subject_, budget),
        attacker_(v4(40), v6(40), budget),
        liar_(v4(50), v6(50), subject_),
        simulation_(seed, Time{drawn.start, {1'790'000'000}},
                    {.able_hosts = !drawn.tight && !drawn.flapping,
                     .least_mss = drawn.host.tcp.min_mss,
                     .most_connections = 4096},
                    budget),
        host_(drawn.host, subject_, entropy(seed, 0), memory_, budget),
        client_(drawn.customer, customer_, entropy(seed, 1), budget, budget),
        puppet_node_(puppets_, mac(16), budget),
        attacker_node_(attacker_, mac(40), budget),
        liar_node_(liar_, mac(50), budget),
        host_watch_(counted_),
        client_watch_(counted_of_client_) {
    host_.watch = &host_watch_;
    client_.watch = &client_watch_;
    simulation_.attach(host_, drawn.link);
    simulation_.attach(client_, drawn.link);
    simulation_.attach(puppet_node_, drawn.link);
    simulation_.attach(attacker_node_, drawn.link);
    simulation_.attach(liar_node_, drawn.link);
    simulation_.watch = {this, [](void* self, std::size_t, Instant at, Bytes frame) {
                           const Onlooker& looks = static_cast<Run*>(self)->onlooker_;
                           if (looks.frame != nullptr) looks.frame(looks.object, at, frame);
                         }};
    const Instant start = drawn.start;
    const Puppets::Target target{mac(1), v4(1), v6(1)};
    puppets_.cast(target, start + seconds(4), dice);
    attacker_.begin(target, drawn.over_ipv6 ? v6(2) : v4(2), start + seconds(4), start + attacked, dice);
    liar_.begin(target, start + milliseconds(500), start + attacked, dice);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  HostileResult to_its_end() {
    const Instant start = drawn_.start;
    simulation_.begin();
    subject_.connect(endpoint(v4(1), Subject::silent));  // to itself
    bool right = true;
    for (Instant next = start; right && next < start + attacked;) {
      next = next + milliseconds(static_cast<std::int64_t>(dice_.up_to(1000)));
      right = go_on_until(next);
      if (drawn_.tight) squeeze();
      if (drawn_.flapping) flap(next);
    }
    memory_.unreserve(std::exchange(squeezed_, 0));
    subject_.tell(LinkChanged{true});
    // They are gone, but for what answers questions; the customer comes until it has had enough.
    for (Instant next = start + attacked; right && !customer_.content() && next < start + last_patience;) {
      next = next + seconds(5);
      right = go_on_until(next);
    }
    subject_.give_up();
    right = right && go_on_until(simulation_.now().monotonic + last_patience);
    simulation_.oracle.finish(simulation_.now().monotonic);
    host_watch_.end(host_.host);
    return result();
  }

 private:
  static std::array<Byte, 32> entropy(std::uint64_t seed, std::uint64_t host) {
    Dice dice(~(seed * 2 + host));
    std::array<Byte, 32> bytes{};
    for (Byte& byte : bytes) byte = static_cast<Byte>(dice.next());
    return bytes;
  }

  bool go_on_until(Instant when) {
    while (simulation_.step(when)) {
      if (memory_.used() > memory_.limit()) beyond_ = true;
      if (beyond_ || customer_.wrong() || simulation_.oracle.report().total() > 0) return false;
    }
    return true;
  }

  // Somebody else who shares the memory takes of it, more or less, or gives it back.
  void squeeze() {
    memory_.unreserve(std::exchange(squeezed_, 0));
    if (dice_.chance(300'000)) memory_.refuse_attempt(dice_.up_to(40));
    if (!dice_.chance(500'000)) return;
    const std::size_t sixteenth = memory_.limit() / 16;
    const std::size_t wanted[] = {9 * sixteenth,      13 * sixteenth,        14 * sixteenth + 1,
                                  15 * sixteenth + 1, memory_.limit() - 500, memory_.limit() - 500};
    const std::size_t most = wanted[dice_.up_to(std::size(wanted)) - 1];
    const std::size_t taken = most > memory_.used() ? most - memory_.used() : 0;
    if (memory_.reserve(taken)) squeezed_ = taken;
  }

  void flap(Instant now) {
    if (dice_.chance(300'000)) subject_.tell(LinkChanged{true});
    if (now < drawn_.start + seconds(15) || !dice_.chance(60'000)) return;
    subject_.tell(LinkChanged{false});
    if (dice_.chance(500'000)) subject_.tell(LinkChanged{false});
    if (!go_on_until(now + milliseconds(static_cast<std::int64_t>(dice_.up_to(300))))) return;
    subject_.tell(LinkChanged{true});
  }

  HostileResult result() {
    HostileResult result;
    result.packets = simulation_.network.counts().sent;
    result.took = simulation_.now().monotonic - drawn_.start;
    result.served = customer_.served();
    result.lost_visits = customer_.failed();
    result.slowest = customer_.slowest();
    const auto& report = simulation_.oracle.report();
    if (report.total() > 0) result.violation = report.violations()[0];
    for (const Attack& attack : attacks()) {
      if (attack.table && counted_.count(*attack.table, attack.row, 0) == 0) result.attack = attack.name;
    }
    // Whom memory or the link fails may have to come again.
    const bool served = customer_.content() && (customer_.failed() == 0 || drawn_.tight || drawn_.flapping);
    const Host& host = host_.host;
    const bool left_over = host.connections().used() != 0 || host.connections().lent() != 0 || host.time_waits() != 0 ||
                           host.interface().reassembler().bytes() != 0;
    result.outcome = customer_.wrong()        ? HostileOutcome::wrong_byte
                     : report.total() > 0     ? HostileOutcome::unlawful
                     : beyond_                ? HostileOutcome::beyond_budget
                     : !served                ? HostileOutcome::not_served
                     : left_over              ? HostileOutcome::left_over
                     : !result.attack.empty() ? HostileOutcome::not_counted
                                              : HostileOutcome::withstood;
    if (onlooker_.coverage != nullptr) {
      onlooker_.coverage->add(counted_);
      onlooker_.coverage->add(counted_of_client_);
    }
    return result;
  }

  const Draw& drawn_;
  Dice& dice_;
  Budget memory_;
  const Onlooker& onlooker_;
  Coverage counted_, counted_of_client_;
  Subject subject_;
  Customer customer_;
  Puppets puppets_;
  Attacker attacker_;
  Liar liar_;
  Simulation simulation_;
  HostNode<Subject> host_;
  HostNode<Customer> client_;
  ScriptNode<Puppets> puppet_node_;
  ScriptNode<Attacker> attacker_node_;
  ScriptNode<Liar> liar_node_;
  HostWatch host_watch_, client_watch_;
  std::size_t squeezed_ = 0;
  bool beyond_ = false;
};

}  // namespace

std::string_view name(HostileOutcome outcome) {
  switch (outcome) {
    case HostileOutcome::withstood:
      return "withstood";
    case HostileOutcome::not_served:
      return "not_served";
    case HostileOutcome::wrong_byte:
      return "wrong_byte";
    case HostileOutcome::unlawful:
      return "unlawful";
    case HostileOutcome::beyond_budget:
      return "beyond_budget";
    case HostileOutcome::left_over:
      return "left_over";
    case HostileOutcome::not_counted:
      return "not_counted";
  }
  return "";
}

HostileResult run_hostile(std::uint64_t seed, Budget& budget, const Onlooker& onlooker) {
  Dice dice(seed ^ 0x686f7374696c65);
  const Draw drawn = draw(dice);
  return Run(drawn, seed, dice, budget, onlooker).to_its_end();
}

}  // namespace limpid::sim
