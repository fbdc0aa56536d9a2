/** Operator, account and user of a NATS server, as `nsc` would make them: signed JWTs for tests. */
import { createHash } from 'node:crypto';
import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createOperator>;

export interface NatsIdentities {
  /** For `startNatsServer({ auth: identities })`. */
  readonly operator: string;
  readonly accounts: Readonly<Record<string, string>>;
  /** The account that the server itself uses. */
  readonly systemAccount: string;
  /** What a `.creds` file of a new user of the account holds. */
  credentials(): string;
}

export function createIdentities(): NatsIdentities {
  const operatorKey = nkeys.createOperator();
  const accountKey = nkeys.createAccount();
  const systemKey = nkeys.createAccount();
  const operator = signed(operatorKey, operatorKey, 'operator', { type: 'operator', version: 2 });
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const account = (key: KeyPair, name: string, more: object) => {
    const claims = { type: 'account', version: 2, limits: { ...limits, ...more }, default_permissions: {} };
    return signed(operatorKey, key, name, claims);
  };
  return {
    operator,
    systemAccount: systemKey.getPublicKey(),
    accounts: {
      [accountKey.getPublicKey()]: account(accountKey, 'account', storage),
      // JetStream is not allowed in this one.
      [systemKey.getPublicKey()]: account(systemKey, 'system', {}),
    },
    credentials: () => {
      const userKey = nkeys.createUser();
      const user = signed(accountKey, userKey, 'user', {
        type: 'user',
        version: 2,
        ...{ pub: {}, sub: {}, subs: -1, data: -1, payload: -1 },
      });
      const seed = new TextDecoder().decode(userKey.getSeed());
      return [
        '-----BEGIN NATS USER JWT-----',
        user,
        '------END NATS USER JWT------',
        '',
        '-----BEGIN USER NKEY SEED-----',
        seed,
        '------END USER NKEY SEED------',
        '',
      ].join('\n');
    },
  };
}

function signed(issuer: KeyPair, subject: KeyPair, name: string, nats: object): string {
  const claims = {
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    name,
    sub: subject.getPublicKey(),
    nats,
  };
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex');
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part({ ...claims, jti })}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}
