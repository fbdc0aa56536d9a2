# siderolinkd in a container. It makes a network interface and firewall rules, so it runs as root of the container with
# one capability, and in the host's network, where the links outlive the container (with the kernel's WireGuard):
#
#   docker run --network host --cap-add NET_ADMIN --device /dev/net/tun -v siderolinkd:/var/lib/siderolinkd siderolinkd
#
# Behind a network with its own CA: mount the host's CA file at a path of its own (not over one that Debian's
# ca-certificates writes) and pass --build-arg NODE_EXTRA_CA_CERTS=<that path>.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
# An ARG leaves nothing in the image.
ARG NODE_EXTRA_CA_CERTS
WORKDIR /build
# Debian's npm fetches a current Node and npm and does nothing else: what it compiles does not run with that Node.
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates nodejs npm g++ make python3 >/dev/null \
 && case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; esac \
 && npm install --prefix /tc --no-audit --no-fund --loglevel=error node-linux-$arch@24 npm@11 \
 && ln -s /tc/node_modules/node-linux-$arch /tc/node
ENV PATH=/tc/node/bin:/tc/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    npm_config_nodedir=/tc/node
COPY package.json package-lock.json tsconfig.json tsconfig.build.json ./
COPY src src
# What stays of better-sqlite3 is the one binary that is loaded: 27 MB less.
RUN npm ci --no-audit --no-fund --loglevel=error \
 && npm run build \
 && npm prune --omit=dev --no-audit --no-fund --loglevel=error \
 && rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src \
 && case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; esac \
 && find node_modules/better-sqlite3/prebuilds -mindepth 1 -maxdepth 1 ! -name "linux-$arch*" -exec rm -rf {} + \
 && node -e 'new (require("better-sqlite3"))(":memory:").close()' \
 && mkdir -p /app/bin && cp -L /tc/node/bin/node /app/bin/node && mv dist node_modules package.json /app/

FROM ${BASE}
# netbase: nft takes the names of protocols from /etc/protocols.
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends iproute2 netbase nftables wireguard-go wireguard-tools \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
 && mkdir -p -m 0750 /run/siderolinkd && mkdir -p -m 0700 /var/lib/siderolinkd \
 && printf '#!/bin/sh\nexec /usr/lib/siderolinkd/dist/daemon/siderolinkd.sh "$@"\n' >/usr/local/bin/siderolinkd \
 && printf '#!/bin/sh\nexec /usr/lib/siderolinkd/bin/node /usr/lib/siderolinkd/dist/cli/main.js "$@"\n' >/usr/local/bin/siderolinkctl \
 && chmod 0755 /usr/local/bin/siderolinkd /usr/local/bin/siderolinkctl
COPY --from=build /app /usr/lib/siderolinkd
VOLUME /var/lib/siderolinkd
EXPOSE 8081/tcp 51821/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/usr/lib/siderolinkd/bin/node", "-e", \
  "fetch('http://127.0.0.1:9596/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# exec in the wrapper: signals reach the daemon.
ENTRYPOINT ["siderolinkd"]
CMD ["run"]
