import { events, machine } from '../src/gen/proto.js';
import type { RawSession } from './raw-session.ts';

export const EVENTS_PORT = 4002;
const PUBLISH = '/events.EventSinkService/Publish';
const TYPE = 'type.googleapis.com/machine.';

/** The events by which a machine's status is known: where it stands, and its name and addresses. */
export async function publishStatus(session: RawSession, name: string): Promise<void> {
  const status = machine.MachineStatusEvent.encode({
    stage: machine.MachineStatusEvent.MachineStage.RUNNING,
    status: { ready: true },
  }).finish();
  const address = machine.AddressEvent.encode({ hostname: name, addresses: ['10.5.0.2', 'fd00::2'] }).finish();
  await publish(session, `${name}-1`, 'MachineStatusEvent', status);
  await publish(session, `${name}-2`, 'AddressEvent', address);
}

async function publish(session: RawSession, id: string, type: string, value: Uint8Array): Promise<void> {
  const data = { type_url: `${TYPE}${type}`, value };
  await session.call(PUBLISH, events.EventRequest.encode({ data, id }).finish());
}
