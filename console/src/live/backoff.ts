/** How long to wait before attempt `failures` + 1: doubling, capped, spread so that walls that lost
 * the same server do not all return in the same moment. `random` is in [0, 1). */
export function backoffMs(failures: number, random: number, firstMs = 500, capMs = 10_000): number {
  const ceiling = Math.min(capMs, firstMs * 2 ** Math.min(failures, 20));
  return Math.round(ceiling * (0.5 + random / 2));
}
