# redis.sh: Redis as a cluster whose one primary has every slot, so that what runs against it
# also runs against a real cluster; alone, or with a replica. It keeps nothing: the catalogue is
# rebuilt from Kafka.
# shellcheck shell=bash disable=SC2154 # the variables are set by the file that sources this one

redis_packages() { have redis-server || echo redis-server; }
redis_install() { :; }

redis_spawn() {
  spawn "$1" redis-server --port "$(port "$1")" --bind 127.0.0.1 --daemonize no \
    --dir "$state/$1/data" --save '' --appendonly no --repl-diskless-sync-delay 0 \
    --cluster-enabled yes --cluster-port "$(port "$1" 1)" --cluster-announce-ip 127.0.0.1
}

redis_ask() { redis-cli -p "$(port "$1")" "${@:2}" 2>/dev/null; }

# Redis takes two seconds to call a cluster well, after the slots are assigned. A new second
# node becomes the first one's replica; who is whose later on, the nodes remember.
redis_ready() {
  local info
  info=$(redis_ask "$1" cluster info) || return 1
  if [[ $1 != redis2 ]]; then
    [[ $info != *cluster_slots_assigned:0* ]] || redis_ask "$1" cluster addslotsrange 0 16383 >/dev/null
  elif [[ $info == *cluster_known_nodes:1[!0-9]* ]]; then
    redis_ask redis2 cluster meet 127.0.0.1 "$(port redis1)" "$(port redis1 1)" >/dev/null
  elif redis_ask redis2 cluster nodes | grep -q 'myself,master.*connected$'; then # without slots
    redis_ask redis2 cluster replicate "$(redis_ask redis1 cluster myid)" >/dev/null
    return 1
  fi
  [[ $info == *cluster_state:ok* && $(redis_ask "$1" info replication) != *master_link_status:down* ]]
}

# redis_promote NAME: without asking the primary, which may be dead, nor for a vote: there is
# no third node to give one.
redis_promote() { redis_ask "$1" -e cluster failover takeover >/dev/null || die "$1 cannot be promoted: is it a replica?"; }

redis_address() {
  local all='' name
  for name in $(members redis); do all+="&addr=127.0.0.1:$(port "$name")"; done
  all=${all/&addr=/redis+cluster://}
  echo "${all/&/?}"
}
