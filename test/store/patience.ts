/** For gates on a busy host: nobody goes on because a wait took too long. */
export const PATIENT = { maxWaitMs: 60_000, maxDrainMs: 60_000 } as const;
