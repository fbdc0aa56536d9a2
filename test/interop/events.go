package main

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/rs/xid"
	eventsapi "github.com/siderolabs/siderolink/api/events"
	"github.com/siderolabs/talos/pkg/machinery/api/common"
	"github.com/siderolabs/talos/pkg/machinery/api/machine"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	publishTimeout = 10 * time.Second
	typePrefix     = "type.googleapis.com/"
	// unknownType is an event that no server of today knows.
	unknownType = "machine.InteropUnknownEvent"
	// rebootRestart is LINUX_REBOOT_CMD_RESTART.
	rebootRestart = 0x01234567
)

// bootEvents is one message of each type that Talos can publish.
func bootEvents(boot int, node netip.Addr) []proto.Message {
	return []proto.Message{
		&machine.SequenceEvent{
			Sequence: "boot",
			Action:   machine.SequenceEvent_NOOP,
			Error:    &common.Error{Code: common.Code_LOCKED, Message: "sequence not started: interop"},
		},
		&machine.PhaseEvent{Phase: "interop", Action: machine.PhaseEvent_STOP},
		&machine.TaskEvent{Task: "interop", Action: machine.TaskEvent_STOP},
		&machine.ServiceStateEvent{
			Service: "interop",
			Action:  machine.ServiceStateEvent_RUNNING,
			Message: fmt.Sprintf("Health check successful in boot %d", boot),
			Health:  &machine.ServiceHealth{Healthy: true, LastMessage: "fine", LastChange: timestamppb.Now()},
		},
		&machine.RestartEvent{Cmd: rebootRestart},
		&machine.ConfigLoadErrorEvent{Error: "interop: no such document"},
		&machine.ConfigValidationErrorEvent{Error: "interop: 1 error occurred:\n\t* not valid\n"},
		&machine.AddressEvent{Hostname: "interop", Addresses: []string{"192.0.2.10", node.String()}},
		&machine.MachineStatusEvent{
			Stage: machine.MachineStatusEvent_RUNNING,
			Status: &machine.MachineStatusEvent_MachineStatus{
				UnmetConditions: []*machine.MachineStatusEvent_MachineStatus_UnmetCondition{
					{Name: "nodeReady", Reason: "interop is not a node"},
				},
			},
		},
	}
}

// publishEach publishes the events one after the other, as Talos does, and an unknown one last.
func publishEach(ctx context.Context, addr string, boot int, node netip.Addr) error {
	// Talos never uses TLS here.
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy())
	if err != nil {
		return err
	}
	defer conn.Close()

	client := eventsapi.NewEventSinkServiceClient(conn)
	packed := make([]*anypb.Any, 0, 10)

	for _, msg := range bootEvents(boot, node) {
		data, err := anypb.New(msg)
		if err != nil {
			return err
		}

		packed = append(packed, data)
	}

	// Its value is well-formed: field 1, a string of 7 bytes.
	packed = append(packed, &anypb.Any{TypeUrl: typePrefix + unknownType, Value: []byte("\x0a\x07interop")})

	for _, data := range packed {
		if err := publish(ctx, client, boot, data); err != nil {
			return err
		}
	}

	return nil
}

func publish(ctx context.Context, client eventsapi.EventSinkServiceClient, boot int, data *anypb.Any) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()

	req := &eventsapi.EventRequest{Data: data, Id: xid.New().String()}
	name := strings.TrimPrefix(data.TypeUrl, typePrefix)

	if data.MessageIs(&machine.RestartEvent{}) {
		req.ActorId = uuid.NewString() // someone called Reboot
	}

	// Talos starts over after an error; waiting for the connection comes to the same.
	if _, err := client.Publish(ctx, req, grpc.WaitForReady(true)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}

	report("event", fields{"boot": boot, "type": name, "id": req.Id, "ok": true})

	return nil
}
