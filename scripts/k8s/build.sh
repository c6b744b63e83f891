#!/bin/bash
# Builds the five programs of Kubernetes 1.20.2 from Debian's source package, once, into $PYRO_K8S_CACHE/bin. About 6 minutes on two cores and
# 5 GB of disk, most of it removed at the end. Nothing is installed: Go comes from unpacked Debian packages.
set -euo pipefail
cache=${PYRO_K8S_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pyro-k8s}
programs="kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy"
[ ! -e "$cache/bin/built" ] || exit 0
mkdir -p "$cache"
exec 9>"$cache/build.lock"
flock 9
[ ! -e "$cache/bin/built" ] || exit 0
echo "test-k8s: building Kubernetes from Debian's source package into $cache; about 6 minutes, once"

work=$cache/build
rm -rf "$work" "$cache/bin"
mkdir -p "$work"/apt/{lists/partial,archives/partial,parts} "$work/source" "$work/go" "$work/out"
cd "$work"

# An apt of its own: the source package, and a Go that this old source compiles with, from the mirror of this machine.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(CREATED_BY)' | awk '$1 ~ /\/debian\/?$/ && $2 == "main" && $3 == "Packages" { print $1; exit }')
[ -n "$mirror" ] || { echo "test-k8s: apt has no Debian mirror; run apt-get update" >&2; exit 1; }
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
printf 'deb [signed-by=%s] %s bookworm main\ndeb-src [signed-by=%s] %s bookworm main\n' "$keyring" "$mirror" "$keyring" "$mirror" >apt/sources.list
: >apt/status
cat >apt/apt.conf <<K
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "$work/apt/parts";
Dir::State "$work/apt";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt";
Acquire::Languages "none";
APT::Sandbox::User "root";
K
export APT_CONFIG=$work/apt/apt.conf
apt-get update -qq
(cd source && apt-get source --download-only -qq kubernetes)
(cd apt && apt-get download -qq golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev && for package in golang-*.deb; do dpkg -x "$package" "$work/go"; done)
tar -xzf source/kubernetes_*.orig.tar.gz -C source

export PATH=$work/go/usr/lib/go-1.19/bin:$PATH GOROOT=$work/go/usr/lib/go-1.19 GOPATH=$work/gopath GOCACHE=$work/gocache GO111MODULE=off CGO_ENABLED=0 GOFLAGS= GOTOOLCHAIN=local
mkdir -p "$GOPATH/src/k8s.io"
mv source/kubernetes-1.20.2 "$GOPATH/src/k8s.io/kubernetes"
cd "$GOPATH/src/k8s.io/kubernetes"

# The bundled reflect2 iterates over maps as Go did before 1.18, and corrupts memory with a newer one.
rm -rf vendor/github.com/modern-go/reflect2
cp -r "$work/go/usr/share/gocode/src/github.com/modern-go/reflect2" vendor/github.com/modern-go/reflect2

# One generated file is not in the source package.
go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
inputs=$(grep -rl --include='*.go' -E '^// \+k8s:openapi-gen=' pkg cmd staging/src/k8s.io | grep -v '_test.go\|zz_generated\|_examples\|sample-\|testdata\|/test/' |
  xargs -n1 dirname | sed -E 's#^staging/src/#vendor/#; s#^#k8s.io/kubernetes/#' | sort -u | paste -sd,)
"$work/openapi-gen" -O zz_generated.openapi -h hack/boilerplate/boilerplate.generatego.txt -p k8s.io/kubernetes/pkg/generated/openapi \
  -i "$inputs" -r "$work/report" --output-base "$GOPATH/src"

flags="-s -w"
for package in component-base/version client-go/pkg/version; do
  for pair in gitVersion=v1.20.2 gitMajor=1 gitMinor=20; do
    flags="$flags -X k8s.io/kubernetes/vendor/k8s.io/$package.$pair"
  done
done
# shellcheck disable=SC2086
go build -trimpath -ldflags "$flags" -o "$work/out/" $(for program in $programs; do echo "./cmd/$program"; done)

mkdir -p "$cache/bin"
for program in $programs; do mv "$work/out/$program" "$cache/bin/"; done
# The fields that the API of Kubernetes 1.20 knows, for the test of the manifests.
cp api/openapi-spec/swagger.json "$cache/swagger-1.20.json"
touch "$cache/bin/built"
cd "$cache"
chmod -R u+w "$work"
rm -rf "$work"
