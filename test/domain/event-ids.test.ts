import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventIds } from '../../src/domain/event-ids.ts';

it('knows the last ids, and only those', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 120 }),
      fc.integer({ min: 1, max: 40 }),
      (ids, capacity) => {
        const known = new EventIds(capacity);
        const model: string[] = [];
        for (const id of ids.map(String)) {
          if (known.has(id)) continue;
          known.add(id);
          model.push(id);
          if (model.length > capacity) model.shift();
        }
        expect(known.size).toBe(model.length);
        for (let id = 0; id <= 200; id += 1) expect(known.has(String(id))).toBe(model.includes(String(id)));
      },
    ),
  );
});
