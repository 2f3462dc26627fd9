# kafka.sh: Apache Kafka in KRaft mode, every broker its own controller; one of them, or three
# with RF 3 and min.insync.replicas 2.
# shellcheck shell=bash disable=SC2154 # the variables are set by the file that sources this one

# 4.3.1 is the newest release that is whole on Maven Central: 4.4.0 has no kafka-tools.
kafka_home=$cache/kafka-4.3.1

kafka_packages() { java_packages; }

kafka_install() { maven_install "$here/kafka/pom.xml" "$kafka_home"; }

kafka_spawn() {
  local name=$1 id=${1#kafka} dir=$state/$1 brokers=0 voters='' heap=1g member java
  for member in $(members kafka); do voters+=,$((++brokers))@127.0.0.1:$(port "$member" 1); done
  ((brokers == 1)) || heap=512m

  # Internal topics have three partitions, not fifty, and the cleaner's buffer is 4 MiB,
  # not 128: the default alone is more heap than a broker gets here. The first member of
  # a group does not wait for others, and a dead broker is noticed after 3 s, not 9; a lone
  # one, which nobody stands in for, may stall for longer on a busy machine.
  cat >"$dir/server.properties" <<P
process.roles=broker,controller
node.id=$id
controller.quorum.voters=${voters#,}
listeners=PLAINTEXT://127.0.0.1:$(port "$name"),CONTROLLER://127.0.0.1:$(port "$name" 1)
advertised.listeners=PLAINTEXT://127.0.0.1:$(port "$name")
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=$dir/data
auto.create.topics.enable=false
num.partitions=3
default.replication.factor=$brokers
min.insync.replicas=$((brokers / 2 + 1))
offsets.topic.num.partitions=3
offsets.topic.replication.factor=$brokers
transaction.state.log.num.partitions=3
transaction.state.log.replication.factor=$brokers
transaction.state.log.min.isr=$((brokers / 2 + 1))
share.coordinator.state.topic.replication.factor=$brokers
share.coordinator.state.topic.min.isr=$((brokers / 2 + 1))
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.threads=1
broker.session.timeout.ms=$((brokers == 1 ? 12000 : 3000))
broker.heartbeat.interval.ms=500
replica.lag.time.max.ms=5000
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1000
P
  java=("$java_bin" -Xms256m "-Xmx$heap" -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -XX:TieredStopAtLevel=1 -XX:-UsePerfData
    -Djava.net.preferIPv4Stack=true "-Dlog4j2.configurationFile=$here/kafka/log4j2.xml" -cp "$kafka_home/*")
  if [[ ! -e $dir/data/meta.properties ]]; then
    # The cluster id is any 22 characters of base64, but the same for all brokers.
    "${java[@]}" kafka.tools.StorageTool format -t cmVnaWUtZGV2LXN0YWNrLQ -c "$dir/server.properties" \
      >"$dir/format.log" 2>&1 || die "formatting $name's storage; see $dir/format.log"
  fi
  spawn "$name" "${java[@]}" kafka.Kafka "$dir/server.properties"
}

# The broker says so once the controllers have let it in and it answers requests.
kafka_ready() { grep -q 'Kafka Server started' "$state/$1/log"; }

kafka_address() {
  local all='' name
  for name in $(known kafka); do all+=,127.0.0.1:$(port "$name"); done
  echo "${all#,}"
}
