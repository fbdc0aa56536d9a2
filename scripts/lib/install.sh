# Installs what is missing. Every function looks first and does nothing, fast, where there is nothing to do.
# shellcheck shell=bash

NODE_MINIMUM=22.18.0
NODE_MAJOR=24
NPM_MAJOR=11

# command=package, for everything that runs the daemon.
RUN_COMMANDS=(wg=wireguard-tools wireguard-go=wireguard-go ip=iproute2 nft=nftables npm=npm)
# A compiler for the optional native module that talks to systemd.
NATIVE_COMMANDS=('g++=g++' make=make python3=python3)
# What tests need on top.
TEST_COMMANDS=("${NATIVE_COMMANDS[@]}" git=git openssl=openssl script=bsdutils sysctl=procps shellcheck=shellcheck
  nats-server=nats-server nginx=nginx wat2wasm=wabt mkfs.ext4=e2fsprogs)
# Where the kernel has no WireGuard, a virtual machine with one that has.
TEST_COMMANDS+=(qemu-system-x86_64=qemu-system-x86 depmod=kmod xz=xz-utils)
# What the long tests need on top of that: they boot a Debian, and build the image of a container.
LONG_COMMANDS=(debootstrap=debootstrap systemd-nspawn=systemd-container buildah=buildah)
# What benchmarks compare with and publish to.
BENCH_COMMANDS=(rsyslogd=rsyslog nats-server=nats-server)
# Packages with a service of their own, of which only the program is wanted here.
PROGRAM_ONLY=(nats-server nginx rsyslog)

