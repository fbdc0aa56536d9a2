package main

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/siderolabs/siderolink/pkg/wgtunnel"
	"github.com/siderolabs/siderolink/pkg/wgtunnel/wgbind"
	"github.com/siderolabs/siderolink/pkg/wgtunnel/wggrpc"
	"github.com/siderolabs/siderolink/pkg/wireguard"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	// relayRetry is Talos' RelayRetryTimeout: its pause when no stream can be opened.
	relayRetry = 10 * time.Second
	// relayRenew is Talos' pause before it makes a new relay, after one that was told to go.
	relayRenew = 5 * time.Second
	// tunnelQueue is the number of packets that Talos queues each way.
	tunnelQueue = 100
)

// tunnel is the genuine user-space device and the genuine relay, joined by their queues.
type tunnel struct {
	api    apiEndpoint
	logger *zap.Logger
	queues *wgbind.QueuePair
	device *wgtunnel.TunnelDevice
	target netip.AddrPort
	stop   func() // ends the relay and waits for it
}

// openTunnel makes the device; its relay starts at once, so the stream is open before there is a packet.
func openTunnel(iface string, api apiEndpoint, target netip.AddrPort, logger *zap.Logger) (*tunnel, error) {
	t := &tunnel{
		api:    api,
		logger: logger,
		queues: wgbind.NewQueuePair(tunnelQueue, tunnelQueue),
		stop:   func() {},
	}

	var err error
	if t.device, err = wgtunnel.NewTunnelDevice(iface, wireguard.LinkMTU, t.queues, logger); err != nil {
		return nil, err
	}

	go func() {
		if err := t.device.Run(); err != nil {
			logger.Warn("tunnel device", zap.Error(err))
		}
	}()

	t.retarget(target)

	return t, nil
}

// retarget gives the relay another virtual address. Talos leaves the device, and a relay that has this one already.
func (t *tunnel) retarget(target netip.AddrPort) {
	if t.target == target {
		return
	}

	t.stop()
	t.target = target

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})

	go func() {
		defer close(done)

		t.keepRelay(ctx, target)
	}()

	t.stop = func() {
		cancel()
		<-done
	}
}

// keepRelay makes a new relay for each that ends, until ctx ends.
func (t *tunnel) keepRelay(ctx context.Context, target netip.AddrPort) {
	for {
		err := runRelay(ctx, t.api, t.queues, target, t.logger)
		if ctx.Err() != nil {
			return
		}

		reportStatus("relay_ended", target.String(), err)

		select {
		case <-ctx.Done():
			return
		case <-time.After(relayRenew):
		}
	}
}

func (t *tunnel) close() {
	t.stop()
	t.device.Close()
}

// runRelay is one life of the genuine relay. It ends with an error only if the status is one that it knows, in its code
// and its text; after any other it opens a new stream with the next packet.
func runRelay(
	ctx context.Context, api apiEndpoint, queues *wgbind.QueuePair, target netip.AddrPort, logger *zap.Logger,
) error {
	options := append(api.dialOptions(), grpc.WithStreamInterceptor(reportStreams))

	relay, err := wggrpc.NewRelayToHost(api.host, relayRetry, queues, target, options...)
	if err != nil {
		return err
	}
	defer relay.Close()

	if err = relay.Run(ctx, logger); err == nil && ctx.Err() == nil {
		return errors.New("the relay ended without a reason")
	}

	return err
}

func reportStatus(step, address string, err error) {
	told := status.Convert(err)
	report(step, fields{"address": address, "code": told.Code().String(), "message": told.Message()})
}

// reportStreams tells what the relay's streams ended with, but for those that it ended itself: of most statuses the
// relay takes no notice.
func reportStreams(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer,
	options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := open(ctx, desc, conn, method, options...)
	if err != nil {
		return nil, err
	}

	sent, _ := metadata.FromOutgoingContext(ctx)

	return &reportedStream{ClientStream: stream, relay: ctx, address: strings.Join(sent.Get(wggrpc.PeerAddrKey), ",")}, nil
}

type reportedStream struct {
	grpc.ClientStream
	relay   context.Context
	address string
}

func (s *reportedStream) RecvMsg(into any) error {
	err := s.ClientStream.RecvMsg(into)
	if err != nil && s.relay.Err() == nil {
		reportStatus("stream_ended", s.address, err)
	}

	return err
}
