package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/siderolabs/siderolink/pkg/tun"
	"github.com/siderolabs/siderolink/pkg/wireguard"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

const (
	// handshakeTimeout is how long Talos stays with one endpoint before it takes the next.
	handshakeTimeout = 30 * time.Second
	addressTimeout   = 5 * time.Second
	pollInterval     = 20 * time.Millisecond
	// tunnelSuffix tells the interface of the tunnel from the other, as Talos since 1.10 does (siderolink, siderolinktun).
	tunnelSuffix = "tun"
	// maxInterface is what a name may have so that this suffix still fits.
	maxInterface = unix.IFNAMSIZ - 1 - len(tunnelSuffix)
)

// link is the machine's WireGuard interface.
//
// The module's wireguard.Device has a fixed interface name, and user-space devices of all
// network namespaces share one socket directory; so the device is put together from its parts.
type link struct {
	name    string
	backend string // kernel, userspace or tunnel
	ctrl    *wgctrl.Client
	tunnel  *tunnel // nil for UDP
	undo    []func()
}

// openLink makes the interface with its address and brings it up, without a peer.
func openLink(cfg joinConfig, p provisioned, logger *zap.Logger) (l *link, err error) {
	l = &link{name: cfg.iface}
	if p.tunnelTarget.IsValid() {
		l.name += tunnelSuffix
	}

	if _, err = net.InterfaceByName(l.name); err == nil {
		return nil, fmt.Errorf("interface %s exists already", l.name)
	}

	defer func(l *link) {
		if err != nil {
			l.close()
		}
	}(l)

	if l.ctrl, err = wgctrl.New(); err != nil {
		return nil, err
	}

	l.undo = append(l.undo, func() { l.ctrl.Close() })

	if p.tunnelTarget.IsValid() {
		err = l.openTunnel(cfg.api, p.tunnelTarget, logger)
	} else if kernelErr := l.openKernel(); kernelErr != nil {
		if err = l.openUserspace(logger); err != nil {
			err = errors.Join(err, kernelErr)
		}
	}

	if err != nil {
		return nil, err
	}

	if _, err = wireguard.SetupIPToInterface(p.nodePrefix, l.name); err != nil {
		return nil, err
	}

	iface, err := net.InterfaceByName(l.name)
	if err != nil {
		return nil, err
	}

	if err = wireguard.LinkUp(iface); err != nil {
		return nil, err
	}

	return l, waitSource(p)
}

// waitSource waits until the kernel takes the machine's address for what goes to the server: a new address is not used
// at once. Who connects before that has another for its source, which the server must drop.
func waitSource(p provisioned) error {
	ctx, cancel := context.WithTimeout(context.Background(), addressTimeout)
	defer cancel()

	return poll(ctx, "address "+p.nodePrefix.Addr().String()+" is not used", func() (bool, error) {
		// Nothing is sent: UDP only looks up its route and its source.
		c, err := net.Dial("udp", net.JoinHostPort(p.serverAddr.String(), "9"))
		if err != nil {
			return false, nil
		}
		defer c.Close()

		return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr() == p.nodePrefix.Addr(), nil
	})
}

// openKernel makes a WireGuard interface of the kernel.
func (l *link) openKernel() error {
	c, err := rtnetlink.Dial(nil)
	if err != nil {
		return err
	}
	defer c.Close()

	err = c.Link.New(&rtnetlink.LinkMessage{
		Family: unix.AF_UNSPEC,
		Attributes: &rtnetlink.LinkAttributes{
			Name: l.name,
			MTU:  wireguard.LinkMTU,
			Info: &rtnetlink.LinkInfo{Kind: "wireguard"},
		},
	})
	if err != nil {
		return fmt.Errorf("kernel WireGuard: %w", err)
	}

	l.backend = "kernel"
	l.undo = append(l.undo, l.deleteKernel)

	return nil
}

func (l *link) deleteKernel() {
	iface, err := net.InterfaceByName(l.name)
	if err != nil {
		return
	}

	c, err := rtnetlink.Dial(nil)
	if err != nil {
		return
	}
	defer c.Close()

	c.Link.Delete(uint32(iface.Index)) // waitGone tells if it failed
}

