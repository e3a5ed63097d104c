#!/bin/busybox sh
# dom0's first and only process: brings up the toolstack and the bridge, then does what it is told over TCP port 7.
export PATH=/usr/bin:/bin HOME=/ LD_LIBRARY_PATH=/lib
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /dev/pts
mount -t devpts none /dev/pts
while read -r module; do insmod "/modules/$module"; done </modules/order
mount -t xenfs none /proc/xen

ip link set lo up
ip link add xenbr0 type bridge forward_delay 0 mcast_snooping 0
ip link set eth0 master xenbr0
ip link set eth0 up
echo 0 >/proc/sys/net/ipv6/conf/xenbr0/accept_dad
ip link set xenbr0 up
ip addr add 10.77.0.1/24 dev xenbr0
ip -6 addr add fd77::1/64 dev xenbr0

xenstored
until xenstore-read -s / >/dev/null 2>&1; do usleep 20000; done
xen-init-dom0 >/dev/null
xenconsoled --log=all
nc -ll -p 7 -e /bin/sh &
echo "dom0 is ready"
# Process 1 must not end; orphans end up here.
while :; do wait; sleep 1; done
