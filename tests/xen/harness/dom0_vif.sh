#!/bin/busybox sh
# What xl runs when a vif comes or goes: XENBUS_PATH, vif and the words of the configuration are in the environment.
export PATH=/usr/bin:/bin LD_LIBRARY_PATH=/lib
if [ "$1" = online ]; then
  ip link set "$vif" master xenbr0
  ip link set "$vif" up
  # As Xen's own script does (set_mtu in xen-network-common.sh), if the configuration has one.
  if mtu=$(xenstore-read "$XENBUS_PATH/mtu" 2>/dev/null); then
    ip link set "$vif" mtu "$mtu"
    xenstore-write "$(xenstore-read "$XENBUS_PATH/frontend")/mtu" "$mtu"
  fi
  xenstore-write "$XENBUS_PATH/hotplug-status" connected
fi
