import { describe, expect, it } from "vitest";
import {
  type Link,
  liveness,
  newLink,
  QUIET_MS,
  SILENCE_MS,
  STALE_AFTER_MS,
} from "../src/live/link";
import { initialState, reduce } from "../src/live/state";

const open = (change: Partial<Link> = {}): Link => ({
  ...newLink(0),
  phase: "open",
  synced: true,
  lastSign: 1_000,
  lastMove: 1_000,
  lastLive: 1_000,
  ...change,
});

describe("figures are called live", () => {
  it("while signs arrive and stream time moves", () => {
    expect(liveness(open(), 2_000).kind).toBe("live");
  });

  it("never before the present state was loaded over this connection", () => {
    const reopened = open({ synced: false, lastLive: 1_000, attempt: 2 });
    expect(liveness(reopened, 1_500).kind).toBe("reconnecting");
    expect(liveness(reopened, 1_000 + STALE_AFTER_MS).kind).toBe("stale");
  });

  it("not when no byte came for too long, though the connection looks open", () => {
    const link = open({ lastMove: 1_000 + SILENCE_MS });
    expect(liveness(link, 1_000 + SILENCE_MS)).toMatchObject({ kind: "stale", since: 1_000 });
  });

  it("not when heartbeats come but stream time stands still", () => {
    const now = 1_000 + QUIET_MS;
    expect(liveness(open({ lastSign: now }), now)).toEqual({ kind: "quiet", since: 1_000 });
  });
});

describe("a lost connection", () => {
  const lost = [
    { type: "opened", link: "scoring", now: 10 },
    { type: "snapshot", view: "1h", items: [], now: 20 },
    { type: "sign", link: "scoring", now: 1_000 },
    { type: "down", link: "scoring", attempt: 1, retryInMs: 400, now: 1_500 },
  ] as const;

  it("is stale since the last sign of life, not since it was noticed", () => {
    const state = lost.reduce(reduce, initialState("1h", 0));
    expect(liveness(state.scoring, 60_000)).toEqual({
      kind: "stale",
      since: 1_000,
      retryAt: 1_900,
      attempt: 1,
    });
  });

  it("stays stale through failing attempts and is live again after the next snapshot", () => {
    const down = lost.reduce(reduce, initialState("1h", 0));
    const again = reduce(down, {
      type: "down",
      link: "scoring",
      attempt: 2,
      retryInMs: 1,
      now: 9_000,
    });
    expect(liveness(again.scoring, 10_000)).toMatchObject({ kind: "stale", since: 1_000 });
    const opened = reduce(again, { type: "opened", link: "scoring", now: 11_000 });
    expect(liveness(opened.scoring, 11_001).kind).toBe("stale");
    const synced = reduce(opened, { type: "snapshot", view: "1h", items: [], now: 11_100 });
    expect(liveness(synced.scoring, 11_101).kind).toBe("live");
  });
});

describe("a wall that never reached its server", () => {
  it("is connecting first, then says since when it tries", () => {
    expect(liveness(newLink(0), 1_000).kind).toBe("connecting");
    const failed = reduce(initialState("1h", 0), {
      type: "down",
      link: "scoring",
      attempt: 1,
      retryInMs: 500,
      now: 100,
    });
    expect(liveness(failed.scoring, 30_000)).toMatchObject({ kind: "stale", since: 100 });
  });
});
