package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/siderolabs/siderolink/pkg/wgtunnel/wgbind"
	"go.uber.org/zap"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// shortestPacket is the length of WireGuard's keepalive.
const shortestPacket = 32

// life is one boot of a machine that lives on and does what it is told.
type life struct {
	cfg     joinConfig
	logger  *zap.Logger
	key     wgtypes.Key
	started time.Time
	given   provisioned
	link    *link
	logs    *lineSender
	events  *eventSender
}

// live boots a machine once, and then follows the commands that come in, one a line, until they end.
func live(ctx context.Context, cfg joinConfig, commands io.Reader) error {
	m := &life{cfg: cfg, logger: newLogger(), started: time.Now()}

	var err error
	if m.key, err = wgtypes.GeneratePrivateKey(); err != nil {
		return err
	}

	defer func() {
		if m.link != nil {
			m.link.close()
		}
	}()

	if err = m.provision(ctx); err != nil {
		return err
	}

	m.logs = startLines(ctx, cfg.kmsgTarget(m.given), m.started)
	m.events = startEvents(ctx, cfg.eventsTarget(m.given))

	for line := range readLines(ctx, commands) {
		if err = m.follow(ctx, line); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}

	return nil
}

// follow does what one command says.
func (m *life) follow(ctx context.Context, line string) error {
	command, rest, _ := strings.Cut(line, " ")

	switch command {
	case "provision":
		// Talos would try again, after a while; here a refusal shows.
		if err := m.provision(ctx); err != nil {
			report("refused", fields{"error": err.Error()})
		}

		return nil
	case "log":
		return m.logs.add(rest)
	case "event":
		return m.events.add(rest)
	case "relay":
		return m.addRelay(ctx, rest)
	case "state":
		return m.reportState()
	default:
		return fmt.Errorf("no such command")
	}
}

// provision calls Provision with the key of this boot and makes the link what the answer says: a link of the same kind
// stays, one of another kind is replaced.
func (m *life) provision(ctx context.Context) error {
	started := time.Now()

	p, err := provision(ctx, m.cfg, m.key)
	if err != nil {
		return err
	}

	reportProvisioned(1, time.Since(started), m.key, p)

	before := m.given
	m.given = p

	if m.link != nil {
		if (m.link.tunnel != nil) == p.tunnelTarget.IsValid() {
			return m.link.update(before, p, m.key)
		}

		m.link.close()

		if err = m.link.waitGone(); err != nil {
			return err
		}
	}

	if m.link, err = openLink(m.cfg, p, m.logger); err != nil {
		return fmt.Errorf("link: %w", err)
	}

	return m.link.establish(ctx, 1, p, m.key)
}

// addRelay starts one more genuine relay, without a device: for this machine's virtual address, or for the one given.
// One that has sent nothing would wait for ever with the first packet that comes, and never learn that its stream ended.
func (m *life) addRelay(ctx context.Context, address string) error {
	target := m.given.tunnelTarget

	if address != "" {
		var err error
		if target, err = netip.ParseAddrPort(address); err != nil {
			return err
		}
	}

	queues := wgbind.NewQueuePair(tunnelQueue, tunnelQueue)
	nothing := wgbind.Packet{Addr: target.String(), Data: make([]byte, shortestPacket)}

	if err := queues.ToPeer.Push(ctx, nothing); err != nil {
		return err
	}

	go func() {
		if err := runRelay(ctx, m.cfg.api, queues, target, m.logger); ctx.Err() == nil {
			reportStatus("added_relay_ended", target.String(), err)
		}
	}()

	return nil
}

func (m *life) reportState() error {
	dev, err := m.link.ctrl.Device(m.link.name)
	if err != nil {
		return err
	}

	if len(dev.Peers) != 1 {
		return fmt.Errorf("%d peers", len(dev.Peers))
	}

	peer := dev.Peers[0]
	report("state", fields{
		"backend":    m.link.backend,
		"public_key": dev.PublicKey.String(),
		"endpoint":   peer.Endpoint.String(),
		"handshake":  peer.LastHandshakeTime.UTC().Format(time.RFC3339Nano),
		"received":   peer.ReceiveBytes,
		"sent":       peer.TransmitBytes,
	})

	return nil
}

// readLines gives what comes, line by line, until it or ctx ends.
func readLines(ctx context.Context, from io.Reader) <-chan string {
	lines := make(chan string)

	go func() {
		defer close(lines)

		for scanner := bufio.NewScanner(from); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()

	// A read of stdin knows no context.
	if file, ok := from.(*os.File); ok {
		context.AfterFunc(ctx, func() { file.Close() })
	}

	return lines
}

func (cfg joinConfig) eventsTarget(p provisioned) string {
	if cfg.eventsAddr != "" {
		return cfg.eventsAddr
	}

	return net.JoinHostPort(p.serverAddr.String(), "4002")
}

func (cfg joinConfig) kmsgTarget(p provisioned) string {
	if cfg.kmsgURL != "" {
		return cfg.kmsgURL
	}

	return "tcp://" + net.JoinHostPort(p.serverAddr.String(), "4001")
}
