import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { status } from '@grpc/grpc-js';
import { newKey } from '../fleet/fakes.ts';
import type { Namespace } from '../helpers/netns.ts';

const WORKER = fileURLToPath(new URL('./caller-worker.ts', import.meta.url));

/** A ProvisionRequest as it goes over the wire; null or left out: not in it. */
export interface ProvisionFields {
  readonly node_uuid: string;
  readonly node_public_key: string;
  readonly join_token?: string | null;
  readonly node_unique_token?: string | null;
  readonly talos_version?: string | null;
}

export interface CallerRequest {
  readonly id: number;
  readonly api: { readonly host: string; readonly port: number };
  readonly fields: ProvisionFields;
  /** The connection is cut before the answer. */
  readonly lose: boolean;
}

export type CallerMessage =
  | { readonly kind: 'ready' }
  | ({ readonly id: number; readonly kind: 'answered' } & Provisioned)
  | { readonly id: number; readonly kind: 'refused'; readonly code: number; readonly message: string }
  | { readonly id: number; readonly kind: 'lost' };

export interface Provisioned {
  readonly address: string;
  readonly serverAddress: string;
  readonly serverKey: string;
  readonly endpoints: readonly string[];
}

/** The same words for whoever is not let in, whatever the reason. */
export const UNAUTHORIZED = { code: status.PERMISSION_DENIED, message: 'unauthorized' };

/** What a test says of a call; the rest is as a Talos 1.13 with the gateway's join token sends it. */
export interface Call {
  readonly uuid: string;
  /** Default: a new one. */
  readonly key?: string;
  /** null: none. */
  readonly joinToken?: string | null;
  /** Default: the empty one of a machine that has none. null: a Talos before 1.6. */
  readonly uniqueToken?: string | null;
  readonly version?: string | null;
}

/** Whoever calls Provision without being a machine: with any key, UUID and tokens, from a network namespace. */
export class Caller {
  readonly #child: ChildProcess;
  readonly #api: CallerRequest['api'];
  readonly #joinToken: string;
  readonly #pending = new Map<number, (message: Exclude<CallerMessage, { kind: 'ready' }>) => void>();
  #nextId = 1;

  private constructor(child: ChildProcess, api: CallerRequest['api'], joinToken: string) {
    this.#child = child;
    this.#api = api;
    this.#joinToken = joinToken;
  }

  static async start(namespace: Namespace, api: CallerRequest['api'], joinToken: string): Promise<Caller> {
    const child = namespace.spawn([process.execPath, WORKER], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const caller = new Caller(child, api, joinToken);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once('exit', (code) => reject(new Error(`the caller ended with ${code}`)));
    child.on('message', (message: CallerMessage) => {
      if (message.kind === 'ready') resolve();
      else caller.#pending.get(message.id)?.(message);
    });
    await promise;
    return caller;
  }

  /** @throws Error if it is refused */
  async provision(call: Call): Promise<Provisioned> {
    const answer = await this.#call(call, false);
    if (answer.kind !== 'answered') throw new Error(`refused: ${JSON.stringify(answer)}`);
    const { id: _, kind: __, ...provisioned } = answer;
    return provisioned;
  }

  /** Joins as a machine that nobody knows, unless the call says more. */
  async join(call: Partial<Call> = {}): Promise<{ uuid: string; key: string; address: string }> {
    const mine = { uuid: randomUUID(), key: newKey(), ...call };
    return { ...mine, address: (await this.provision(mine)).address };
  }

  async isAdmitted(call: Call): Promise<boolean> {
    return (await this.#call(call, false)).kind === 'answered';
  }

  /** What the caller is told. @throws Error if it is let in */
  async refusal(call: Call): Promise<{ readonly code: number; readonly message: string }> {
    const answer = await this.#call(call, false);
    if (answer.kind !== 'refused') throw new Error(`not refused: ${JSON.stringify(answer)}`);
    return { code: answer.code, message: answer.message };
  }

  /** A call whose answer is lost: its connection is cut as soon as the gateway has read it. */
  async provisionAndLose(call: Call): Promise<void> {
    await this.#call(call, true);
  }

  #call(
    { uuid, key, joinToken, uniqueToken, version }: Call,
    lose: boolean,
  ): Promise<Exclude<CallerMessage, { kind: 'ready' }>> {
    const id = this.#nextId++;
    const fields: ProvisionFields = {
      node_uuid: uuid,
      node_public_key: key ?? newKey(),
      join_token: joinToken === undefined ? this.#joinToken : joinToken,
      node_unique_token: uniqueToken === undefined ? '' : uniqueToken,
      talos_version: version === undefined ? 'v1.13.0' : version,
    };
    const { promise, resolve, reject } = Promise.withResolvers<Exclude<CallerMessage, { kind: 'ready' }>>();
    this.#pending.set(id, (message) => {
      this.#pending.delete(id);
      resolve(message);
    });
    const request: CallerRequest = { id, api: this.#api, fields, lose };
    this.#child.send(request, (error) => {
      if (error !== null) reject(error);
    });
    return promise;
  }
}
