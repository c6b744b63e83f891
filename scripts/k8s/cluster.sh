#!/bin/bash
# A real Kubernetes of two nodes on this machine, in namespaces of its own: nothing changes in the machine's own network, and nothing is left
# when it is down. As root, with control groups of version 1. The programs come from build.sh.
#
#   cluster.sh up STATE IMAGE...        starts it, with these image archives on both nodes; returns when they are ready
#   cluster.sh down STATE               ends and removes it
#   cluster.sh run STATE PROGRAM...     runs a program in its network; the API server is https://10.77.0.1:6443
#   cluster.sh node STATE N PROGRAM...  runs a program in node N
#   cluster.sh kill-node|start-node STATE N
#
# STATE is a directory on a disk that overlayfs can write to. STATE/kubeconfig has credentials of `admin`, and of the users `pyro` and `narrow`.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${PYRO_K8S_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pyro-k8s}
what=$1 state=$2
shift 2
nodes="1 2"
address=10.77.0

make_root() {
  local packages="containerd,runc,containernetworking-plugins,etcd-server,conntrack,socat,ethtool,ebtables,iptables,iproute2,procps,kmod,ca-certificates,mount,util-linux"
  local root=$cache/root
  [ "$(cat "$root.packages" 2>/dev/null)" = "$packages" ] && return
  echo "test-k8s: making the nodes' system from Debian packages in $root"
  rm -rf "$root" "$root.packages"
  mmdebstrap --quiet --variant=minbase --mode=root --include="$packages" bookworm "$root"
  echo "$packages" >"$root.packages"
}

make_network() {
  ip netns add pk8s-hub
  ip -n pk8s-hub link set lo up
  ip -n pk8s-hub link add br0 type bridge
  ip -n pk8s-hub link set br0 up
  ip -n pk8s-hub addr add $address.254/24 dev br0
  for n in $nodes; do
    ip netns add pk8s-$n
    ip -n pk8s-hub link add ve$n type veth peer name eth0 netns pk8s-$n
    ip -n pk8s-hub link set ve$n master br0 up
    ip -n pk8s-$n link set lo up
    ip -n pk8s-$n link set eth0 up
    ip -n pk8s-$n addr add $address.$n/24 dev eth0
    ip -n pk8s-$n route add default via $address.254
    ip netns exec pk8s-$n sysctl -qw net.ipv4.ip_forward=1
  done
}

make_certificates() {
  mkdir -p "$state/pki" "$state/kubeconfig"
  cd "$state/pki"
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 30 -subj /CN=pyro-test 2>/dev/null
  openssl genrsa -out sa.key 2048 2>/dev/null
  openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
  make_certificate apiserver /CN=kube-apiserver "IP:$address.1,IP:10.96.0.1,IP:127.0.0.1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
  make_certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
  make_certificate admin /O=system:masters/CN=admin
  make_certificate controller-manager /CN=system:kube-controller-manager
  make_certificate scheduler /CN=system:kube-scheduler
  make_certificate proxy /CN=system:kube-proxy
  make_certificate pyro /O=pyro/CN=somebody
  make_certificate narrow /CN=narrow
  for n in $nodes; do make_certificate kubelet-$n "/O=system:nodes/CN=system:node:n$n" "DNS:n$n,IP:$address.$n"; done
  for who in admin controller-manager scheduler proxy pyro narrow kubelet-1 kubelet-2; do write_kubeconfig $who; done
  cd "$here"
}

make_certificate() { # NAME SUBJECT [NAMES]
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
  printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "${3:-DNS:$1}" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" -days 30 -extfile "$1.ext" 2>/dev/null
}

write_kubeconfig() {
  cat >"../kubeconfig/$1" <<K
apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://$address.1:6443", certificate-authority-data: $(base64 -w0 ca.crt)}}]
users: [{name: $1, user: {client-certificate-data: $(base64 -w0 "$1.crt"), client-key-data: $(base64 -w0 "$1.key")}}]
contexts: [{name: test, context: {cluster: test, user: $1, namespace: pyro}}]
current-context: test
K
  chmod 0600 "../kubeconfig/$1"
}

start_node() {
  mkdir -p "$state/log"
  setsid "$here/node.sh" "$state" "$cache" "$1" "$address" >"$state/log/node-$1" 2>&1 </dev/null &
  echo $! >"$state/node-$1.pid"
}

# The first process of a node ends all of it, with its mounts.
kill_node() {
  local outer inner
  outer=$(cat "$state/node-$1.pid" 2>/dev/null) || return 0
  inner=$(pgrep -P "$outer" || true)
  [ -z "$inner" ] || kill -9 $inner 2>/dev/null || true
  for _ in $(seq 100); do
    kill -0 "$outer" 2>/dev/null || break
    sleep 0.1
  done
  rm -f "$state/node-$1.pid"
}

remove_groups() {
  for n in $nodes; do
    for group in /sys/fs/cgroup/*/pk8s-$n; do
      [ -d "$group" ] || continue
      for _ in $(seq 50); do
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
        sleep 0.1
      done
    done
  done
}

read_ready() {
  ip netns exec pk8s-hub curl -s --max-time 5 --cacert "$state/pki/ca.crt" --cert "$state/pki/admin.crt" --key "$state/pki/admin.key" \
    "https://$address.1:6443/api/v1/nodes" | tr -d ' \n' | grep -o '"type":"Ready","status":"True"\|"status":"True"[^}]*"type":"Ready"\|"reason":"KubeletReady"' | wc -l
}

up() {
  [ -d /sys/fs/cgroup/memory ] || { echo "test-k8s: control groups of version 1 are missing: /sys/fs/cgroup/memory" >&2; exit 1; }
  "$here/build.sh"
  make_root
  mkdir -p "$state/images"
  for image in "$@"; do cp --reflink=auto "$image" "$state/images/"; done
  make_network
  make_certificates
  for n in $nodes; do start_node "$n"; done
  for _ in $(seq 600); do
    [ "$(read_ready)" -lt 2 ] || return 0
    sleep 0.5
  done
  echo "test-k8s: the nodes did not become ready; the logs are in $state/log" >&2
  exit 1
}

down() {
  for n in $nodes; do kill_node "$n"; done
  remove_groups
  for name in hub $nodes; do [ ! -e /run/netns/pk8s-$name ] || ip netns delete pk8s-$name; done
  rm -rf --one-file-system "$state"
}

case $what in
up) up "$@" ;;
down) down ;;
run) exec nsenter --net=/run/netns/pk8s-hub "$@" ;;
node)
  init=$(pgrep -P "$(cat "$state/node-$1.pid")")
  shift
  exec nsenter -t "$init" -m -u -i -n -p -C -r -w /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
  ;;
kill-node) kill_node "$1" ;;
start-node) start_node "$1" ;;
*) echo "usage: cluster.sh up|down|run|node|kill-node|start-node STATE ..." >&2 && exit 2 ;;
esac
