/** Whether a value's text holds `text`, in whatever case. */
export function holdsText(value: unknown, text: string): boolean {
  return (typeof value === 'string' || typeof value === 'number') && String(value).toLowerCase().includes(text);
}

/** The values of a body, however deep; not their names. */
export function valuesOf(value: unknown): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [value];
  return Object.values(value).flatMap(valuesOf);
}

// What JSON writes as it is, whoever wrote it: no quotes, no backslashes, none of what Go escapes in HTML.
const AS_IT_IS = /[A-Za-z0-9 !#$%()*+,\-.:;=?@[\]^_`{|}~]+/g;
/** The API takes no longer text to look for. */
const MAX_GREP = 256;

/** The longest part of the text that any JSON with it in a string holds as it is; empty if there is none. */
export function rawPart(text: string): string {
  const parts = text.match(AS_IT_IS) ?? [];
  return parts.reduce((longest, part) => (part.length > longest.length ? part : longest), '').slice(0, MAX_GREP);
}
