import type { Target } from './fuzzer.ts';
import { lineColumns } from './targets/columns.ts';
import { certificates, configs, tokenFiles, wgDumps } from './targets/files.ts';
import { http2 } from './targets/http2.ts';
import { kernelLines } from './targets/kernel-lines.ts';
import { filters, ownership, selectors, subjects } from './targets/language.ts';
import { apiAnswers, joinRequests, machineEvents } from './targets/protobuf.ts';
import { eventIds, gaps, runs, seenRanges } from './targets/sequences.ts';
import { damagedStores } from './targets/store.ts';
import { jsonLines, lines, redact } from './targets/text.ts';
import { values } from './targets/values.ts';

/** Every decoder that takes bytes or text of others. */
export const TARGETS: readonly Target[] = [
  ...[kernelLines, lines, jsonLines, redact, machineEvents, joinRequests, apiAnswers],
  ...[selectors, filters, subjects, ownership, values, wgDumps, tokenFiles, configs, certificates],
  ...[seenRanges, gaps, runs, eventIds, lineColumns, damagedStores, http2],
];
