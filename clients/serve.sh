# shellcheck shell=bash
# How the scripts start a server of their own. Sourced, not run.

# serve FOLDER: starts $NIANBAO on a free port with its store in FOLDER, waits until it listens, and
# exports NIANBAO_SERVER. SERVER_PID is the process, which the caller ends.
serve() {
  local log=$1/server.log
  "${NIANBAO:?names the program under test}" serve --listen 127.0.0.1:0 --data "$1/store" \
    >"$log" 2>&1 &
  SERVER_PID=$!
  for _ in $(seq 100); do
    grep -q '^listening on ' "$log" && break
    kill -0 "$SERVER_PID" 2>/dev/null || break
    sleep 0.1
  done
  NIANBAO_SERVER=$(sed -n 's/^listening on //p' "$log")
  export NIANBAO_SERVER
  [ -n "$NIANBAO_SERVER" ] && return
  cat "$log" >&2
  echo 'the server does not listen' >&2
  return 1
}

# stop_server: ends it, if it was started.
stop_server() {
  if [ -n "${SERVER_PID:-}" ]; then
    kill "$SERVER_PID" 2>/dev/null || true
    wait "$SERVER_PID" 2>/dev/null || true
  fi
}
