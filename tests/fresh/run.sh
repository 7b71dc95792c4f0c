#!/usr/bin/env bash
# scripts/run where it has never run: it has to build, to ping, and to end with success when it is interrupted.
# Without a terminal it shows no table, so the control socket is asked.
set -euo pipefail
log=$(mktemp)
scripts/run --control 127.0.0.1:0 --web.listen-address off 127.0.0.1/0.1 2> >(tee "$log" >&2) &
run=$!

fail() {
    printf 'run.sh: %s\n' "$*" >&2
    kill -KILL "$run" 2>/dev/null || true
    exit 1
}

# within SECONDS COMMAND… repeats the command until it succeeds.
within() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        kill -0 "$run" 2>/dev/null || fail "scripts/run ended"
        [ "$SECONDS" -lt "$deadline" ] || fail "not in time: $*"
        sleep 0.2
    done
}

listens() { control=$(sed -n 's/.*control socket listening addr=\(127.0.0.1:[0-9]*\).*/\1/p' "$log") && [ -n "$control" ]; }

has_replies() { target/release/meshpingctl --control "$control" list --json | grep -Eq '"recv": ?[1-9]'; }

ended() { ! kill -0 "$run" 2>/dev/null; }

# A first build downloads and compiles every dependency.
within 3600 listens
within 20 has_replies
kill -INT "$run"
for _ in {1..50}; do ended || sleep 0.2; done
ended || fail "it goes on after SIGINT"
status=0
wait "$run" || status=$?
[ "$status" = 0 ] || fail "it ended with $status"
printf 'run.sh: scripts/run built, got replies from 127.0.0.1, and ended with success\n' >&2
