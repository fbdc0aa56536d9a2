package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// joinConfig is one machine and what it is to do in each of its boots.
type joinConfig struct {
	api          apiEndpoint
	uuid         string
	uniqueToken  string
	talosVersion string
	release      release
	iface        string
	eventsAddr   string
	kmsgURL      string
	eventsEach   bool
	lines        int
	repeats      int
	reboots      int
}

// join runs the first boot and the reboots after it.
func join(ctx context.Context, cfg joinConfig) error {
	// The modules' warnings go to stderr; stdout is for the steps.
	logger := zap.New(zapcore.NewCore(
		zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.Lock(os.Stderr), zap.WarnLevel))

	for boot := 1; boot <= cfg.reboots+1; boot++ {
		if boot > 1 {
			report("rebooted", fields{"boot": boot})
		}

		if err := runBoot(ctx, cfg, boot, logger); err != nil {
			return fmt.Errorf("boot %d: %w", boot, err)
		}
	}

	report("done", fields{"boots": cfg.reboots + 1})

	return nil
}

// runBoot is one life of the machine: a new key, a link, what is to be sent, and darkness.
func runBoot(ctx context.Context, cfg joinConfig, boot int, logger *zap.Logger) error {
	started := time.Now()

	key, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		return err
	}

	p, err := provision(ctx, cfg, key)
	if err != nil {
		return err
	}

	report("provisioned", fields{
		"boot":                boot,
		"ms":                  time.Since(started).Milliseconds(),
		"server_endpoint":     p.endpoints,
		"server_public_key":   p.serverKey.String(),
		"node_address_prefix": p.nodePrefix.String(),
		"server_address":      p.serverAddr.String(),
		"public_key":          key.PublicKey().String(),
		"tunnel":              p.tunnelTarget.IsValid(),
	})

	l, err := openLink(ctx, cfg, p, logger)
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	defer l.close()

	report("link", fields{"boot": boot, "interface": l.name, "backend": l.backend})

	linked := time.Now()

	endpoint, err := l.connect(ctx, p, key)
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}

	report("handshake", fields{"boot": boot, "ms": time.Since(linked).Milliseconds(), "endpoint": endpoint})

	for i := range cfg.repeats {
		again, err := provision(ctx, cfg, key)
		if err != nil {
			return fmt.Errorf("repeat %d: %w", i+1, err)
		}

		report("repeated", fields{
			"boot":                boot,
			"node_address_prefix": again.nodePrefix.String(),
			"server_public_key":   again.serverKey.String(),
		})
	}

	if cfg.eventsEach {
		addr := cfg.eventsAddr
		if addr == "" {
			addr = net.JoinHostPort(p.serverAddr.String(), "4002")
		}

		if err = publishEach(ctx, addr, boot, p.nodePrefix.Addr()); err != nil {
			return fmt.Errorf("events: %w", err)
		}
	}

	if cfg.lines > 0 {
		target := cfg.kmsgURL
		if target == "" {
			target = "tcp://" + net.JoinHostPort(p.serverAddr.String(), "4001")
		}

		if err = sendLines(ctx, target, boot, cfg.lines, started); err != nil {
			return fmt.Errorf("lines: %w", err)
		}
	}

	l.close()

	return l.waitGone()
}
