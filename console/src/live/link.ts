/** What may be said about the figures on the screen: live, or how old. A pure function of time. */

export interface Link {
  phase: "connecting" | "open" | "down";
  /** When this phase began (wall clock, ms). */
  since: number;
  /** The last byte received. */
  lastSign: number | null;
  /** When stream time last moved. */
  lastMove: number | null;
  /** The last moment at which the figures were known to be current. */
  lastLive: number | null;
  /** Whether the present state was loaded over this connection. */
  synced: boolean;
  attempt: number;
  retryAt: number | null;
}

export type Liveness =
  | { kind: "connecting" }
  | { kind: "live" }
  /** Connected, but stream time stands still: nothing is being measured. */
  | { kind: "quiet"; since: number }
  | { kind: "reconnecting"; since: number; retryAt: number | null; attempt: number }
  | { kind: "stale"; since: number; retryAt: number | null; attempt: number };

export const SILENCE_MS = 20_000;
export const QUIET_MS = 45_000;
export const STALE_AFTER_MS = 5_000;

export function newLink(now: number): Link {
  return {
    phase: "connecting",
    since: now,
    lastSign: null,
    lastMove: null,
    lastLive: null,
    synced: false,
    attempt: 0,
    retryAt: null,
  };
}

export function liveness(link: Link, now: number): Liveness {
  if (link.phase === "open" && link.synced) return openLiveness(link, now);
  if (link.lastLive === null && link.attempt === 0) return { kind: "connecting" };
  const since = link.lastLive ?? link.since;
  const { retryAt, attempt } = link;
  const kind = now - since < STALE_AFTER_MS ? "reconnecting" : "stale";
  return { kind, since, retryAt, attempt };
}

function openLiveness(link: Link, now: number): Liveness {
  const heard = link.lastSign ?? link.since;
  if (now - heard >= SILENCE_MS) return { kind: "stale", since: heard, retryAt: null, attempt: 0 };
  const moved = link.lastMove ?? link.since;
  return now - moved >= QUIET_MS ? { kind: "quiet", since: moved } : { kind: "live" };
}
