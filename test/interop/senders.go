package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/rs/xid"
	eventsapi "github.com/siderolabs/siderolink/api/events"
	"github.com/siderolabs/talos/pkg/machinery/api/machine"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"
)

// backlog is how much may wait to be sent.
const backlog = 1000

var errBacklog = errors.New("too much waits to be sent")

// lineSender sends kernel log lines as Talos does: over one connection, a write each, and each until it was written.
type lineSender struct {
	waiting chan []byte
	next    int
	started time.Time
}

func startLines(ctx context.Context, target string, started time.Time) *lineSender {
	s := &lineSender{waiting: make(chan []byte, backlog), started: started}

	go s.run(ctx, target)

	return s
}

func (s *lineSender) add(text string) error {
	line, err := encodeLine(kinds[0], text, s.next, s.started)
	if err != nil {
		return err
	}

	s.next++

	select {
	case s.waiting <- line:
		return nil
	default:
		return errBacklog
	}
}

func (s *lineSender) run(ctx context.Context, target string) {
	var c net.Conn

	defer func() {
		if c != nil {
			c.Close()
		}
	}()

	for {
		select {
		case <-ctx.Done():
			return
		case line := <-s.waiting:
			for ctx.Err() == nil {
				var err error
				if c, err = writeLine(ctx, c, target, line); err == nil {
					break
				}

				report("line_failed", fields{"error": err.Error()})
				sleep(ctx, sendRetry)
			}
		}
	}
}

// writeLine writes to this connection, or to a new one, and gives the one for the next line.
func writeLine(ctx context.Context, c net.Conn, target string, line []byte) (net.Conn, error) {
	if c == nil {
		host, err := kmsgHost(target)
		if err != nil {
			return nil, err
		}

		dialer := net.Dialer{Timeout: sendTimeout}
		if c, err = dialer.DialContext(ctx, "tcp", host); err != nil {
			return nil, err
		}
	}

	c.SetWriteDeadline(time.Now().Add(sendTimeout))

	if _, err := c.Write(line); err != nil {
		c.Close()

		return nil, err
	}

	return c, nil
}

// eventSender publishes events as Talos does: one after the other, each until it was acknowledged, with its id.
type eventSender struct{ waiting chan *eventsapi.EventRequest }

func startEvents(ctx context.Context, addr string) *eventSender {
	s := &eventSender{waiting: make(chan *eventsapi.EventRequest, backlog)}

	go s.run(ctx, addr)

	return s
}

func (s *eventSender) add(text string) error {
	data, err := anypb.New(&machine.ServiceStateEvent{
		Service: "interop",
		Action:  machine.ServiceStateEvent_RUNNING,
		Message: text,
	})
	if err != nil {
		return err
	}

	select {
	case s.waiting <- &eventsapi.EventRequest{Data: data, Id: xid.New().String()}:
		return nil
	default:
		return errBacklog
	}
}

func (s *eventSender) run(ctx context.Context, addr string) {
	for {
		select {
		case <-ctx.Done():
			return
		case req := <-s.waiting:
			for ctx.Err() == nil {
				err := publishOnce(ctx, addr, req)
				if err == nil {
					report("event", fields{"id": req.Id, "ok": true})

					break
				}

				report("event_failed", fields{"id": req.Id, "error": err.Error()})
				sleep(ctx, sendRetry)
			}
		}
	}
}

// publishOnce uses a connection of its own, as Talos does after an error.
func publishOnce(ctx context.Context, addr string, req *eventsapi.EventRequest) error {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		return err
	}
	defer conn.Close()

	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()

	if _, err = eventsapi.NewEventSinkServiceClient(conn).Publish(ctx, req); err != nil {
		return fmt.Errorf("publish: %w", err)
	}

	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
