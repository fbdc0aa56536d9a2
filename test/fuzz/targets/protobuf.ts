import { SiderolinkError } from '../../../src/domain/errors.ts';
import { cleanEvent } from '../../../src/domain/event.ts';
import { eventBody, eventDetail, eventId } from '../../../src/domain/event-body.ts';
import { parseJoinRequest } from '../../../src/domain/join-request.ts';
import type { PublicKey } from '../../../src/domain/keys.ts';
import { Redactor } from '../../../src/domain/redact.ts';
import { common, events, machine, sidero } from '../../../src/gen/proto.js';
import { decodeEvent } from '../../../src/sinks/event-decode.ts';
import { frame, unframe } from '../../../src/talos/framing.ts';
import { type Dice, EDGES } from '../dice.ts';
import { must, orRefused, type Target } from '../fuzzer.ts';

const KEY = 'TNgY2CPVCL1pVYVB5BkHtwm8nQM4pYBTHGNwMGrM0ic=';
const OWN_KEY = 'hOB8sQeCzYEQZbZ4zXUDvFqpYsbKJMqdOnAGZvJQ8Xg=' as PublicKey;
const MAX_RAW = 4_096;
const MAX_EVENT = 16_384;

/** Fields as protobuf has them, true and false: any number, any wire type, any length. */
function fields(dice: Dice, depth = 3): Buffer {
  const parts = dice.list(8, () => {
    const wire = dice.pick([0, 0, 1, 2, 2, 2, 2, 3, 4, 5, 6, 7]);
    const tag = varint(BigInt(dice.chance(0.9) ? dice.int(1, 6) : dice.pick(EDGES)) * 8n + BigInt(wire));
    switch (wire) {
      case 0:
        return Buffer.concat([tag, varint(BigInt(dice.pick(EDGES)))]);
      case 1:
        return Buffer.concat([tag, dice.bytes(8)]);
      case 2: {
        const content = depth > 0 && dice.chance(0.5) ? fields(dice, depth - 1) : Buffer.from(dice.text(dice.few(60)));
        const length = dice.chance(0.97) ? content.length : dice.pick(EDGES);
        return Buffer.concat([tag, varint(BigInt(length)), content]);
      }
      default:
        return Buffer.concat([tag, dice.bytes(wire === 5 ? 4 : 0)]);
    }
  });
  return Buffer.concat(parts);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

const EVENTS: readonly [string, ...string[]] = [
  ...['SequenceEvent', 'PhaseEvent', 'TaskEvent', 'ServiceStateEvent', 'RestartEvent', 'ConfigLoadErrorEvent'],
  ...['ConfigValidationErrorEvent', 'AddressEvent', 'MachineStatusEvent'],
] as [string, ...string[]];

function envelope(name: string, value: Uint8Array, id = 'cnq2hv8c7svc73aqj3g0'): Buffer {
  const data = { type_url: `type.googleapis.com/machine.${name}`, value };
  return Buffer.from(events.EventRequest.encode(events.EventRequest.fromObject({ id, actor_id: 'a', data })).finish());
}

/** One true message of every type. */
function eventSeeds(): Buffer[] {
  const error = common.Error.fromObject({
    code: 2,
    message: 'jointoken=x',
    details: [{ type_url: 'a/b', value: Buffer.from('v') }],
  });
  const health = {
    unknown: false,
    healthy: true,
    last_message: 'ok',
    last_change: { seconds: 1_790_000_000, nanos: 5_000 },
  };
  const unmet_conditions = [{ name: 'services', reason: 'etcd not healthy' }];
  const made: readonly (readonly [string, Uint8Array])[] = [
    [
      'SequenceEvent',
      machine.SequenceEvent.encode(machine.SequenceEvent.fromObject({ sequence: 'boot', action: 1, error })).finish(),
    ],
    ['PhaseEvent', machine.PhaseEvent.encode(machine.PhaseEvent.fromObject({ phase: 'etcd', action: 1 })).finish()],
    ['TaskEvent', machine.TaskEvent.encode(machine.TaskEvent.fromObject({ task: 'startEtcd', action: 0 })).finish()],
    [
      'ServiceStateEvent',
      machine.ServiceStateEvent.encode(
        machine.ServiceStateEvent.fromObject({ service: 'apid', action: 6, message: 'up', health }),
      ).finish(),
    ],
    [
      'RestartEvent',
      machine.RestartEvent.encode(machine.RestartEvent.fromObject({ cmd: '-9223372036854775808' })).finish(),
    ],
    [
      'ConfigLoadErrorEvent',
      machine.ConfigLoadErrorEvent.encode(machine.ConfigLoadErrorEvent.fromObject({ error: 'x' })).finish(),
    ],
    [
      'ConfigValidationErrorEvent',
      machine.ConfigValidationErrorEvent.encode(machine.ConfigValidationErrorEvent.fromObject({ error: 'y' })).finish(),
    ],
    [
      'AddressEvent',
      machine.AddressEvent.encode(
        machine.AddressEvent.fromObject({ hostname: 'h', addresses: ['10.0.0.1', 'fd00::1'] }),
      ).finish(),
    ],
    [
      'MachineStatusEvent',
      machine.MachineStatusEvent.encode(
        machine.MachineStatusEvent.fromObject({ stage: 3, status: { ready: false, unmet_conditions } }),
      ).finish(),
    ],
  ];
  return made.map(([name, value]) => envelope(name, value));
}

/** Whatever a machine publishes becomes a record's body: JSON, no longer than a few times what came. */
export const machineEvents: Target = {
  name: 'events',
  share: 110,
  words: [
    'type.googleapis.com/machine.',
    ...EVENTS,
    '\x0a\x00',
    '\xff\xff\xff\xff\x0f',
    'jointoken=a',
    '\x0b'.repeat(200),
  ],
  outcomes: ['decoded', 'unknown', 'broken', 'no_data', 'oversized'],
  seeds: eventSeeds,
  generate: (dice) => {
    if (dice.chance(0.1)) return fields(dice);
    if (dice.chance(0.01)) return envelope(dice.pick(EVENTS), Buffer.alloc(MAX_EVENT + dice.int(-50, 50), 'x'));
    return envelope(
      dice.chance(0.9) ? dice.pick(EVENTS) : dice.text(9),
      fields(dice),
      dice.text(dice.few(400)).toWellFormed(),
    );
  },
  begin: () => {
    const redactor = new Redactor();
    return (input) => {
      const decoded = cleanEvent(decodeEvent(input, { maxEventBytes: MAX_EVENT }), redactor);
      const body = eventBody(decoded, '[fd00::2]:1234', MAX_RAW);
      const value: unknown = JSON.parse(body);
      must(typeof value === 'object' && value !== null && !Array.isArray(value), 'the body is an object');
      must(!body.includes('\n'), 'the body is one line');
      // A character may become an escape of six, an empty member of a list its names.
      must(body.length <= 2_000 + 40 * input.length, `${input.length} bytes became ${body.length}`);
      must(
        decoded.fault === null || decoded.fault === 'no_data' || body.length < 4_000 + 2 * MAX_RAW,
        'what is kept raw is bounded',
      );
      must(
        /^[\w-]+$/.test(eventDetail(decoded)) && eventDetail(decoded).length <= 3 * 256,
        'the detail is a subject token',
      );
      must(eventId(decoded).length <= 256, 'the id is bounded');
      return decoded.fault ?? 'decoded';
    };
  },
};

function provision(change: Record<string, unknown> = {}): Buffer {
  const message = {
    node_uuid: '71233efd-7a07-43f8-b6ba-da90fae0e88b',
    node_public_key: KEY,
    join_token: 'secret-join-token',
    node_unique_token: '',
    talos_version: 'v1.13.0',
    wireguard_over_grpc: false,
    ...change,
  };
  return Buffer.from(sidero.link.ProvisionRequest.encode(sidero.link.ProvisionRequest.fromObject(message)).finish());
}

/** What `Provision` is called with: taken, or refused with an error of ours that repeats no secret. */
export const joinRequests: Target = {
  name: 'join-requests',
  share: 80,
  words: [KEY, OWN_KEY, 'secret-join-token', 'v1.13.0', '00000000-0000-0000-0000-000000000000', 't'.repeat(5_000)],
  outcomes: ['taken', 'refused', 'broken'],
  seeds: () => [provision(), provision({ join_token: 't'.repeat(4_097) }), provision({ node_public_key: OWN_KEY })],
  generate: (dice) => {
    if (dice.chance(0.2)) return fields(dice);
    return provision({
      ...(dice.chance(0.3) && { node_uuid: dice.text(dice.few(80)).toWellFormed() }),
      ...(dice.chance(0.3) && { node_public_key: dice.bytes(dice.pick([31, 32, 32, 33])).toString('base64') }),
      ...(dice.chance(0.3) && { talos_version: dice.text(dice.few(80)).toWellFormed() }),
      ...(dice.chance(0.3) && { node_unique_token: dice.text(dice.few(60)).toWellFormed() }),
    });
  },
  begin: () => (input) => {
    let message: sidero.link.ProvisionRequest;
    try {
      message = sidero.link.ProvisionRequest.decode(input);
    } catch (error) {
      // The gRPC edge answers any of these.
      must(error instanceof Error, 'an error is thrown');
      return 'broken';
    }
    const fieldsOf = {
      node_uuid: message.node_uuid,
      node_public_key: message.node_public_key,
      join_token: message.join_token ?? null,
      node_unique_token: message.node_unique_token ?? null,
      talos_version: message.talos_version ?? null,
      wireguard_over_grpc: message.wireguard_over_grpc ?? null,
    };
    const request = orRefused(
      () => parseJoinRequest(fieldsOf, OWN_KEY),
      (error) => {
        const { join_token, node_unique_token } = fieldsOf;
        for (const secret of [join_token, node_unique_token]) {
          must(secret === null || secret.length < 20 || !error.message.includes(secret), 'no refusal repeats a token');
        }
      },
    );
    if (request === undefined) return 'refused';
    must(request.asked.length <= 64 && request.key !== OWN_KEY, 'what is taken is bounded');
    must((request.talosVersion ?? '').length <= 64, 'so is the version');
    return 'taken';
  },
};

/** What a machine's API answers, once it is whole: a message or nothing. */
export const apiAnswers: Target = {
  name: 'api-answers',
  share: 40,
  words: ['\0\0\0\0\0', '\x01\0\0\0\0', '\0\xff\xff\xff\xff', 'v1.13.0'],
  outcomes: ['message', 'broken', 'unframed'],
  seeds: () => [
    frame(
      machine.VersionResponse.encode(
        machine.VersionResponse.fromObject({ messages: [{ version: { tag: 'v1.13.0' } }] }),
      ).finish(),
    ),
    frame(machine.MetaWriteResponse.encode(machine.MetaWriteResponse.fromObject({ messages: [{}] })).finish()),
  ],
  generate: (dice) => {
    const framed = frame(fields(dice));
    if (dice.chance(0.2)) framed.writeUInt32BE(dice.int(0, 2 ** 32 - 1), 1);
    return framed;
  },
  begin: () => (input) => {
    const message = unframe(input);
    if (message === undefined) return 'unframed';
    must(message.length === input.length - 5, 'it is all there');
    try {
      machine.VersionResponse.decode(message);
      machine.MetaWriteResponse.decode(message);
      return 'message';
    } catch (error) {
      must(error instanceof Error && !(error instanceof SiderolinkError), 'the caller makes an error of ours of it');
      return 'broken';
    }
  },
};
