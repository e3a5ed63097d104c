// Rights of pages: code is read and run, constants are read, all other memory is read and written, nothing is two of
// them. The page at address zero and the one below the stack are not there.
#pragma once

namespace limpid::xen_netfront::platform {

// Takes the rights away that entry.S gave to every page below 4 GiB. Nothing below 4 KiB may be needed any more.
void protect_pages();

}  // namespace limpid::xen_netfront::platform
