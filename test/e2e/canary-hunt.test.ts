import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { CanaryHunt } from './canary-hunt.ts';

const bytes = randomBytes(32);
const text = bytes.toString('base64');
const other = randomBytes(32).toString('base64');
const noise = randomBytes(4_096);

function hunt(): CanaryHunt {
  const canaries = new CanaryHunt();
  canaries.add('key', text, bytes);
  return canaries;
}

// A search that finds nothing is worth as much as what it would have found.
describe('the search for secrets', () => {
  it.each([
    ['itself', text],
    ['in a line', `{"msg":"token ${text} is wrong"}`],
    ['a piece of it', `…${text.slice(11, 29)}…`],
    ['its end', text.slice(-13)],
    ['in url-encoding', `?jointoken=${encodeURIComponent(text)}&a=b`],
    ['in url-encoding of url-encoding', encodeURIComponent(encodeURIComponent(text))],
    ['in JSON', JSON.stringify({ a: text })],
    ['in JSON in JSON', JSON.stringify(JSON.stringify({ a: text }))],
    ['in hexadecimal', Buffer.from(text).toString('hex')],
    ['its bytes', Buffer.concat([noise, bytes, noise])],
    ['its bytes in hexadecimal', bytes.toString('hex').toUpperCase()],
    ['its bytes backwards', Buffer.from(bytes).reverse().toString('hex')],
    ['its bytes in base64url', bytes.toString('base64url')],
    ['in base64', Buffer.from(text).toString('base64')],
    ['in the base64 of a line', Buffer.from(`x${text} and more`).toString('base64')],
    ['in the base64url of another line', Buffer.from(`ab${text}`).toString('base64url')],
    ['its bytes in the base64 of others', Buffer.concat([noise.subarray(0, 7), bytes, noise]).toString('base64')],
    ['as UTF-16', Buffer.from(text, 'utf16le')],
  ])('finds it: %s', (_, content) => {
    expect(hunt().find('here', content)).toEqual([expect.stringMatching(/^key \(.*\) in here$/)]);
  });

  it.each([
    ['another', other],
    ['noise', noise],
    ['a piece too short to say anything', text.slice(4, 14)],
    ['what is compressed: search what it was', gzipSync(text.repeat(2))],
  ])('does not find it in %s', (_, content) => {
    expect(hunt().find('here', content)).toEqual([]);
  });

  it('says what it has searched', () => {
    const canaries = hunt();
    canaries.find('here', 'abc');
    canaries.find('there', noise);
    expect(canaries.searched).toBe(4_099);
    expect([...canaries.names]).toEqual(['key']);
    expect(() => canaries.add('key', text)).toThrow('twice');
    expect(() => canaries.add('short', 'secret')).toThrow('too short');
  });
});
