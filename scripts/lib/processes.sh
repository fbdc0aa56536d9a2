# Starting, watching and ending the processes of scripts/run.
# shellcheck shell=bash disable=SC2016

# start_apart LOG COMMAND… : in a session of its own, so that Ctrl-C reaches this script alone and things end in order.
# Its pid is in STARTED.
start_apart() {
  local log=$1
  shift
  setsid "$@" </dev/null >>"$log" 2>&1 &
  # shellcheck disable=SC2034 # the caller reads it
  STARTED=$!
}

is_running() {
  kill -0 "$1" 2>/dev/null
}

# end_process PID NAME SECONDS: asks, waits, and says so when it has to force. HURRY=1 forces at once; FORCED tells.
end_process() {
  local pid=$1 name=$2 tenths=$(($3 * 10))
  if [[ -z $pid ]] || ! is_running "$pid"; then return 0; fi
  kill -TERM "$pid" 2>/dev/null
  local patience=$((tenths - 10))
  while is_running "$pid"; do
    if ((tenths == patience)); then note "waiting for $name (Ctrl-C again forces)"; fi
    if ((tenths-- <= 0)) || [[ -n ${HURRY:-} ]]; then
      if ((tenths < 0)); then note "$name did not stop; forcing"; else note "$name: forced to end"; fi
      # shellcheck disable=SC2034 # the caller reads it
      FORCED=1
      kill -KILL "$pid" 2>/dev/null
      break
    fi
    sleep 0.1
  done
  wait "$pid" 2>/dev/null
  return 0
}

# show_tail LOG: the last lines, those that are JSON as a person reads them.
show_tail() {
  tail -n 20 "$1" | node -e '
    for (const line of require("node:fs").readFileSync(0, "utf8").split("\n")) {
      if (line === "") continue;
      let entry;
      try { entry = JSON.parse(line); } catch { entry = undefined; }
      if (typeof entry !== "object" || entry === null) { process.stderr.write(`    ${line}\n`); continue; }
      const { level, time, msg, ...rest } = entry;
      const detail = Object.keys(rest).length === 0 ? "" : ` ${JSON.stringify(rest)}`;
      process.stderr.write(`    ${level ?? ""} ${msg ?? ""}${detail}\n`);
    }
  '
}

# has_live_token FILE: whether the list of tokens on stdin (JSON, one a line) has the one in the file, still valid.
has_live_token() {
  node -e '
    const { readFileSync } = require("node:fs");
    const id = readFileSync(process.argv[1], "utf8").trim().split(".", 1)[0];
    const tokens = readFileSync(0, "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    process.exit(tokens.some((token) => token.id === id && token.state === "valid") ? 0 : 1);
  ' "$1"
}

# condition NAME: what the status on stdin (JSON) says is not right about one thing; nothing if it is right.
condition() {
  node -e '
    const { conditions } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
    for (const { name, severity, message } of conditions) {
      if (name === process.argv[1] && severity !== "ok") console.log(message);
    }
  ' "$1"
}
