package main

import (
	"context"
	"fmt"
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
	logger := newLogger()

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

// newLogger sends the modules' warnings to stderr; stdout is for the steps.
func newLogger() *zap.Logger {
	return zap.New(zapcore.NewCore(
		zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.Lock(os.Stderr), zap.WarnLevel))
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

	reportProvisioned(boot, time.Since(started), key, p)

	l, err := openLink(cfg, p, logger)
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	defer l.close()

	if err = l.establish(ctx, boot, p, key); err != nil {
		return err
	}

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
		if err = publishEach(ctx, cfg.eventsTarget(p), boot, p.nodePrefix.Addr()); err != nil {
			return fmt.Errorf("events: %w", err)
		}
	}

	if cfg.lines > 0 {
		if err = sendLines(ctx, cfg.kmsgTarget(p), boot, cfg.lines, started); err != nil {
			return fmt.Errorf("lines: %w", err)
		}
	}

	l.close()

	return l.waitGone()
}

func reportProvisioned(boot int, took time.Duration, key wgtypes.Key, p provisioned) {
	step := fields{
		"boot":                boot,
		"ms":                  took.Milliseconds(),
		"server_endpoint":     p.endpoints,
		"server_public_key":   p.serverKey.String(),
		"node_address_prefix": p.nodePrefix.String(),
		"server_address":      p.serverAddr.String(),
		"public_key":          key.PublicKey().String(),
		"tunnel":              p.tunnelTarget.IsValid(),
	}

	if p.tunnelTarget.IsValid() {
		step["virtual_address"] = p.tunnelTarget.String()
	}

	report("provisioned", step)
}
