#!/usr/bin/env bash
# Builds the control plane of the tests and the demo, once for every clone of this repository: see README.md.
#
#   build.sh [NAME...]     builds what is missing of NAME..., or of everything
#   build.sh --print-dir   prints the folder of the binaries and builds nothing
#
# With CWO_KUBERNETES=oldest it is about the oldest Kubernetes that is supported instead, whose module is in oldest/. It gets
# a folder of its own; etcd, helm and kubeconform are the same, and linked there.
#
# With KUBEBUILDER_ASSETS set, etcd, kube-apiserver and kubectl come from there and are never built, and helm and
# kubeconform are taken from PATH where they are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

module=.
if [ "${CWO_KUBERNETES:-newest}" = oldest ]; then
    module=oldest
elif [ "${CWO_KUBERNETES:-newest}" != newest ]; then
    echo "build.sh: CWO_KUBERNETES is $CWO_KUBERNETES: it can be newest or oldest" >&2
    exit 1
fi
kubernetes=$(sed -n 's|^[[:space:]]*k8s\.io/kubernetes \(v[0-9.]*\).*|\1|p' "$module/go.mod")
minor=${kubernetes#v}
minor=${minor%.*}
helm=v4.3.1
kubeconform=v0.8.0
go_needed=1.26

# name, seconds to build on two cores, package, linker flags
binaries="
etcd                     80 go.etcd.io/etcd/server/v3                           -s -w
kube-apiserver          260 k8s.io/kubernetes/cmd/kube-apiserver                -s -w -X k8s.io/component-base/version.gitVersion=$kubernetes
kube-controller-manager  90 k8s.io/kubernetes/cmd/kube-controller-manager       -s -w -X k8s.io/component-base/version.gitVersion=$kubernetes
kubectl                  20 k8s.io/kubernetes/cmd/kubectl                       -s -w -X k8s.io/component-base/version.gitVersion=$kubernetes
helm                    110 helm.sh/helm/v4/cmd/helm@$helm                      -s -w -X helm.sh/helm/v4/internal/version.version=$helm
kubeconform               5 github.com/yannh/kubeconform/cmd/kubeconform@$kubeconform -s -w -X main.version=$kubeconform
"

# What the oldest Kubernetes shares with the newest.
shared=" etcd helm kubeconform "

setup_envtest="export KUBEBUILDER_ASSETS=\"\$(go run sigs.k8s.io/controller-runtime/tools/setup-envtest@v0.25.1 use $minor.x -p path)\""

fail() {
    printf 'build.sh: ' >&2
    printf '%s\n' "$@" >&2
    exit 1
}

# The folder's name says what is in it, so that a clone with other versions gets a folder of its own.
folder() {
    local hash
    hash=$({ cat "$module/go.mod" "$module/go.sum" && echo "$binaries"; } | { sha256sum 2>/dev/null || shasum -a 256; } | cut -c 1-12)
    printf '%s/conversation-webhook-operator/control-plane-%s/bin\n' "${XDG_CACHE_HOME:-$HOME/.cache}" "$hash"
}

present() {
    case $1 in
    etcd | kube-apiserver | kubectl)
        if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
            [ -x "$KUBEBUILDER_ASSETS/$1" ] || fail "KUBEBUILDER_ASSETS is set, but $KUBEBUILDER_ASSETS/$1 does not exist." \
                "Get all of them with: $setup_envtest" "or unset KUBEBUILDER_ASSETS to build them from source."
            return 0
        fi
        ;;
    helm)
        if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [[ $(helm version --template '{{.Version}}' 2>/dev/null) == v4* ]]; then
            return 0
        fi
        ;;
    kubeconform)
        if [ -n "${KUBEBUILDER_ASSETS:-}" ] && command -v kubeconform >/dev/null; then
            return 0
        fi
        ;;
    esac
    # A link is good as long as it leads to what a clone with these versions has.
    if is_linked "$1"; then
        [ "$bin/$1" -ef "$newest/$1" ]
    else
        [ -x "$bin/$1" ]
    fi
}

# Whether it is the newest's.
is_linked() {
    [[ $module = oldest && $shared == *" $1 "* ]]
}

