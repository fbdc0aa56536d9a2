import type { Check } from './check.ts';
import type { Facts } from './facts.ts';
import { judgeBackend, judgeClock, judgeIpv6, judgeNetwork, judgePrograms, judgeStateDir } from './judge-host.ts';
import {
  judgeApi,
  judgeConfiguration,
  judgeDaemon,
  judgeEndpoints,
  judgeJoins,
  judgeLinks,
  judgePorts,
  judgeSettings,
  judgeUnit,
} from './judge-service.ts';

/** All that can be said of these facts, what is ours before what is the host's. */
export function judge(facts: Facts): readonly Check[] {
  return [
    judgeConfiguration(facts),
    ...judgeDaemon(facts),
    judgeSettings(facts),
    judgeUnit(facts),
    ...judgeLinks(facts),
    ...judgeJoins(facts),
    judgeEndpoints(facts),
    ...judgeApi(facts),
    judgePorts(facts),
    judgeBackend(facts),
    judgePrograms(facts),
    judgeIpv6(facts),
    ...judgeStateDir(facts),
    ...judgeNetwork(facts),
    judgeClock(facts),
  ];
}
