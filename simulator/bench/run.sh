#!/usr/bin/env bash
# Measures the simulator from outside: requests per second on one core, memory over a million reads, and the ledger's
# bytes per webhook. Prints tables; fails when a rate is below the goal or memory is not flat. It needs Linux and two
# cores: the simulator has the first to itself, the load comes from the others.
#
#   run.sh             all of it, some five minutes
#   SIMULATOR_BIN=…    measures that program instead of a release build of this tree
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

vegeta_version=v12.13.0
goal=5000              # requests per second
growth=5               # percent that memory may grow by between the first 100,000 reads and the last
runs=3
conversations=40000    # of five slots each
chunk=100000           # reads between two looks at the memory
chunks=10
account=AC00000000000000000000000000000001
token=token

failures=()

fail() {
    printf 'run.sh: %s\n' "$@" >&2
    exit 1
}

check_machine() {
    [ -r /proc/self/status ] || fail "this needs Linux: it reads /proc"
    cores=$(nproc)
    ((cores >= 2)) || fail "this needs two cores, one for the simulator and one for the load"
    local program
    for program in cargo curl taskset; do
        command -v "$program" >/dev/null || fail "$program is missing"
    done
    load_cores=1-$((cores - 1))
}

# The load tool is built once for every clone, like the control plane.
build_load_tool() {
    local folder=${XDG_CACHE_HOME:-$HOME/.cache}/conversation-webhook-operator/vegeta-$vegeta_version
    vegeta=$folder/vegeta
    [ ! -x "$vegeta" ] || return 0
    command -v go >/dev/null || fail "Go is missing: it builds the load tool vegeta"
    echo "Building vegeta $vegeta_version into $folder, once only"
    # Whole or not there, also when this is interrupted.
    GOBIN=$work CGO_ENABLED=0 go install -trimpath "github.com/tsenart/vegeta/v12@$vegeta_version"
    mkdir -p "$folder"
    mv -f "$work/vegeta" "$vegeta"
}

build_simulator() {
    simulator=${SIMULATOR_BIN:-}
    [ -z "$simulator" ] || return 0
    cargo build --quiet --release --locked --package twilio-conversations-simulator
    simulator=$(cargo metadata --no-deps --locked --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
    simulator+=/release/twilio-conversations-simulator
}

# start CONVERSATIONS [FLAG...]: a simulator of its own, with so many empty conversations, pinned to the first core.
start() {
    : >"$work/url"
    seed "$1" >"$work/seed.yaml"
    shift
    taskset -c 0 "$simulator" --seed "$work/seed.yaml" "$@" >"$work/url" &
    pid=$!
    local deadline=$((SECONDS + 30))
    until [ -s "$work/url" ]; do
        kill -0 "$pid" && ((SECONDS < deadline)) || fail "the simulator does not start"
        sleep 0.05
    done
    url=$(<"$work/url")
}

stop() {
    [ -n "$pid" ] || return 0
    kill "$pid" 2>/dev/null || true
    wait "$pid" || true
    pid=
}

cleanup() {
    stop
    rm -rf "$work"
}

# Kilobytes: of what it has now (VmRSS), or of the most that it ever had (VmHWM).
memory() { awk -v field="$1:" '$1 == field { print $2 }' "/proc/$pid/status"; }

# User and system time, in the kernel's ticks.
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }

# targets METHOD TIMES CONVERSATIONS: the webhooks of so many conversations, one after the other, all of it so often.
targets() {
    awk -v method="$1" -v times="$2" -v last="$3" -v url="$url" 'BEGIN {
        while (times-- > 0) for (n = 1; n <= last; n++) printf "%s %s/v1/Conversations/CH%032x/Webhooks\n\n", method, url, n
    }' >"$work/targets"
}

# attack STATUS [FLAG...]: sends all targets as fast as they are answered. Sets `sent`, `rate`, `p99` and `cpu`, the
# microseconds of the simulator's core per request. Every answer must have that status.
attack() {
    local status=$1 before spent counts
    shift
    before=$(ticks)
    taskset -c "$load_cores" "$vegeta" attack -lazy -rate 0 -workers 16 -max-workers 16 -max-body 0 -timeout 10s \
        -header "Authorization: Basic $(printf %s "$account:$token" | base64)" \
        -header 'Content-Type: application/x-www-form-urlencoded' -targets "$work/targets" "$@" >"$work/results"
    spent=$(($(ticks) - before))
    "$vegeta" report "$work/results" >"$work/report"
    sent=$(awk 'NF == 2 { n++ } END { print n }' "$work/targets")
    rate=$(awk '/^Requests/ { printf "%d", $NF }' "$work/report")
    p99=$(awk '/^Latencies/ { sub(",", "", $(NF - 1)); print $(NF - 1) }' "$work/report")
    # Status 0 is no answer: also each worker that finds no more targets counts as one.
    counts=$(awk '/^Status Codes/ { for (n = 4; n <= NF; n++) if ($n !~ /^0:/) print $n }' "$work/report")
    [ "$counts" = "$status:$sent" ] || fail "expected $sent answers $status, got:" "$(<"$work/report")"
    cpu=$(awk -v ticks="$spent" -v hertz="$(getconf CLK_TCK)" -v n="$sent" 'BEGIN { printf "%.1f", ticks * 1e6 / hertz / n }')
}

# Takes all five slots of so many conversations.
fill() {
    targets POST 5 "$1"
    attack 201 -body "$work/typical"
}

