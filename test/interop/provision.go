package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"time"

	pb "github.com/siderolabs/siderolink/api/siderolink"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// provisionTimeout is what Talos allows for one Provision call.
const provisionTimeout = 30 * time.Second

// apiEndpoint is what Talos takes from siderolink.api.
type apiEndpoint struct {
	host      string // as given to grpc.NewClient
	insecure  bool
	joinToken string
	tunnel    bool
}

var hasScheme = regexp.MustCompile(`[a-zA-Z]+://`)

// parseAPI follows Talos: no scheme means grpc, grpc means plaintext, anything else TLS.
// Its errors never show the URL, which holds the join token.
func parseAPI(s string) (apiEndpoint, error) {
	if !hasScheme.MatchString(s) {
		s = "grpc://" + s
	}

	u, err := url.Parse(s)
	if err != nil {
		var parseErr *url.Error
		if errors.As(err, &parseErr) {
			err = parseErr.Err
		}

		return apiEndpoint{}, err
	}

	host := u.Host
	if u.Port() == "" && u.Scheme == "https" {
		host += ":443"
	}

	query := u.Query()
	tunnel := query.Get("grpc_tunnel")

	return apiEndpoint{
		host:      host,
		insecure:  u.Scheme == "grpc",
		joinToken: query.Get("jointoken"),
		tunnel:    tunnel == "true" || tunnel == "y",
	}, nil
}

// dialOptions leaves out proxies: the test's network namespace has none.
func (e apiEndpoint) dialOptions() []grpc.DialOption {
	creds := insecure.NewCredentials()
	if !e.insecure {
		creds = credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12})
	}

	return []grpc.DialOption{grpc.WithTransportCredentials(creds), grpc.WithNoProxy()}
}

// release is the part of a Talos version that decides what a client sends.
type release struct{ major, minor int }

func parseRelease(version string) (r release, err error) {
	if _, err = fmt.Sscanf(version, "v%d.%d", &r.major, &r.minor); err != nil {
		return r, fmt.Errorf("%q is not a version like v1.13.0", version)
	}

	return r, nil
}

// since says whether this release is 1.minor or newer.
func (r release) since(minor int) bool {
	return r.major > 1 || r.major == 1 && r.minor >= minor
}

// provisioned is a parsed ProvisionResponse.
type provisioned struct {
	endpoints    []string // in the order in which to try them
	serverKey    wgtypes.Key
	nodePrefix   netip.Prefix
	serverAddr   netip.Addr
	tunnelTarget netip.AddrPort // valid if the endpoint wants WireGuard over gRPC
}

// linkEndpoints are what to give the device, in their order. For the tunnel's it is no more than a name.
func (p provisioned) linkEndpoints() []string {
	if p.tunnelTarget.IsValid() {
		return []string{p.tunnelTarget.String()}
	}

	return p.endpoints
}

// provision makes the one call that Talos makes, over a connection of its own.
func provision(ctx context.Context, cfg joinConfig, key wgtypes.Key) (provisioned, error) {
	ctx, cancel := context.WithTimeout(ctx, provisionTimeout)
	defer cancel()

	conn, err := grpc.NewClient(cfg.api.host, cfg.api.dialOptions()...)
	if err != nil {
		return provisioned{}, err
	}
	defer conn.Close()

	resp, err := pb.NewProvisionServiceClient(conn).Provision(ctx, provisionRequest(cfg, key))
	if err != nil {
		return provisioned{}, fmt.Errorf("provision: %w", err)
	}

	p, err := parseProvisioned(resp, cfg.release)
	if err != nil {
		return provisioned{}, fmt.Errorf("provision answer: %w", err)
	}

	return p, nil
}

// provisionRequest fills the fields that the chosen Talos release sends.
func provisionRequest(cfg joinConfig, key wgtypes.Key) *pb.ProvisionRequest {
	req := &pb.ProvisionRequest{
		NodeUuid:      cfg.uuid,
		NodePublicKey: key.PublicKey().String(),
	}

	if cfg.release.since(1) && cfg.api.joinToken != "" {
		req.JoinToken = &cfg.api.joinToken
	}

	if cfg.release.since(6) {
		req.NodeUniqueToken = &cfg.uniqueToken // present even if empty
		req.TalosVersion = &cfg.talosVersion
	}

	if cfg.release.since(7) && cfg.api.tunnel {
		req.WireguardOverGrpc = &cfg.api.tunnel
	}

	return req
}

func parseProvisioned(resp *pb.ProvisionResponse, rel release) (p provisioned, err error) {
	p.endpoints = resp.GetEndpoints()
	if len(p.endpoints) == 0 {
		return p, errors.New("no server_endpoint")
	}

	if !rel.since(6) {
		// To these clients the field is a single string, of which protobuf takes the last.
		p.endpoints = resp.ServerEndpoint[len(resp.ServerEndpoint)-1:]
	}

	if p.serverKey, err = wgtypes.ParseKey(resp.ServerPublicKey); err != nil {
		return p, fmt.Errorf("server_public_key: %w", err)
	}

	if p.nodePrefix, err = netip.ParsePrefix(resp.NodeAddressPrefix); err != nil {
		return p, fmt.Errorf("node_address_prefix: %w", err)
	}

	if p.serverAddr, err = netip.ParseAddr(resp.ServerAddress); err != nil {
		return p, fmt.Errorf("server_address: %w", err)
	}

	if rel.since(7) && resp.GrpcPeerAddrPort != "" {
		if p.tunnelTarget, err = netip.ParseAddrPort(resp.GrpcPeerAddrPort); err != nil {
			return p, fmt.Errorf("grpc_peer_addr_port: %w", err)
		}
	}

	for _, addr := range []netip.Addr{p.nodePrefix.Addr(), p.serverAddr} {
		if !isSideroLink(addr) {
			return p, fmt.Errorf("%s is not a SideroLink address: Talos would not serve its maintenance API on it", addr)
		}
	}

	// Talos adds the address and no route.
	if !p.nodePrefix.Contains(p.serverAddr) {
		return p, fmt.Errorf("server_address %s is outside node_address_prefix %s", p.serverAddr, p.nodePrefix)
	}

	return p, nil
}

// isSideroLink tells a SideroLink address as Talos does: by its first and its eighth byte.
func isSideroLink(addr netip.Addr) bool {
	b := addr.As16()

	return addr.Is6() && b[0] == 0xfd && b[7] == 0x03
}