// openUserspace makes a TUN interface and runs wireguard-go on it in this process.
func (l *link) openUserspace(logger *zap.Logger) error {
	tunDevice, err := tun.CreateTUN(l.name, wireguard.LinkMTU)
	if err != nil {
		return err
	}

	dev := device.NewDevice(tunDevice, conn.NewDefaultBind(), wireguard.DeviceLogger(logger))
	l.undo = append(l.undo, dev.Close)

	uapi, err := wireguard.UAPIOpen(l.name)
	if err != nil {
		return err
	}

	l.backend = "userspace"
	l.undo = append(l.undo, func() { uapi.Close() })

	go func() {
		for {
			c, err := uapi.Accept()
			if err != nil {
				return
			}

			go dev.IpcHandle(c)
		}
	}()

	return nil
}

// openTunnel makes a user-space interface whose packets travel in the API's gRPC stream.
func (l *link) openTunnel(api apiEndpoint, target netip.AddrPort, logger *zap.Logger) (err error) {
	if l.tunnel, err = openTunnel(l.name, api, target, logger); err != nil {
		return err
	}

	l.backend = "tunnel"
	l.undo = append(l.undo, l.tunnel.close)

	return nil
}

// establish shakes hands, and reports it.
func (l *link) establish(ctx context.Context, boot int, p provisioned, key wgtypes.Key) error {
	report("link", fields{"boot": boot, "interface": l.name, "backend": l.backend})

	started := time.Now()

	endpoint, err := l.connect(ctx, p, key)
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}

	report("handshake", fields{"boot": boot, "ms": time.Since(started).Milliseconds(), "endpoint": endpoint})

	return nil
}

// connect tries the endpoints in their order until one answers with a handshake.
func (l *link) connect(ctx context.Context, p provisioned, key wgtypes.Key) (endpoint string, err error) {
	for _, endpoint = range p.linkEndpoints() {
		if err = l.setPeer(p, key, endpoint); err != nil {
			return endpoint, err
		}

		if err = l.waitHandshake(ctx); err == nil || ctx.Err() != nil {
			return endpoint, err
		}
	}

	return "", fmt.Errorf("endpoints %v: %w", p.linkEndpoints(), err)
}

// setPeer configures the device exactly as Talos does.
func (l *link) setPeer(p provisioned, key wgtypes.Key, endpoint string) error {
	return l.configure(p, key, endpoint, true)
}

// update is for the answer to a repeated Provision. Talos leaves what stayed the same, and a session with it.
func (l *link) update(before, p provisioned, key wgtypes.Key) error {
	if l.tunnel != nil {
		l.tunnel.retarget(p.tunnelTarget)
	}

	endpoint, sameServer := p.linkEndpoints()[0], p.serverKey == before.serverKey
	if sameServer && endpoint == before.linkEndpoints()[0] {
		return nil
	}

	return l.configure(p, key, endpoint, !sameServer)
}

func (l *link) configure(p provisioned, key wgtypes.Key, endpoint string, replace bool) error {
	addr, err := net.ResolveUDPAddr("udp", endpoint)
	if err != nil {
		return err
	}

	keepalive := wireguard.RecommendedPersistentKeepAliveInterval

	return l.ctrl.ConfigureDevice(l.name, wgtypes.Config{
		PrivateKey:   &key,
		ReplacePeers: replace,
		Peers: []wgtypes.PeerConfig{{
			PublicKey:                   p.serverKey,
			Endpoint:                    addr,
			PersistentKeepaliveInterval: &keepalive,
			ReplaceAllowedIPs:           true,
			AllowedIPs: []net.IPNet{{
				IP:   p.serverAddr.AsSlice(),
				Mask: net.CIDRMask(p.serverAddr.BitLen(), p.serverAddr.BitLen()),
			}},
		}},
	})
}

func (l *link) waitHandshake(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()

	return poll(ctx, "no handshake", func() (bool, error) {
		dev, err := l.ctrl.Device(l.name)
		if err != nil {
			return false, err
		}

		return len(dev.Peers) == 1 && !dev.Peers[0].LastHandshakeTime.IsZero(), nil
	})
}

// close takes the interface down, last things first. It may be called again.
func (l *link) close() {
	for _, undo := range slices.Backward(l.undo) {
		undo()
	}

	l.undo = nil
}

// waitGone waits until the interface no longer exists.
func (l *link) waitGone() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()

	return poll(ctx, "interface "+l.name+" is still there", func() (bool, error) {
		_, err := net.InterfaceByName(l.name)

		return err != nil, nil
	})
}

// poll asks until the answer is yes, an error, or ctx ends.
func poll(ctx context.Context, what string, ask func() (bool, error)) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()

	for {
		if ok, err := ask(); ok || err != nil {
			return err
		}

		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-ticker.C:
		}
	}
}
