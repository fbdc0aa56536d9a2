/**
 * What a Talos machine tells of itself, decoded: the messages of facts/talos-client.md section 4.3. Enums are names
 * (a number in decimal if we do not know it), 64-bit integers are exact.
 */
export type MachineEvent =
  | {
      readonly message: 'SequenceEvent';
      readonly sequence: string;
      readonly action: string;
      readonly error: EventError | null;
    }
  | { readonly message: 'PhaseEvent'; readonly phase: string; readonly action: string }
  | { readonly message: 'TaskEvent'; readonly task: string; readonly action: string }
  | {
      readonly message: 'ServiceStateEvent';
      readonly service: string;
      readonly action: string;
      readonly text: string;
      readonly health: ServiceHealth | null;
    }
  | { readonly message: 'RestartEvent'; readonly cmd: bigint }
  | { readonly message: 'ConfigLoadErrorEvent'; readonly error: string }
  | { readonly message: 'ConfigValidationErrorEvent'; readonly error: string }
  | { readonly message: 'AddressEvent'; readonly hostname: string; readonly addresses: readonly string[] }
  | {
      readonly message: 'MachineStatusEvent';
      readonly stage: string;
      readonly ready: boolean;
      readonly unmetConditions: readonly { readonly name: string; readonly reason: string }[];
    }
  /**
   * Unknown, broken or oversized: kept as it came. `typeUrl` is empty if there was no data at all; `length` is there if
   * `raw` is not all of it.
   */
  | { readonly message: 'raw'; readonly typeUrl: string; readonly raw: Uint8Array; readonly length?: number };

export interface EventError {
  /** `FATAL`, `LOCKED`, `CANCELED`. */
  readonly code: string;
  readonly text: string;
  readonly details: readonly { readonly typeUrl: string; readonly value: Uint8Array }[];
}

export interface ServiceHealth {
  readonly unknown: boolean;
  readonly healthy: boolean;
  readonly lastMessage: string;
  /** RFC 3339 with up to nine digits; null for never (Go's zero time). */
  readonly lastChange: string | null;
}

/** An event with what surrounds it in the request. */
export interface ReceivedEvent {
  readonly event: MachineEvent;
  /** The xid that Talos gave it; empty if it gave none. */
  readonly id: string;
  readonly actorId: string;
  readonly typeUrl: string;
}

/** The event with every text and every run of bytes cleaned, before anything is made of it. */
export function cleanEvent<T extends ReceivedEvent>(
  received: T,
  guard: { text(text: string): string; bytes(bytes: Uint8Array): Uint8Array },
): T {
  const clean = (value: unknown): unknown => {
    if (typeof value === 'string') return guard.text(value);
    if (value instanceof Uint8Array) return guard.bytes(value);
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== 'object' || value === null) return value;
    // The message's name is ours: an operator's expression must not make another event of it.
    const members = Object.entries(value).map(([name, member]) => [name, name === 'message' ? member : clean(member)]);
    return Object.fromEntries(members);
  };
  return clean(received) as T;
}
