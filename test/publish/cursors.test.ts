import { expect, it } from 'vitest';
import { BACKLOG_DEFAULTS } from '../../src/publish/backlog.ts';
import { CursorKeeper, type Cursors } from '../../src/publish/cursors.ts';
import { ManualClock } from '../sinks/fakes.ts';
import { LanesModel } from './lanes-model.ts';

/** A keeper over real lanes, whose store answers when it is told. */
function keeperOf() {
  const model = new LanesModel(BACKLOG_DEFAULTS);
  const clock = new ManualClock();
  const requests: { readonly cursors: Cursors; readonly answer: (isStored: boolean) => void }[] = [];
  const keeper = new CursorKeeper(
    { storeMs: 100, idleMs: 10_000, cursors: new Map() },
    {
      ...{ backlog: model.backlog, outbox: model.outbox, clock },
      store: (cursors) => new Promise((answer) => requests.push({ cursors, answer })),
    },
  );
  keeper.start();
  const answer = async (isStored: boolean) => {
    requests.at(-1)?.answer(isStored);
    // Promises that wait for it.
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  const stored = () => new Map(requests.flatMap(({ cursors }) => [...cursors]));
  return { model, clock, keeper, requests, answer, stored };
}

/** Lanes that are at 20, of which the store was asked for. */
function published() {
  const world = keeperOf();
  world.model.connect();
  world.model.append(1, 20);
  world.model.settle();
  world.clock.advance(100);
  return world;
}

const START: ReadonlyMap<number, number> = new Map();

function goBack({ model, keeper }: ReturnType<typeof published>): void {
  model.outbox.rewind({ sequence: 0, record: 0 });
  model.backlog.rewind(START);
  keeper.rewind();
}

it('stores cursors that went back', async () => {
  const world = published();
  await world.answer(true);
  expect([...world.stored().values()]).toEqual([20]);
  goBack(world);
  expect([...world.stored().values()]).toEqual([0]);
});

for (const isStored of [true, false]) {
  it(`stores them also where they went back while others were being stored, which ${isStored ? 'were' : 'were not'}`, async () => {
    const world = published();
    goBack(world);
    expect(world.requests).toHaveLength(1);
    await world.answer(isStored);
    world.clock.advance(100);
    // The database has nothing beyond what is known now.
    if (isStored) expect([...world.stored().values()]).toEqual([0]);
    else expect(world.requests).toHaveLength(1);
  });
}

it('asks again for what was not stored', async () => {
  const world = published();
  await world.answer(false);
  world.clock.advance(100);
  expect(world.requests).toHaveLength(2);
  expect(world.requests[1]?.cursors).toEqual(world.requests[0]?.cursors);
});
