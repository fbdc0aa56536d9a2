// Command peers measures how the reference implementation's gateway puts machines into its WireGuard device: with the
// device of the public module itself, over wireguard-go in this process, as its agent runs it where the kernel has none.
//
// Each argument is a number of peers. For each it makes a device, gives it so many peers at once and then some more one
// after the other, the next one when the device is about to take the one before; and, unless the number is too large for
// that, another device all of them one after the other. A line of JSON each.
//
// It needs root, /dev/net/tun, a network namespace of its own (the module's interface has a fixed name) and, as
// user-space interfaces of all namespaces share it, a /run/wireguard of its own.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/siderolabs/siderolink/pkg/wireguard"
	"go.uber.org/zap"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

const (
	// more: the cost of one more peer is measured over so many that come after the others.
	more = 20
	// maxOneByOne: one after the other takes time with the square of the number.
	maxOneByOne = 1000
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: peers NUMBER…")
	}

	for _, arg := range args {
		count, err := strconv.Atoi(arg)
		if err != nil || count < 1 {
			return fmt.Errorf("%q is no number of peers", arg)
		}

		line, err := figuresOf(count)
		if err != nil {
			return err
		}

		if err = json.NewEncoder(os.Stdout).Encode(line); err != nil {
			return err
		}
	}

	return nil
}

func figuresOf(count int) (map[string]any, error) {
	events, err := newEvents(count + more)
	if err != nil {
		return nil, err
	}

	atOnce, oneMore, err := measure(events[:count], events[count:])
	if err != nil {
		return nil, err
	}

	line := map[string]any{
		"peers":                count,
		"at_once_seconds":      atOnce.seconds,
		"at_once_cpu_seconds":  atOnce.cpu,
		"one_more_seconds":     oneMore.seconds / more,
		"one_more_cpu_seconds": oneMore.cpu / more,
	}

	if count <= maxOneByOne {
		_, all, err := measure(nil, events[:count])
		if err != nil {
			return nil, err
		}

		line["one_by_one_seconds"] = all.seconds
		line["one_by_one_cpu_seconds"] = all.cpu
	}

	return line, nil
}

// source is the list of machines that join; its channel holds nothing, as that of the agent's server.
type source chan wireguard.PeerEvent

func (s source) EventCh() <-chan wireguard.PeerEvent { return s }

// handler hears of each peer after the device was read for it and before it is changed.
type handler struct {
	taken chan struct{}
}

func (h *handler) HandlePeerAdded(wireguard.PeerEvent) error {
	h.taken <- struct{}{}

	return nil
}

func (h *handler) HandlePeerRemoved(wgtypes.Key) error { return nil }

// figures is what something took; cpu is of this process, the device in it included.
type figures struct {
	seconds, cpu float64
}

// measure gives a new device some peers at once and then others one after the other.
func measure(atOnce, after []wireguard.PeerEvent) (first, second figures, err error) {
	key, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		return first, second, err
	}

	// Room for all: nothing of ours slows the device down.
	h := &handler{taken: make(chan struct{}, len(atOnce)+len(after))}
	logger := zap.NewNop()

	device, err := wireguard.NewDevice(wireguard.DeviceConfig{
		Logger:         logger,
		PeerHandler:    h,
		PrivateKey:     key,
		ServerPrefix:   netip.MustParsePrefix("fd11:2233:4455:6603::1/64"),
		ForceUserspace: true,
	})
	if err != nil {
		return first, second, err
	}

	ctx, cancel := context.WithCancel(context.Background())
	peers := make(source)
	ended := make(chan error, 1)

	go func() { ended <- device.Run(ctx, logger, peers) }()

	defer func() {
		cancel()

		if runErr := <-ended; err == nil && runErr != nil {
			err = runErr
		}

		device.Close() //nolint:errcheck
	}()

	give := func(events []wireguard.PeerEvent, waits bool, total int) (figures, error) {
		cpu, started := cpuSeconds(), time.Now()
		open := 0

		for _, event := range events {
			select {
			case peers <- event:
				open++
			case runErr := <-ended:
				ended <- runErr

				return figures{}, fmt.Errorf("the device ended: %w", runErr)
			}

			if waits {
				<-h.taken

				open--
			}
		}

		for ; open > 0; open-- {
			<-h.taken
		}

		// Waits for the last change, because the device does one thing at a time.
		shown, err := device.Peers()
		if err != nil {
			return figures{}, err
		}

		if len(shown) != total {
			return figures{}, fmt.Errorf("the device has %d of %d peers", len(shown), total)
		}

		return figures{seconds: time.Since(started).Seconds(), cpu: cpuSeconds() - cpu}, nil
	}

	if first, err = give(atOnce, false, len(atOnce)); err != nil {
		return first, second, err
	}

	second, err = give(after, true, len(atOnce)+len(after))

	return first, second, err
}

func newEvents(count int) ([]wireguard.PeerEvent, error) {
	events := make([]wireguard.PeerEvent, count)
	keepAlive := wireguard.RecommendedPersistentKeepAliveInterval

	for i := range events {
		key, err := wgtypes.GeneratePrivateKey()
		if err != nil {
			return nil, err
		}

		address := netip.MustParseAddr("fd11:2233:4455:6603::").As16()
		binary.BigEndian.PutUint64(address[8:], uint64(i)+0x1000)

		events[i] = wireguard.PeerEvent{
			PubKey:                      key.PublicKey(),
			Address:                     netip.AddrFrom16(address),
			PersistentKeepAliveInterval: &keepAlive,
		}
	}

	return events, nil
}

// cpuSeconds is what this process has used, the WireGuard device in it included.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}

	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}