# rate_row NAME: notes the last attack, and the best of its name.
rate_row() {
    printf '%-42s %9d %9d %10s %12s\n' "$1" "$sent" "$rate" "$cpu" "$p99"
    ((rate <= best)) || best=$rate
}

judge_rate() {
    printf '%-42s %9s %9d\n' "  best" "" "$best"
    ((best >= goal)) || failures+=("$1: $best requests/s, the goal is $goal")
    best=0
}

rates() {
    printf '\n%-42s %9s %9s %10s %12s\n' "on one core" requests per-s us-of-core p99
    local run best=0 made=()
    start 1
    fill 1
    targets GET 200000 1
    for ((run = 1; run <= runs; run++)); do
        attack 200
        rate_row "list, 1 conversation of 5 webhooks"
    done
    judge_rate "list of 1 conversation"
    stop
    for ((run = 1; run <= runs; run++)); do
        start "$conversations"
        fill "$conversations"
        made[run]="$sent $rate $cpu $p99"
        targets GET 5 "$conversations"
        attack 200
        rate_row "list, $conversations conversations of 5 webhooks"
        stop
    done
    judge_rate "list of $conversations conversations"
    for ((run = 1; run <= runs; run++)); do
        read -r sent rate cpu p99 <<<"${made[run]}"
        rate_row "create, $conversations conversations"
    done
    judge_rate create
}

reads() {
    printf '\n%-42s %9s %9s %9s %9s\n' "memory over $((chunk * chunks)) lists, in kB" start first last peak
    local size round at_start at_first peak_first last peak
    for size in default 0 1 100000; do
        if [ "$size" = default ]; then start 1; else start 1 --journal-size "$size"; fi
        fill 1
        at_start=$(memory VmRSS)
        targets GET "$chunk" 1
        for ((round = 1; round <= chunks; round++)); do
            attack 200
            if ((round == 1)); then
                at_first=$(memory VmRSS)
                peak_first=$(memory VmHWM)
            fi
        done
        last=$(memory VmRSS)
        peak=$(memory VmHWM)
        printf '%-42s %9d %9d %9d %9d\n' "journal size $size" "$at_start" "$at_first" "$last" "$peak"
        ((last * 100 <= at_first * (100 + growth) && peak * 100 <= peak_first * (100 + growth))) ||
            failures+=("journal size $size: memory grew from $at_first kB to $last kB, the peak from $peak_first kB to $peak kB")
        stop
    done
}

# per_row NAME BEFORE: bytes per request of the last attack.
per_row() {
    printf '%-42s %9d %9d\n' "$1" "$sent" $((($(memory VmRSS) - $2) * 1024 / sent))
}

# Connections and the like have taken their memory, which is not the ledger's.
start_warm() {
    start "$conversations" --journal-size 1
    targets GET 1 "$conversations"
    attack 200
    before=$(memory VmRSS)
}

ledger() {
    printf '\n%-42s %9s %9s\n' "memory that the ledger takes" webhooks bytes-each
    local before kind
    start_warm
    fill "$conversations"
    per_row "made, typical" "$before"
    targets GET 1 "$conversations"
    awk 'NF == 2 { print "url = " $2 }' "$work/targets" >"$work/lists"
    curl -fsS -u "$account:$token" -K "$work/lists" | grep -o 'http://[^"]*/Webhooks/WH[0-9a-f]\{32\}"' |
        awk '{ sub("\"", ""); print "DELETE " $0 "\n" }' >"$work/targets"
    before=$(memory VmRSS)
    attack 204
    per_row "then deleted" "$before"
    stop
    for kind in longest crowded; do
        start_warm
        targets POST 5 1000
        attack 201 -body "$work/$kind" -header "User-Agent: $(printf '%050000d' 0)"
        per_row "made, $kind" "$before"
        stop
    done
}

seed() {
    awk -v account="$account" -v token="$token" -v last="$1" 'BEGIN {
        printf "accounts:\n  - sid: %s\n    authToken: %s\n    conversations:\n", account, token
        for (n = 1; n <= last; n++) printf "      - {sid: CH%032x}\n", n
    }'
}

# The bodies of creates. No URL is ever dialled: creates do not deliver.
write_bodies() {
    local smile='%F0%9F%98%80' webhook='Target=webhook&Configuration.Url=https%3A%2F%2Fbot.example.com%2Fhook'
    printf %s "$webhook&Configuration.Method=post&Configuration.Filters=onMessageAdded&Configuration.Filters=onMessageUpdated" \
        >"$work/typical"
    awk -v char="$smile" 'function many(n) { while (n-- > 0) printf "%s", char } BEGIN {
        printf "Target=trigger&Configuration.Url=https%%3A%%2F%%2Fbot.example.com%%2F"; many(488)
        for (n = 1; n <= 5; n++) { printf "&Configuration.Triggers=%d", n; many(247) }
    }' >"$work/longest"
    awk -v webhook="$webhook" 'BEGIN {
        printf "%s", webhook
        for (n = 1; n <= 1600; n++) printf "&Configuration.Filters=onMessageUpdated"
    }' >"$work/crowded"
}

pid=
work=$(mktemp -d)
trap cleanup EXIT
trap 'exit 130' INT TERM
check_machine
build_load_tool
build_simulator
write_bodies
what=${SIMULATOR_BIN:-commit $(git rev-parse --short HEAD)}
printf '%s, %s, %s cores, %s, vegeta %s\n' "$(date -u +%Y-%m-%d)" \
    "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)" "$cores" "$what" "$vegeta_version"
rates
reads
ledger
((${#failures[@]} == 0)) || fail "${failures[@]}"
