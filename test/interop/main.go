// Command interop is one SideroLink client built from the genuine Go modules. It joins an
// endpoint the way a Talos machine does, so that a test can see whether both sides agree.
//
// Progress goes to stdout, one JSON object per step. Exit codes: 0 done, 1 failed, 2 usage.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/google/uuid"
)

const usage = `usage:
  interop join --api URL --uuid UUID --interface NAME [options]   join, send events and lines, reboot
  interop live --api URL --uuid UUID --interface NAME [options]   join, then do what standard input says
  interop version                                                 versions of the genuine modules

"interop join -h" and "interop live -h" list the options.
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}

	switch os.Args[1] {
	case "join", "live":
		cfg, err := parseJoin(os.Args[1], os.Args[2:])
		if errors.Is(err, flag.ErrHelp) {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "interop:", err)
			os.Exit(2)
		}

		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()

		run := func() error { return join(ctx, cfg) }
		if os.Args[1] == "live" {
			run = func() error { return live(ctx, cfg, os.Stdin) }
		}

		if err := run(); err != nil {
			report("failed", fields{"error": err.Error()})
			stop()
			os.Exit(1)
		}
	case "version":
		report("version", moduleVersions())
	default:
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
}

// parseJoin reads the arguments of "interop join" and "interop live".
func parseJoin(command string, args []string) (joinConfig, error) {
	var (
		cfg joinConfig
		api string
		err error
	)

	set := flag.NewFlagSet(command, flag.ContinueOnError)
	set.StringVar(&api, "api", "", "`URL` as in siderolink.api, e.g. grpc://192.0.2.1:8081?jointoken=…")
	set.StringVar(&cfg.uuid, "uuid", "", "the machine's UUID")
	set.StringVar(&cfg.uniqueToken, "unique-token", "", "unique machine token")
	set.StringVar(&cfg.talosVersion, "talos-version", "v1.13.0", "the Talos version to be, which decides the fields sent")
	set.StringVar(&cfg.iface, "interface", "", "name of the WireGuard interface, unique on this host")
	set.StringVar(&cfg.eventsAddr, "events", "", "event sink `host:port` (default [server_address]:4002)")
	set.StringVar(&cfg.kmsgURL, "kmsg", "", "log receiver `URL` (default tcp://[server_address]:4001)")

	if command == "join" {
		set.BoolVar(&cfg.eventsEach, "events-each", false, "in each boot, publish one event of each type and one of an unknown type")
		set.IntVar(&cfg.lines, "lines", 0, "kernel log lines to send in each boot")
		set.IntVar(&cfg.repeats, "repeats", 0, "in each boot, how often to call Provision again once linked, with the same key")
		set.IntVar(&cfg.reboots, "reboots", 0, "how often to reboot: new key, same UUID, seq from 0")
	}

	if err = set.Parse(args); err != nil {
		return cfg, err
	}

	if set.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q", set.Arg(0))
	}

	if api == "" || cfg.uuid == "" || cfg.iface == "" {
		return cfg, errors.New("--api, --uuid and --interface are required")
	}

	if len(cfg.iface) > maxInterface {
		return cfg, fmt.Errorf("--interface: %q has more than %d characters", cfg.iface, maxInterface)
	}

	if _, err = uuid.Parse(cfg.uuid); err != nil {
		return cfg, fmt.Errorf("--uuid: %w", err)
	}

	if cfg.api, err = parseAPI(api); err != nil {
		return cfg, fmt.Errorf("--api: %w", err)
	}

	if cfg.release, err = parseRelease(cfg.talosVersion); err != nil {
		return cfg, fmt.Errorf("--talos-version: %w", err)
	}

	return cfg, nil
}

type fields map[string]any

// report prints one step.
func report(step string, f fields) {
	line := fields{"step": step}
	for k, v := range f {
		line[k] = v
	}

	enc := json.NewEncoder(os.Stdout)
	enc.SetEscapeHTML(false)

	if err := enc.Encode(line); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
	}
}

// moduleVersions reads which genuine modules this binary was built with.
func moduleVersions() fields {
	names := map[string]string{
		"github.com/siderolabs/siderolink":          "siderolink",
		"github.com/siderolabs/talos/pkg/machinery": "machinery",
		"golang.zx2c4.com/wireguard":                "wireguard",
		"golang.zx2c4.com/wireguard/wgctrl":         "wgctrl",
		"google.golang.org/grpc":                    "grpc",
	}
	found := fields{}

	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if name := names[dep.Path]; name != "" {
				found[name] = dep.Version
			}
		}
	}

	return found
}
