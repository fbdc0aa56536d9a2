# What an installed siderolinkd consists of, put below any root.
# shellcheck shell=bash disable=SC2153

# Where everything lies; the units name it as well.
LIBRARY=usr/lib/siderolinkd
# There once "siderolinkd init" has told systemd what to listen on.
# shellcheck disable=SC2034 # those who source this read it
SOCKETS_DROP_IN=etc/systemd/system/siderolinkd.service.d/siderolinkd.conf

# install_files ROOT: program, units, user and networkd files below ROOT ('' for this system). A copy that runs is
# replaced whole, by a rename: no start ever sees half of one.
install_files() {
  local root=$1 new=$1/$LIBRARY.new
  rm -rf "$new"
  program_files "$new"
  rm -rf "$root/$LIBRARY.old"
  [[ ! -d $root/$LIBRARY ]] || mv "$root/$LIBRARY" "$root/$LIBRARY.old"
  mv "$new" "$root/$LIBRARY"
  rm -rf "$root/$LIBRARY.old"

  install_wrapper "$root" siderolinkd "/$LIBRARY/dist/daemon/siderolinkd.sh"
  install_wrapper "$root" siderolinkctl "/$LIBRARY/bin/node /$LIBRARY/dist/cli/main.js"
  install_completions "$root"
  install -Dm 0644 "$ROOT/systemd/siderolinkd.sysusers" "$root/usr/lib/sysusers.d/siderolinkd.conf"
  install -Dm 0644 -t "$root/etc/systemd/system" "$ROOT"/systemd/*.service "$ROOT"/systemd/*.socket
  install -Dm 0644 -t "$root/etc/systemd/network" "$ROOT/systemd/networkd/10-siderolinkd.network"
  install -Dm 0644 -t "$root/etc/systemd/networkd.conf.d" "$ROOT/systemd/networkd/siderolinkd.conf"
}

# program_files DIRECTORY: what is compiled, the packages that it needs, and the Node that they were built for.
program_files() {
  local directory=$1 node
  node=$(node -p process.execPath)
  install -d "$directory"
  install -Dm 0755 "$node" "$directory/bin/node"
  cp -R "$ROOT/dist" "$ROOT/node_modules" "$ROOT/package.json" "$ROOT/package-lock.json" "$directory"
  (cd "$directory" && npm prune --omit=dev --no-audit --no-fund --loglevel=error) || die "npm prune failed"
  strip_sqlite "$directory/node_modules/better-sqlite3"
  rm -f "$directory/package-lock.json"
  # What npm, compilers and tests keep in a checkout that is worked in: 110 MB.
  find "$directory/node_modules" -mindepth 1 -maxdepth 1 -name '.*' -exec rm -rf {} +
  # Whoever built it: it is root's, and all may read it.
  chown -R 0:0 "$directory"
  chmod -R u=rwX,go=rX "$directory"
}

# Of better-sqlite3 only the binary of this machine is loaded: 27 MB less.
strip_sqlite() {
  local package=$1 platform
  platform=$(node -p 'process.platform + "-" + process.arch')
  rm -rf "$package/deps" "$package/src"
  find "$package/prebuilds" -mindepth 1 -maxdepth 1 ! -name "$platform*" -exec rm -rf {} +
}

# install_wrapper ROOT NAME COMMAND: a command that starts our Node, whichever else is on PATH.
install_wrapper() {
  local file=$1/usr/bin/$2
  install -d "${file%/*}"
  printf '#!/bin/sh\nexec %s "$@"\n' "$3" >"$file"
  chmod 0755 "$file"
}

# install_completions ROOT: where each shell looks for what packages bring.
install_completions() {
  local root=$1 shell file
  local -A files=(
    [bash]=usr/share/bash-completion/completions/siderolinkctl
    [zsh]=usr/share/zsh/vendor-completions/_siderolinkctl
    [fish]=usr/share/fish/vendor_completions.d/siderolinkctl.fish
  )
  for shell in "${!files[@]}"; do
    file=$root/${files[$shell]}
    install -d "${file%/*}"
    node "$ROOT/dist/cli/main.js" completion "$shell" >"$file"
    chmod 0644 "$file"
  done
}
