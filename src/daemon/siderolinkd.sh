#!/bin/sh
# Starts siderolinkd with settings of Node and of the C library's allocator under which it takes much less memory
# (docs/performance.md, "Memory"). Both are read when a process starts, so it cannot set them itself. The allocator's may
# be set otherwise in the environment.
#
# Ten thousand silent connections are mostly pieces of memory of 16 KiB of which a page or two are used. Pieces that large
# have pages of their own, so what is not used is not there; and what threads leave free is not kept for each of them.
set -eu
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"
export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-16384}"

# Commands are links to this file, as npm makes them.
file=$0
[ ! -L "$file" ] || file=$(readlink -f "$file")
case $file in */*) directory=${file%/*} ;; *) directory=. ;; esac
# Packages and images bring the Node that they were built for.
node=$directory/../../bin/node
[ -x "$node" ] || node=node
# exec: signals, inherited sockets and the process that systemd watches are the daemon's.
exec "$node" --max-semi-space-size=4 "$directory/main.js" "$@"