# Has the shared ones built, in their own folder, and leads there.
link_shared() {
    local name names=()
    for name in $wanted; do
        if is_linked "$name" && ! present "$name"; then
            names+=("$name")
        fi
    done
    ((${#names[@]})) || return 0
    CWO_KUBERNETES=newest ./build.sh "${names[@]}"
    mkdir -p "$bin"
    for name in "${names[@]}"; do
        ln -sf "$newest/$name" "$bin/$name"
    done
}

# Sets `missing` to the lines of `binaries` that are wanted and not there.
find_missing() {
    local name rest
    missing=()
    while read -r name rest; do
        if [[ -n $name && $wanted == *" $name "* ]] && ! present "$name"; then
            missing+=("$name $rest")
        fi
    done <<<"$binaries"
}

check_go() {
    local found
    found=$(go env GOVERSION 2>&1) || found=none
    found=${found#go}
    if [[ ! $found =~ ^[0-9]+\.[0-9]+ ]] || [ "$(printf '%s\n' "$go_needed" "$found" | sort -V | head -n 1)" != "$go_needed" ]; then
        fail "building the control plane needs Go $go_needed or newer (found: $found). Two ways out:" \
            "- install Go $go_needed (https://go.dev/doc/install) and run this again; or" \
            "- take released binaries: $setup_envtest" \
            "  (an older Go will do there; without any, use the setup-envtest program that controller-runtime's releases" \
            "  come with). What they lack still needs Go: kube-controller-manager, and helm and kubeconform unless on PATH."
    fi
}

# Seconds, for people.
duration() {
    if (($1 < 60)); then printf '%ds' "$1"; else printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); fi
}

# Estimates were taken on two cores.
expected() {
    echo $(($1 * 2 / cores + 1))
}

# build NAME PACKAGE LDFLAGS: becomes the Go command, so that killing the job kills that.
build() {
    if [[ $2 == *@* ]]; then
        # A program of its own, with the versions that its own go.mod and not ours asks for.
        export GOBIN=$work
        exec go install -trimpath -ldflags "$3" "$2"
    fi
    cd "$module"
    exec go build -trimpath -ldflags "$3" -o "$work/$1" "$2"
}

# Waits for a background job and shows that it is alive.
wait_for() {
    local job=$1 label=$2 estimate=$3 started=$SECONDS
    while kill -0 "$job" 2>/dev/null; do
        sleep 1
        if (((SECONDS - started) % 15 == 0)); then
            echo "  $label: $(duration $((SECONDS - started))) of about $(duration "$estimate")"
        fi
    done
    wait "$job"
}

# A Ctrl-C leaves neither a build running nor half a binary.
cleanup() {
    if [ -n "$job" ]; then
        kill "$job" 2>/dev/null || true
    fi
    rm -rf "$work"
}

build_missing() {
    local line name seconds package flags number=0 left=0 started
    for line in "${missing[@]}"; do
        read -r name seconds package flags <<<"$line"
        left=$((left + $(expected "$seconds")))
    done
    echo "Building into $bin:$(printf ' %s' "${missing[@]%% *}")"
    echo "  about $(duration "$left") on $cores cores, and once only; downloads come on top"
    job=
    work=$bin/.building-$$
    mkdir -p "$work"
    trap cleanup EXIT
    trap 'exit 130' INT TERM
    for line in "${missing[@]}"; do
        read -r name seconds package flags <<<"$line"
        number=$((number + 1))
        started=$SECONDS
        echo "[$number/${#missing[@]}] $name: about $(duration "$(expected "$seconds")"); $(duration "$left") for all that is left"
        # Not the lock: a stray compiler must not hold it.
        build "$name" "$package" "$flags" >"$work/log" 2>&1 9>&- &
        job=$!
        wait_for "$job" "$name" "$(expected "$seconds")" || fail "$name does not build:" "$(tail -n 30 "$work/log")"
        job=
        # Whole or not there, also for one who looks right now.
        mv -f "$work/$name" "$bin/$name"
        left=$((left - $(expected "$seconds")))
        echo "[$number/${#missing[@]}] $name: done in $(duration $((SECONDS - started)))"
    done
}

bin=$(folder)
newest=$bin
[ "$module" = . ] || newest=$(CWO_KUBERNETES=newest ./build.sh --print-dir)
if [ "${1:-}" = --print-dir ]; then
    echo "$bin"
    exit
fi
wanted=" ${*:-etcd kube-apiserver kube-controller-manager kubectl helm kubeconform} "
for name in $wanted; do
    grep -q "^$name " <<<"$binaries" || fail "unknown program $name"
done

link_shared
find_missing
((${#missing[@]})) || exit 0
check_go

# Two builds at once would only slow each other down. Where there is no flock they do just that, and both succeed.
mkdir -p "$bin"
exec 9>"$bin/.lock"
if command -v flock >/dev/null && ! flock -n 9; then
    echo "Another build.sh is at work on $bin: waiting for it"
    flock 9
    find_missing
    ((${#missing[@]})) || exit 0
fi

export CGO_ENABLED=0
cores=$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
build_missing
echo "The control plane is in $bin"
