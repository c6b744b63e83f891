#!/bin/bash
# node-start.sh N ADDRESS: the first process of node N. Node 1 also has the control plane.
set -u
n=$1 address=$2
bin=/cluster/bin pki=/cluster/state/pki conf=/cluster/state/kubeconfig log=/cluster/state/log
for other in 1 2; do [ "$other" = "$n" ] || ip route replace "10.244.$other.0/24" via "$address.$other"; done
mkdir -p /etc/cni/net.d /etc/containerd /var/lib/kubelet /var/lib/containerd
cat >/etc/cni/net.d/10-bridge.conflist <<K
{"cniVersion":"0.4.0","name":"pods","plugins":[{"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":false,"hairpinMode":true,
 "ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.$n.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]}},{"type":"portmap","capabilities":{"portMappings":true}}]}
K
cat >/etc/containerd/config.toml <<K
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
K
cat >/var/lib/kubelet/config.yaml <<K
kind: KubeletConfiguration
apiVersion: kubelet.config.k8s.io/v1beta1
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
failSwapOn: false
tlsCertFile: $pki/kubelet-$n.crt
tlsPrivateKeyFile: $pki/kubelet-$n.key
podCIDR: 10.244.$n.0/24
evictionHard: {memory.available: 100Mi, nodefs.available: 1Gi}
oomScoreAdj: 0
K

# Starts a program again whenever it ends.
keep() {
  local name=$1
  shift
  while :; do
    "$@" >>"$log/$name" 2>&1
    sleep 0.2
  done
}

keep "containerd-$n" containerd &
until ctr version >/dev/null 2>&1; do sleep 0.2; done
for image in /cluster/state/images/*.tar; do
  [ -e "/var/lib/containerd/imported-${image##*/}" ] && continue
  ctr -n k8s.io images import "$image" >>"$log/import-$n" 2>&1 && touch "/var/lib/containerd/imported-${image##*/}"
done
if [ "$n" = 1 ]; then
  keep etcd etcd --data-dir /var/lib/etcd-test --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 &
  keep apiserver "$bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 --advertise-address="$address.1" --secure-port=6443 --insecure-port=0 \
    --client-ca-file=$pki/ca.crt --tls-cert-file=$pki/apiserver.crt --tls-private-key-file=$pki/apiserver.key \
    --kubelet-client-certificate=$pki/kubelet-client.crt --kubelet-client-key=$pki/kubelet-client.key --kubelet-certificate-authority=$pki/ca.crt \
    --service-account-key-file=$pki/sa.pub --service-account-signing-key-file=$pki/sa.key --service-account-issuer=https://kubernetes.default.svc \
    --api-audiences=https://kubernetes.default.svc --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --service-cluster-ip-range=10.96.0.0/16 --feature-gates=TTLAfterFinished=true --kubelet-preferred-address-types=InternalIP --allow-privileged=true &
  keep controller-manager "$bin/kube-controller-manager" --kubeconfig=$conf/controller-manager --service-account-private-key-file=$pki/sa.key \
    --root-ca-file=$pki/ca.crt --use-service-account-credentials --cluster-signing-cert-file=$pki/ca.crt --cluster-signing-key-file=$pki/ca.key \
    --feature-gates=TTLAfterFinished=true --leader-elect=false &
  keep scheduler "$bin/kube-scheduler" --kubeconfig=$conf/scheduler --leader-elect=false &
fi
keep "kubelet-$n" "$bin/kubelet" --config=/var/lib/kubelet/config.yaml --kubeconfig="$conf/kubelet-$n" --container-runtime=remote \
  --container-runtime-endpoint=unix:///run/containerd/containerd.sock --node-ip="$address.$n" --hostname-override="n$n" --network-plugin=cni \
  --root-dir=/var/lib/kubelet &
keep "proxy-$n" "$bin/kube-proxy" --kubeconfig=$conf/proxy --proxy-mode=iptables --hostname-override="n$n" --cluster-cidr=10.244.0.0/16 \
  --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0 &
wait
