import { Metadata, type ServerInterceptingCallInterface, status } from '@grpc/grpc-js';
import type { CallContext } from './grpc-call.ts';
import type { GrpcStatus } from './grpc-options.ts';

export interface TooLargeAnswer {
  /** The answer's bytes. */
  readonly handle: (announced: number) => Promise<Uint8Array>;
  readonly toStatus: (error: unknown) => GrpcStatus;
}

/**
 * Lets `handle` answer a message that is too large. grpc-js answers it by itself, from its length alone, and then discards
 * the bytes as they come. It calls the call's own `sendStatus` for that, which is the only place to say something else.
 */
export function answerTooLarge(
  call: ServerInterceptingCallInterface,
  context: CallContext,
  { handle, toStatus }: TooLargeAnswer,
): void {
  const sendStatus = call.sendStatus.bind(call);
  let isTaken = false;
  const answer = async (announced: number): Promise<void> => {
    try {
      const bytes = await handle(announced);
      if (!context.end()) return;
      call.sendMetadata(new Metadata());
      call.sendMessage(Buffer.from(bytes), () => sendStatus({ code: status.OK, details: '' }));
    } catch (error) {
      if (context.end()) sendStatus(toStatus(error));
    }
  };
  call.sendStatus = (told) => {
    const announced = told.code === status.RESOURCE_EXHAUSTED ? announcedBytes(told.details ?? '') : undefined;
    if (announced === undefined) return sendStatus(told);
    // It says so again with every frame that follows.
    if (!isTaken) void answer(announced);
    isTaken = true;
  };
}

/** How long grpc-js says that a message is which it does not take; undefined for any other text. */
function announcedBytes(details: string): number | undefined {
  const match = /^Received message (?:larger than max \((\d+) |that decompresses )/.exec(details);
  return match === null ? undefined : Number(match[1] ?? 0);
}
