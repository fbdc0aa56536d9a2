import type { Stream, Tags } from './record.ts';
import { subjectHead, subjectOf } from './subject.ts';

/** What our tags add at the end of a body: `,"server_uuid":"…",…`, or nothing. Absent tags are left out. */
export function tagsText(tags: Tags): string {
  let text = tags.server_uuid === '' ? '' : `,"server_uuid":"${tags.server_uuid}"`;
  const { owner, namespace, cluster, metal_machine, machine } = tags.ownership;
  for (const [name, value] of Object.entries({ owner, namespace, cluster, metal_machine, machine })) {
    if (value !== undefined) text += `,"${name}":${JSON.stringify(value)}`;
  }
  return text;
}

/**
 * A body with its tags: the text of one JSON object with `tags` (from `tagsText`) spliced in at its end. The object is
 * not parsed, so numbers and strings keep the sender's text.
 */
export function taggedBody(object: string, tags: string): string {
  if (tags === '') return object;
  const end = object.lastIndexOf('}');
  return isEmptyObject(object, end) ? `${object.slice(0, end)}${tags.slice(1)}}` : `${object.slice(0, end)}${tags}}`;
}

/** In the text of a JSON object only an empty one has `{` as the last character before its closing brace. */
function isEmptyObject(object: string, end: number): boolean {
  let index = end - 1;
  while (index > 0 && object.charCodeAt(index) <= 0x20) index--;
  return object[index] === '{';
}

/** The parts of an envelope that records have in common. */
export interface EnvelopeContext {
  readonly stream: Stream;
  readonly boot: number;
  readonly tags: Tags;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly names: readonly string[];
}

/** Renders envelopes of records that share a context: `{"seq","subject","received_at","boot","body"}`. */
export class Envelopes {
  readonly #context: EnvelopeContext;
  readonly #head: string;
  readonly #tags: string;
  readonly #rest: string;
  readonly #middles: (string | undefined)[] = [];

  constructor(prefix: string, context: EnvelopeContext) {
    this.#context = context;
    this.#head = subjectHead(prefix, context.tags, context.stream);
    this.#tags = tagsText(context.tags);
    this.#rest = `","received_at":"${new Date(context.time).toISOString()}","boot":${context.boot},"body":`;
  }

  /** @param detail index into the context's `names` @param object the body's JSON text without tags */
  render(seq: number, detail: number, object: string): string {
    let middle = this.#middles[detail];
    if (middle === undefined) {
      middle = `,"subject":"${subjectOf(this.#head, this.#context.names[detail] ?? '')}${this.#rest}`;
      this.#middles[detail] = middle;
    }
    return `{"seq":${seq}${middle}${taggedBody(object, this.#tags)}}`;
  }
}
