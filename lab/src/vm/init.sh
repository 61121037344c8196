#!/bin/busybox sh
# First process of a test VM. Makes the host's file system, read-only under a layer of memory, the root, then runs the
# guest agent; ifactor.* on the kernel's command line says where. The VM ends with the agent.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
echo "ifactor: $(cut -d' ' -f1 /proc/uptime) s init"
while read -r module; do insmod "/lib/$module" || echo "ifactor: cannot load $module"; done </lib/order

word() { sed -n "s#.*ifactor\\.$1=\\([^ ]*\\).*#\\1#p" /proc/cmdline; }
modules=$(word modules)
mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /host || echo 'ifactor: no host file system'
mount -t tmpfs over /over
mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work overlay /root || echo 'ifactor: no overlay'
for name in proc sys dev run; do mkdir -p "/root/$name"; done
mount --move /proc /root/proc
mount --move /sys /root/sys
mount --move /dev /root/dev
mount -t tmpfs run /root/run
mkdir -p /root/dev/pts /root/dev/shm /root/run/netns "/root$modules" /root/lib/modules
mount -t devpts devpts /root/dev/pts
mount -t tmpfs shm /root/dev/shm
mount -t cgroup2 cgroup /root/sys/fs/cgroup
ln -sfn "$modules" "/root/lib/modules/$(uname -r)"

# Else every new netns has a gre0, a tunl0 and the like once those modules are loaded.
echo 1 >/root/proc/sys/net/core/fb_tunnels_only_for_init_net

ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ip route add default via 10.0.2.2
hostname ifactor-vm
echo "ifactor: $(cut -d' ' -f1 /root/proc/uptime) s starting the agent"
exec switch_root /root /bin/sh -c '"$0" "$@"; echo "ifactor: the agent ended ($?)"; echo o >/proc/sysrq-trigger; sleep 60' \
  "$(sed -n 's#.*ifactor\.node=\([^ ]*\).*#\1#p' /root/proc/cmdline)" \
  "$(sed -n 's#.*ifactor\.agent=\([^ ]*\).*#\1#p' /root/proc/cmdline)"
