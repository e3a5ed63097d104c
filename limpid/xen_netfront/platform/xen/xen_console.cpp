#include "limpid/xen_netfront/platform/xen/xen_console.hpp"

#include "limpid/core/text.hpp"
#include "limpid/xen_netfront/platform/console.hpp"
#include "limpid/xen_netfront/platform/xen/abi.hpp"
#include "limpid/xen_netfront/platform/xen/byte_ring.hpp"
#include "limpid/xen_netfront/platform/xen/hypervisor.hpp"
#include "limpid/xen_netfront/protocol/console_output.hpp"

#include <xen/io/console.h>

namespace limpid::xen_netfront::platform {
namespace {

Port port = 0;
ByteRing input, output;
ConsoleOutput waiting;

void print_there(std::string_view text) {
  while (!text.empty()) {
    const std::size_t line = std::min(text.find('\n'), text.size());
    waiting.write(part_of(text, 0, line));
    text.remove_prefix(line);
    if (!text.empty()) {
      waiting.write("\r\n");
      text.remove_prefix(1);
      serve_console();
    }
  }
}

}  // namespace

void open_console() {
  auto* page = reinterpret_cast<xencons_interface*>(shared_page(hvm_parameter(HVM_PARAM_CONSOLE_PFN)));
  port = static_cast<Port>(hvm_parameter(HVM_PARAM_CONSOLE_EVTCHN));
  input = {reinterpret_cast<Byte*>(page->in), sizeof page->in, &page->in_cons, &page->in_prod};
  output = {reinterpret_cast<Byte*>(page->out), sizeof page->out, &page->out_cons, &page->out_prod};
  static_assert(sizeof page->in == console_input_size && sizeof page->out == console_output_size);
  print_with(print_there);
}

Port console_port() { return port; }

void serve_console() {
  Byte typed[console_input_size];
  input.read(typed);
  bool moved = false;
  for (;;) {
    const Bytes next = waiting.next(output.room());
    if (next.empty()) break;
    waiting.taken(output.write(next));
    moved = true;
  }
  if (moved) notify(port);
}

std::uint64_t console_bytes_lost() { return waiting.lost(); }

}  // namespace limpid::xen_netfront::platform
