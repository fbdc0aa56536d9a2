#!/bin/sh
# Starts siderolinkd with settings of Node and of the C library's allocator under which it takes less memory and is faster
# (docs/performance.md, "Memory"). Both are read when a process starts, so it cannot set them itself. The allocator's may
# be set otherwise in the environment.
#
# What threads leave free is not kept for each of them, and a storm does not make the young generation grow to 128 MB. It is
# small, so the collector's helpers would be waited for longer than they help where no core is free.
# Lines of a commit are copied twice on their way into SQLite, some 200 KB at a time: that memory stays with the process from
# one to the next, instead of coming anew from the kernel, page by page (mallopt(3), M_MMAP_THRESHOLD, M_TRIM_THRESHOLD).
set -eu
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"
export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-4194304}"
export MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-16777216}"

# Commands are links to this file, as npm makes them.
file=$0
[ ! -L "$file" ] || file=$(readlink -f "$file")
case $file in */*) directory=${file%/*} ;; *) directory=. ;; esac
# Packages and images bring the Node that they were built for.
node=$directory/../../bin/node
[ -x "$node" ] || node=node
# exec: signals, inherited sockets and the process that systemd watches are the daemon's.
exec "$node" --max-semi-space-size=16 --no-parallel-scavenge "$directory/main.js" "$@"
