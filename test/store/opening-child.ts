import { eventOf, openLog, putTags, tagsOf, uuidOf } from '../stream/harness.ts';

// Makes a store, has one part of a commit fail beside others, and says how many records there are.

const path = process.argv[2] ?? '';
const { log } = await openLog({ path });
await putTags(log, tagsOf(1));
const event = (n: number) => log.commit({ ops: [], records: [eventOf(1, 'x', `event ${n}`)] });
const other = { op: 'putTags', id: 1, server_uuid: uuidOf(2), ownership: {} } as const;
const parts = [event(1), log.commit({ ops: [other], records: [] }), event(2)];
const done = (await Promise.allSettled(parts)).map(({ status }) => status);
process.stdout.write(`${JSON.stringify({ done, head: log.head })}\n`);
await log.close(5000);
