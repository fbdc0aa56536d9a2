import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { SiderolinkError } from '../../src/domain/errors.ts';
import { type KernelArgsInput, kernelArgs } from '../../src/domain/kernel-args.ts';
import { overlayOf } from '../../src/domain/overlay.ts';
import { TestAuthority } from '../lib/certificates.ts';

const overlay = overlayOf('AKfdafTbmPeEqjtDc3OPGK9FriGO7CCBBIOZG4RjgmY=');
const base: KernelArgsInput = {
  apiUrl: 'grpc://192.0.2.7:8081',
  server: overlay.server,
  kmsgPort: 4001,
  eventsPort: 4002,
};

/** What Talos does with the argument (facts/talos-client.md section 1.3): Go's query rules, first value only. */
function asTalosReads(argument: string | undefined): { host: string; token: string | null; tunnel: boolean } {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(argument ?? '') ?? [];
  expect(key).toBe('siderolink.api');
  const url = new URL(value ?? '');
  const query = url.searchParams;
  return { host: url.host, token: query.get('jointoken'), tunnel: query.get('grpc_tunnel') === 'true' };
}

describe('kernel arguments', () => {
  it('are the three that a machine needs, and the same as documents', () => {
    const { args, documents } = kernelArgs({ ...base, token: 'a1b2.c3-D4_e5' });
    expect(args).toEqual([
      'siderolink.api=grpc://192.0.2.7:8081?jointoken=a1b2.c3-D4_e5',
      'talos.events.sink=[fdae:2859:5bb1:7a03::1]:4002',
      'talos.logging.kernel=tcp://[fdae:2859:5bb1:7a03::1]:4001',
    ]);
    expect(documents).toBe(`apiVersion: v1alpha1
kind: SideroLinkConfig
apiUrl: 'grpc://192.0.2.7:8081?jointoken=a1b2.c3-D4_e5'
---
apiVersion: v1alpha1
kind: EventSinkConfig
endpoint: '[fdae:2859:5bb1:7a03::1]:4002'
---
apiVersion: v1alpha1
kind: KmsgLogConfig
name: siderolink
url: 'tcp://[fdae:2859:5bb1:7a03::1]:4001'
`);
  });

  it.each([
    [{ token: 'a+b c' }, 'siderolink.api=grpc://192.0.2.7:8081?jointoken=a%2Bb%20c'],
    [{}, 'siderolink.api=grpc://192.0.2.7:8081?jointoken=JOIN_TOKEN'],
    [{ token: '' }, 'siderolink.api=grpc://192.0.2.7:8081?jointoken=JOIN_TOKEN'],
    [{ tunnel: true }, 'siderolink.api=grpc://192.0.2.7:8081?jointoken=JOIN_TOKEN&grpc_tunnel=true'],
    [{ apiUrl: 'https://link.example.org' }, 'siderolink.api=https://link.example.org:443?jointoken=JOIN_TOKEN'],
    [{ apiUrl: 'https://link.example.org:8443/' }, 'siderolink.api=https://link.example.org:8443?jointoken=JOIN_TOKEN'],
    [{ apiUrl: 'grpc://[2001:db8::7]:8081' }, 'siderolink.api=grpc://[2001:db8::7]:8081?jointoken=JOIN_TOKEN'],
    [{ talosVersion: 'v1.0.6', token: 'x' }, 'siderolink.api=192.0.2.7:8081'],
  ] satisfies [Partial<KernelArgsInput>, string][])('with %o begin with %s', (input, expected) => {
    expect(kernelArgs({ ...base, ...input }).args[0]).toBe(expected);
  });

  it('carry any token unharmed through command line, query and YAML', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 64 }), fc.boolean(), (token, tunnel) => {
        const { args, documents } = kernelArgs({ ...base, token, tunnel });
        for (const argument of args) expect(argument).toMatch(/^[\x21-\x7e]+$/);
        expect(args.join('')).not.toMatch(/['"$`\\]/);
        expect(asTalosReads(args[0])).toEqual({ host: '192.0.2.7:8081', token: token.toWellFormed(), tunnel });
        const [siderolink] = parseAllDocuments(documents ?? '').map((document) => document.toJS());
        expect(`siderolink.api=${siderolink.apiUrl}`).toBe(args[0]);
      }),
    );
  });

  it('come as documents only for a Talos that reads them', () => {
    expect(kernelArgs({ ...base, talosVersion: 'v1.4.8' }).documents).toBeNull();
    expect(kernelArgs({ ...base, talosVersion: '1.5' }).documents).not.toBeNull();
  });

  it('say that plaintext is plaintext', () => {
    expect(kernelArgs(base).warnings.join()).toContain('plaintext');
    expect(kernelArgs({ ...base, apiUrl: 'https://link.example.org' }).warnings).toEqual([]);
  });

  it.each([
    [{ apiUrl: 'grpc://192.0.2.7' }, /no port/],
    [{ apiUrl: 'grpc://fd00::7:8081' }, /no URL/],
    [{ apiUrl: 'tcp://192.0.2.7:8081' }, /scheme tcp/],
    [{ apiUrl: 'grpc://192.0.2.7:8081/x' }, /path/],
    [{ apiUrl: 'grpc://192.0.2.7:8081?jointoken=x' }, /query/],
    [{ apiUrl: 'grpc://user:secret@192.0.2.7:8081' }, /user/],
    [{ tunnel: true, talosVersion: 'v1.6.4' }, /1\.7/],
    [{ talosVersion: 'latest' }, /v1\.13\.0/],
  ] satisfies [Partial<KernelArgsInput>, RegExp][])('refuse %o', (input, message) => {
    const make = () => kernelArgs({ ...base, ...input });
    expect(make).toThrow(SiderolinkError);
    expect(make).toThrow(message);
  });
});

