# process.sh: the processes of a stack, one directory each: $state/NAME/{ports,pid,ready,log,log.1,data/}.
# Sourced by dev/stack/stack, which sets $state and has `die`.
# shellcheck shell=bash disable=SC2154 # the variables are set by the file that sources this one

# birth PID: what tells this process from a later one of the same number: its start
# time, in ticks since a boot, and which boot. Nothing when there is no such process, or
# only a zombie of it.
birth() {
  local stat fields
  # The process may end at any moment, so that even this read may fail.
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  read -ra fields <<<"${stat##*) }" # after the name, which may itself hold spaces
  [[ ${fields[0]} != Z ]] || return 1
  echo "${fields[19]}@$(</proc/sys/kernel/random/boot_id)"
}

# alive NAME: the process we started as NAME still runs. Its id is left in $pid.
alive() {
  local born
  pid=''
  { read -r pid born <"$state/$1/pid"; } 2>/dev/null || return 1
  [[ $born && $(birth "$pid") == "$born" ]]
}

# spawn NAME CMD...: starts CMD in the background, in a session of its own so that a
# Ctrl-C meant for us passes it by. The log before this start is kept as log.1.
spawn() {
  local dir=$state/$1
  shift
  rm -f "$dir/ready"
  [[ ! -e $dir/log ]] || mv "$dir/log" "$dir/log.1"
  setsid "$@" >"$dir/log" 2>&1 </dev/null &
  echo "$! $(birth $!)" >"$dir/pid"
}

# await NAME: waits until NAME's kind says that it is ready. Dead or late is fatal.
await() {
  local name=$1 limit=$((SECONDS + 90))
  until "$(kind "$name")_ready" "$name"; do
    alive "$name" || die "$name ended while starting; the end of $state/$name/log:"$'\n'"$(tail -n 15 "$state/$name/log")"
    ((SECONDS < limit)) || die "$name is not ready after 90 s; see $state/$name/log"
    sleep 0.05
  done
  touch "$state/$name/ready"
  say "$name is ready on 127.0.0.1:$(port "$name")"
}

# signal SIGNAL NAME...: only ever to a process that is still the one we started.
signal() {
  local sig=$1 name
  shift
  for name; do
    if alive "$name"; then kill "-$sig" "$pid" 2>/dev/null || true; fi
  done
}

# gone SECONDS NAME...: waits until none of them runs; false when time is up.
gone() {
  local limit=$((SECONDS + $1)) name
  shift
  for name; do
    while alive "$name"; do
      ((SECONDS < limit)) || return 1
      sleep 0.05
    done
  done
}

# port NAME [N]: the N-th port of NAME (from 0), the first being where clients connect.
port() {
  local ports
  read -ra ports <"$state/$1/ports"
  echo "${ports[${2:-0}]}"
}

# listening NAME: something accepts connections on NAME's first port.
listening() { (: <"/dev/tcp/127.0.0.1/$(port "$1")") 2>/dev/null; }

# free_ports N: N free ports, different from one another. They are taken from below the
# range the kernel gives to outgoing connections: a server that is down for a moment must
# find its port free when it comes back, and a client that redials a dead port out of that
# range can end up connected to itself, holding it.
free_ports() {
  python3 - "$1" <<'PY'
import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", random.randrange(20000, 32000)))
        held.append(s)
    except OSError:
        s.close()
print(*(s.getsockname()[1] for s in held))
PY
}
