/** What a request's headers say. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  /** Bytes of its body, if it said how many. */
  readonly contentLength: number | undefined;
  /** Names and values by turns, those of HTTP/2 itself included; incomplete if there is too much. */
  readonly fields: readonly string[];
  readonly isTooLarge: boolean;
}

/** RFC 9110 section 5.6.2, without capitals. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** What no value may hold. RFC 9113 section 8.2.1. */
const BAD_VALUE = /[\0\r\n]|^[ \t]|[ \t]$/;
/** They are of one connection, and HTTP/2 has frames for that. RFC 9113 section 8.2.2. */
const OF_CONNECTION = new Set(['connection', 'proxy-connection', 'keep-alive', 'transfer-encoding', 'upgrade']);
const NO_INDEX = -1;

/** The head of a request; undefined if it is malformed. RFC 9113 section 8. */
export function requestHead(fields: readonly string[], isTooLarge: boolean): RequestHead | undefined {
  let method: string | undefined;
  let path: string | undefined;
  let scheme: string | undefined;
  let authority: string | undefined;
  let contentLength: number | undefined;
  let at = 0;
  for (; at < fields.length && fields[at]?.startsWith(':') === true; at += 2) {
    const value = fields[at + 1] ?? '';
    if (BAD_VALUE.test(value)) return undefined;
    switch (fields[at]) {
      case ':method':
        if (method !== undefined) return undefined;
        method = value;
        break;
      case ':path':
        if (path !== undefined) return undefined;
        path = value;
        break;
      case ':scheme':
        if (scheme !== undefined) return undefined;
        scheme = value;
        break;
      case ':authority':
        if (authority !== undefined) return undefined;
        authority = value;
        break;
      default:
        return undefined;
    }
  }
  for (; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    const value = fields[at + 1] ?? '';
    if (!isField(name, value)) return undefined;
    if (name !== 'content-length') continue;
    if (contentLength !== undefined || !/^\d{1,15}$/.test(value)) return undefined;
    contentLength = Number(value);
  }
  // One of which a part is left out may lack anything.
  if (isTooLarge) return { method: method ?? '', path: path ?? '', contentLength: undefined, fields, isTooLarge };
  if (method === undefined || scheme === undefined || path === undefined || path === '') return undefined;
  return { method, path, contentLength, fields, isTooLarge };
}

/** Whether these may be trailers: fields, and none of HTTP/2 itself. */
export function areTrailers(fields: readonly string[]): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if (!isField(fields[at] ?? '', fields[at + 1] ?? '')) return false;
  }
  return true;
}

/** The value of a field; undefined if it did not come exactly once. */
export function fieldOf(fields: readonly string[], name: string): string | undefined {
  let found = NO_INDEX;
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at] !== name) continue;
    if (found !== NO_INDEX) return undefined;
    found = at;
  }
  return found === NO_INDEX ? undefined : fields[found + 1];
}

function isField(name: string, value: string): boolean {
  if (!NAME.test(name) || BAD_VALUE.test(value) || OF_CONNECTION.has(name)) return false;
  return name !== 'te' || value === 'trailers';
}