describe('kernel arguments for an API with an authority of its own', () => {
  const authority = new TestAuthority().root.cert;
  const own = { ...base, apiUrl: 'https://192.0.2.7:8081', authority };

  /** What Talos does with `talos.config.early=`: base64, zstd, YAML documents. */
  function early(args: readonly string[]) {
    const [, value] = /^talos\.config\.early=(\S+)$/.exec(args.at(-1) ?? '') ?? [];
    const yaml = zstdDecompressSync(Buffer.from(value ?? '', 'base64')).toString();
    return parseAllDocuments(yaml).map((document) => document.toJS());
  }

  it('bring the authority, and nothing else, before the machine calls', () => {
    const { args } = kernelArgs({ ...own, token: 'a1.b2', talosVersion: 'v1.11.0' });
    expect(args.slice(0, 3)).toEqual([
      'siderolink.api=https://192.0.2.7:8081?jointoken=a1.b2',
      'talos.events.sink=[fdae:2859:5bb1:7a03::1]:4002',
      'talos.logging.kernel=tcp://[fdae:2859:5bb1:7a03::1]:4001',
    ]);
    expect(args).toHaveLength(4);
    expect(early(args)).toEqual([
      { apiVersion: 'v1alpha1', kind: 'TrustedRootsConfig', name: 'siderolink', certificates: authority },
    ]);
  });

  it('keep the token where it can be seen, replaced and redacted', () => {
    const { args } = kernelArgs(own);
    expect(args.filter((argument) => argument.includes('JOIN_TOKEN'))).toEqual([args[0]]);
    const [, , , withToken] = kernelArgs({ ...own, token: 'secret' }).args;
    expect(withToken).toBe(args[3]);
  });

  it('are documents too, the authority last', () => {
    const documents = parseAllDocuments(kernelArgs(own).documents ?? '').map((document) => document.toJS());
    expect(documents.map(({ kind }) => kind)).toEqual([
      'SideroLinkConfig',
      'EventSinkConfig',
      'KmsgLogConfig',
      'TrustedRootsConfig',
    ]);
    expect(documents[3].certificates).toBe(authority);
  });

  it('say which Talos and which configuration they need', () => {
    const { warnings } = kernelArgs(own);
    expect(warnings).toEqual([expect.stringMatching(/Talos 1\.11.*Talos 1\.8.*machine configuration/)]);
  });

  it.each(['v1.10.9', 'v1.8.0', 'v1.0.0'])('are refused for Talos %s, which would never trust us', (talosVersion) => {
    const make = () => kernelArgs({ ...own, talosVersion });
    expect(make).toThrow(SiderolinkError);
    expect(make).toThrow(/since 1\.11.*documents/);
  });

  it('fit on a command line beside what Talos has there', () => {
    expect(kernelArgs({ ...own, token: 'x'.repeat(70) }).args.join(' ').length).toBeLessThan(1_100);
    const long = kernelArgs({ ...own, token: 'x'.repeat(900) });
    expect(long.warnings).toContainEqual(expect.stringMatching(/have 1\d{3} characters.*2047.*documents/));
  });
});
