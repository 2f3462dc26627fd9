# dynamodb.sh: Amazon's DynamoDB Local, in memory. Each start is empty.
# shellcheck shell=bash disable=SC2154 # the variables are set by the file that sources this one

dynamodb_home=$cache/dynamodb-local-2.6.1

dynamodb_packages() { java_packages; }

dynamodb_install() {
  maven_install "$here/dynamodb/pom.xml" "$dynamodb_home"
  # javac makes the folder first, so the class is what says it is done.
  [[ -e $dynamodb_home/launcher/LoopbackRunner.class ]] ||
    "${java_bin}c" -cp "$dynamodb_home/*" -d "$dynamodb_home/launcher" "$here/dynamodb/LoopbackRunner.java"
}

# -sharedDb: one database whatever region and key a client uses.
dynamodb_spawn() {
  spawn "$1" env DDB_LOCAL_TELEMETRY=0 "$java_bin" -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Djava.net.preferIPv4Stack=true "-Dsqlite4java.library.path=$dynamodb_home" \
    -cp "$dynamodb_home/launcher:$dynamodb_home/*" LoopbackRunner \
    -port "$(port "$1")" -inMemory -sharedDb -disableTelemetry
}

dynamodb_ready() { grep -q '^listening$' "$state/$1/log" && listening "$1"; }

dynamodb_address() { echo "http://127.0.0.1:$(port dynamodb)"; }
