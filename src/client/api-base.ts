import { z } from 'zod';
import { errorMessage } from '../domain/errors.ts';

/** What the shapes of several requests and answers are made of. */

export const Time = z.iso.datetime({ offset: true }).describe('RFC 3339');
export const Uuid = z.string().meta({ description: 'a machine, 8-4-4-4-12 hexadecimal digits', format: 'uuid' });

/** A whole number in a query, where everything is text. */
export function queryInteger(min: number, max: number) {
  const wrong = `a whole number from ${min} to ${max}`;
  return z
    .string(wrong)
    .regex(/^(?:0|[1-9]\d{0,15})$/, wrong)
    .transform(Number)
    .refine((value) => value >= min && value <= max, wrong)
    .meta({ type: 'integer', minimum: min, maximum: max });
}

/** A parameter that may be repeated: always a list inside. */
export function repeatable<T extends z.ZodType<unknown, string>>(item: T) {
  return z.union([item.transform((value) => [value]), z.array(item)]).default([]);
}

type Check<T> = (value: T, context: z.core.$RefinementCtx<T>) => void;

/** A check by the function that reads the value inside: what it throws is what is wrong. */
export function readBy<T>(read: (value: T) => unknown, words = (message: string) => message): Check<T> {
  return (value, context) => {
    try {
      read(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: words(errorMessage(error)) });
    }
  };
}

/** As `readBy`, and what was read is the value from then on. */
export function readAs<T>(read: (text: string) => T) {
  return (text: string, context: z.core.$RefinementCtx<string>): T => {
    try {
      return read(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: errorMessage(error) });
      return z.NEVER;
    }
  };
}

/** A page of a list: default and most entries. */
export function pageQuery(limits: { readonly default: number; readonly max: number }) {
  return {
    limit: queryInteger(1, limits.max).default(limits.default),
    cursor: z.string().max(64).optional().meta({ description: '`next` of the page before' }),
  };
}

export const Next = z.string().nullable().meta({ description: '`cursor` of the next page; null at the end' });
