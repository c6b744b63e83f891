#!/bin/bash
# node.sh STATE CACHE N ADDRESS: becomes node N of the cluster: its own root over the common one, and its own namespaces and control groups.
set -euo pipefail
export state=$1 cache=$2 n=$3 address=$4
here=$(cd "$(dirname "$0")" && pwd)
export here place=$state/node-$n
mkdir -p "$place"/{upper,work,root}
for controller in cpu cpuacct cpuset memory devices freezer blkio pids systemd unified; do
  [ -d "/sys/fs/cgroup/$controller" ] || continue
  group=/sys/fs/cgroup/$controller/pk8s-$n
  mkdir -p "$group"
  case $controller in
  cpuset)
    cat /sys/fs/cgroup/cpuset/cpuset.cpus >"$group/cpuset.cpus"
    cat /sys/fs/cgroup/cpuset/cpuset.mems >"$group/cpuset.mems"
    echo 1 >"$group/cgroup.clone_children"
    ;;
  # A busy machine must not make the control plane miss its own deadlines.
  cpu) echo 8192 >"$group/cpu.shares" ;;
  memory) echo 1 >"$group/memory.use_hierarchy" 2>/dev/null || true ;;
  esac
  echo $$ >"$group/cgroup.procs"
done
exec nsenter --net="/run/netns/pk8s-$n" unshare -m -u -i -p -C -f --mount-proc --propagation private bash -euc '
  root=$place/root
  mount -t overlay overlay -o "lowerdir=$cache/root,upperdir=$place/upper,workdir=$place/work" "$root"
  # An overlay cannot be the upper directory of another one, so /var/lib is not on it.
  if [ ! -e "$place/lib" ]; then cp -a "$root/var/lib" "$place/lib.new" && mv "$place/lib.new" "$place/lib"; fi
  mount --bind "$place/lib" "$root/var/lib"
  hostname "n$n"
  echo "n$n" >"$root/etc/hostname"
  printf "127.0.0.1 localhost\n$address.1 n1\n$address.2 n2\n" >"$root/etc/hosts"
  : >"$root/etc/resolv.conf"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t tmpfs -o mode=755 cgroup "$root/sys/fs/cgroup"
  for controller in cpu cpuacct cpuset memory devices freezer blkio pids; do
    mkdir "$root/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "$root/sys/fs/cgroup/$controller"
  done
  mkdir "$root/sys/fs/cgroup/systemd"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs tmpfs "$root/run"
  mount -t tmpfs tmpfs "$root/tmp"
  mkdir -p "$root/run/lock" "$root/cluster/state" "$root/cluster/bin" "$root/cluster/scripts" "$root/.old"
  mount --bind "$state" "$root/cluster/state"
  mount --bind "$cache/bin" "$root/cluster/bin"
  mount --bind "$here" "$root/cluster/scripts"
  cd "$root"
  pivot_root . .old
  umount -l /.old
  cd /
  mount --make-rshared /
  exec /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin /cluster/scripts/node-start.sh "$n" "$address"
'
