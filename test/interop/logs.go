package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"
)

const (
	// sendTimeout and sendRetry are Talos' limits for a dial or a write, and its pause between tries.
	sendTimeout = 5 * time.Second
	sendRetry   = time.Second
	dialTimeout = 10 * time.Second
	// closeTimeout is for the receiver to read everything and close its side.
	closeTimeout = 10 * time.Second
)

type lineKind struct{ facility, priority, level, suffix string }

// kinds are what the lines take turns with.
var kinds = []lineKind{
	{"kern", "notice", "info", ""},
	{"user", "warning", "warn", " <escaped> & \"quoted\""},
	{"daemon", "err", "error", "\n SUBSYSTEM=net\n DEVICE=n2"},
	{"kern", "debug", "debug", " äöü € \u2028 \t\x01"},
}

// kernelLine builds line seq of a boot.
func kernelLine(boot, seq int, started time.Time) ([]byte, error) {
	return encodeLine(kinds[seq%len(kinds)], fmt.Sprintf("interop boot %d line %d", boot, seq), seq, started)
}

// encodeLine gives a line as it is on the wire. Marshalling a map sorts its keys, in Talos as here.
func encodeLine(kind lineKind, text string, seq int, started time.Time) ([]byte, error) {
	clock := time.Duration(seq+1) * 1013 * time.Microsecond

	line, err := json.Marshal(map[string]any{
		"clock":       clock.Microseconds(),
		"facility":    kind.facility,
		"msg":         text + kind.suffix + "\n",
		"priority":    kind.priority,
		"seq":         seq,
		"talos-level": kind.level,
		"talos-time":  started.UTC().Add(clock).Format(time.RFC3339Nano),
	})

	return append(line, '\n'), err
}

// kmsgHost gives the host and port of a log receiver's URL.
func kmsgHost(target string) (string, error) {
	u, err := url.Parse(target)
	if err != nil {
		return "", err
	}

	if u.Scheme != "tcp" {
		return "", fmt.Errorf("%s: only tcp:// is supported", target)
	}

	return u.Host, nil
}

// sendLines sends lines 0 to n-1 over one TCP connection, a write each, and makes sure that
// the receiver has read them all: the end of the link must not decide what arrives.
func sendLines(ctx context.Context, target string, boot, n int, started time.Time) error {
	host, err := kmsgHost(target)
	if err != nil {
		return err
	}

	c, err := dialKmsg(ctx, host)
	if err != nil {
		return err
	}
	defer c.Close()

	// An interrupt ends a write or a read that hangs.
	defer context.AfterFunc(ctx, func() { c.Close() })()

	for seq := range n {
		line, err := kernelLine(boot, seq, started)
		if err != nil {
			return err
		}

		c.SetWriteDeadline(time.Now().Add(sendTimeout))

		if _, err = c.Write(line); err != nil {
			return fmt.Errorf("line %d: %w", seq, err)
		}
	}

	if err := c.CloseWrite(); err != nil {
		return err
	}

	c.SetReadDeadline(time.Now().Add(closeTimeout))

	if got, err := io.Copy(io.Discard, c); err != nil {
		return fmt.Errorf("the receiver did not close: %w", err)
	} else if got > 0 {
		return fmt.Errorf("the receiver sent %d bytes, Talos expects none", got)
	}

	report("lines", fields{"boot": boot, "sent": n})

	return nil
}

// dialKmsg tries again, as Talos does, until dialTimeout.
func dialKmsg(ctx context.Context, addr string) (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()

	for {
		dialer := net.Dialer{Timeout: sendTimeout}

		c, err := dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.(*net.TCPConn), nil
		}

		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(sendRetry):
		}
	}
}