# install_debian command=package… : the packages whose commands are not there.
install_debian() {
  local pair missing=()
  # Debian keeps wg, ip and nft in sbin, which is not on every user's PATH.
  local PATH=$PATH:/usr/sbin:/sbin
  for pair in "$@"; do
    have "${pair%%=*}" || missing+=("${pair#*=}")
  done
  # nft takes the names of protocols from there, and a minimal Debian has none.
  [[ -f /etc/protocols || " $* " != *' nft='* ]] || missing+=(netbase)
  ((${#missing[@]} > 0)) || return 0
  have apt-get || die "missing: ${missing[*]} (and this is no Debian where they could be installed)"
  say "Installing Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! apt_install "$log" "${missing[@]}"; then
    note "fetching package lists"
    as_root apt-get update -qq || die "apt-get update failed"
    if ! apt_install "$log" "${missing[@]}"; then
      cat "$log" >&2
      rm -f "$log"
      die "apt-get install failed"
    fi
  fi
  rm -f "$log"
  local package
  for package in "${missing[@]}"; do
    [[ " ${PROGRAM_ONLY[*]} " != *" $package "* ]] || end_service "$package"
  done
}

# end_service NAME: Debian starts a service with its package, now and at each boot. It was not there before, so nobody uses it.
end_service() {
  if [[ -d /run/systemd/system ]]; then
    as_root systemctl disable --quiet --now "$1" || note "the service $1 goes on: systemctl disable --now $1"
  else
    as_root service "$1" stop >/dev/null 2>&1 || true
  fi
}

# apt_install LOG PACKAGE… : shows what it fetches and sets up, as it does; all that apt says is in the log.
apt_install() {
  local log=$1
  shift
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" 2>&1 |
    tee "$log" | sed -un -e 's/^Get:[0-9]* [^ ]* [^ ]* [^ ]* /    fetching /p' -e 's/^Setting up /    &/p'
}

# use_node: puts a Node that can run this first on PATH, taking one from npm where the system's is too old.
#
# Native modules must be compiled with the headers of the Node that loads them. A user's npm configuration may point
# elsewhere (nodedir), and Debian's npm links them against its own libnode, which crashes: so headers and npm come with
# the Node that is used, from one place.
use_node() {
  local headers
  if headers=$(system_node_headers); then
    export npm_config_nodedir=$headers
    return 0
  fi
  local arch node
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) die "no Node ${NODE_MINIMUM} or newer here, and none for $(uname -m) on npm: install one" ;;
  esac
  node=$TOOLCHAIN/node_modules/node-linux-$arch
  if [[ ! -x $node/bin/node || ! -x $TOOLCHAIN/node_modules/.bin/npm ]]; then
    say "Fetching Node $NODE_MAJOR and npm $NPM_MAJOR into .toolchain (about 70 MB; the system's Node is $(system_node_version))"
    mkdir -p "$TOOLCHAIN"
    npm install --prefix "$TOOLCHAIN" --no-audit --no-fund --loglevel=error \
      "node-linux-$arch@$NODE_MAJOR" "npm@$NPM_MAJOR" || die "Node could not be fetched"
  fi
  export npm_config_nodedir=$node
  # The order matters: npm starts the first node on PATH, and .bin has another one for the major version.
  export PATH=$node/bin:$TOOLCHAIN/node_modules/.bin:$PATH
}

system_node_version() {
  node --version 2>/dev/null || echo 'not there'
}

# The directory with the headers of the system's Node, if that is new enough and comes with them and a current npm.
system_node_headers() {
  have node && have npm || return 1
  node -e '
    const { existsSync } = require("node:fs");
    const { dirname, join } = require("node:path");
    const atLeast = (a, b) => a.localeCompare(b, "en", { numeric: true }) >= 0;
    const prefix = dirname(dirname(process.execPath));
    if (!atLeast(process.versions.node, process.argv[1])) process.exit(1);
    if (!existsSync(join(prefix, "include/node/node_version.h"))) process.exit(1);
    process.stdout.write(prefix);
  ' "$NODE_MINIMUM" || return 1
  local npm_version
  npm_version=$(npm --version 2>/dev/null) || return 1
  ((${npm_version%%.*} >= 10))
}

# install_packages [native]: npm packages exactly as locked. With "native" the optional module must have been compiled.
install_packages() {
  local stamp=$ROOT/node_modules/.installed wanted
  wanted=$({ cat "$ROOT/package-lock.json"; node --version; } | sha256sum)
  if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
    [[ ${1:-} == native && ! -f $ROOT/node_modules/unix-dgram/build/Release/unix_dgram.node ]] || return 0
  fi
  say "Installing npm packages from the lock file"
  # A network with a CA of its own has put it where the system looks.
  (cd "$ROOT" && NODE_USE_SYSTEM_CA=1 npm ci --no-audit --no-fund --loglevel=error) || die "npm ci failed"
  printf '%s\n' "$wanted" >"$stamp"
}

# Compiles src to dist if anything that goes into it is newer.
build() {
  local stamp=$ROOT/dist/.built
  if [[ -f $stamp ]]; then
    local newer
    newer=$(cd "$ROOT" && find src package.json tsconfig.json tsconfig.build.json -newer "$stamp" -print -quit)
    [[ -n $newer ]] || return 0
  fi
  say "Building"
  local started
  started=$(mktemp)
  (cd "$ROOT" && npm run --silent build) || die "the build failed"
  # What changed while it was compiled is compiled again the next time.
  touch -r "$started" "$stamp"
  rm -f "$started"
}

# use_go: puts Go on PATH, if it is installed.
use_go() {
  # Its own archive unpacks there, outside most PATHs.
  have go || PATH=$PATH:${GOROOT:-/usr/local/go}/bin
  have go
}

# Compiles the genuine client, which some of the tests join with, if anything that goes into it is newer.
build_client() {
  local program=$ROOT/test/interop/bin/interop
  use_go || {
    note "Go is not installed: tests with the genuine client are skipped"
    export SIDEROLINK_INTEROP=no
    return 0
  }
  if [[ -x $program ]]; then
    local newer
    newer=$(cd "$ROOT/test/interop" && find . -path ./bin -prune -o -type f -newer "$program" -print -quit)
    [[ -n $newer ]] || return 0
  fi
  say "Building the Go client (test/interop)"
  # What changed nothing of it leaves it as it was, and as old.
  (cd "$ROOT/test/interop" && go build -o bin/interop . && touch bin/interop) || die "the Go client could not be built"
}

# use_run_state: where scripts/run keeps things, unless something else is said.
use_run_state() {
  export SIDEROLINKD__STATE_DIR=${SIDEROLINKD__STATE_DIR:-$ROOT/state}
  export SIDEROLINKD__CONTROL__SOCKET=${SIDEROLINKD__CONTROL__SOCKET:-$SIDEROLINKD__STATE_DIR/control.sock}
}

# set_up [--tools|--install|--tests|--long|--bench]: everything, or with --tools Node and the npm packages alone. Two calls
# at a time wait for each other.
set_up() {
  local commands=("${RUN_COMMANDS[@]}") native='' program=program client=''
  case ${1:-} in
    '') ;;
    --tools) commands=(npm=npm) program='' ;;
    --install) commands+=("${NATIVE_COMMANDS[@]}") native=native ;;
    --tests) commands+=("${TEST_COMMANDS[@]}") native=native ;;
    --long) commands+=("${TEST_COMMANDS[@]}" "${LONG_COMMANDS[@]}") native=native client=client ;;
    --bench) commands+=("${BENCH_COMMANDS[@]}") ;;
    *) die "unknown argument: $1" ;;
  esac
  mkdir -p "$TOOLCHAIN"
  local lock
  exec {lock}>"$TOOLCHAIN/.lock"
  flock -n "$lock" || {
    note "waiting for another set-up in this checkout"
    flock "$lock"
  }
  install_debian "${commands[@]}"
  use_node
  install_packages "$native"
  # What is to find out why it does not compile must not wait for that.
  [[ -z $program ]] || build
  [[ -z $client ]] || build_client
  exec {lock}>&-
  # For what follows: sbin, where Debian keeps wg, ip and nft.
  export PATH=$PATH:/usr/sbin:/sbin
}
