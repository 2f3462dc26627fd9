# redis.sh: Redis as a cluster of one node which has every slot, so that what runs against
# it also runs against a real cluster. It keeps nothing: the catalogue is rebuilt from Kafka.
# shellcheck shell=bash disable=SC2154 # the variables are set by the file that sources this one

redis_packages() { have redis-server || echo redis-server; }
redis_install() { :; }

redis_spawn() {
  spawn "$1" redis-server --port "$(port "$1")" --bind 127.0.0.1 --daemonize no \
    --dir "$state/$1/data" --save '' --appendonly no \
    --cluster-enabled yes --cluster-port "$(port "$1" 1)" --cluster-announce-ip 127.0.0.1
}

# Redis takes two seconds to call a cluster well, after the slots are assigned.
redis_ready() {
  local info
  info=$(redis-cli -p "$(port "$1")" cluster info 2>/dev/null) || return 1
  if [[ $info == *cluster_slots_assigned:0* ]]; then
    redis-cli -p "$(port "$1")" cluster addslotsrange 0 16383 >/dev/null
  fi
  [[ $info == *cluster_state:ok* ]]
}

redis_address() { echo "redis+cluster://127.0.0.1:$(port redis)"; }
