/**
 * The endpoint list as it goes on the wire: first and last change places. Talos up to 1.5 reads the repeated field as
 * one string, which is its last value, so the preferred endpoint travels last; later versions swap it back
 * (facts/talos-client.md section 2.4).
 */
export function wireEndpoints(bestFirst: readonly string[]): string[] {
  return swapEnds(bestFirst);
}

/** The endpoints of an answer in the order in which a machine tries them. */
export function endpointsFromWire(wire: readonly string[]): string[] {
  return swapEnds(wire);
}

function swapEnds(list: readonly string[]): string[] {
  const swapped = [...list];
  const [first] = list;
  const last = list.at(-1);
  if (first === undefined || last === undefined) return swapped;
  swapped[0] = last;
  swapped[swapped.length - 1] = first;
  return swapped;
}
