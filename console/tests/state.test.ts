import { describe, expect, it } from "vitest";
import { type Action, initialState, reduce, type State } from "../src/live/state";
import { alert, record, target } from "./records";

const reached = (...actions: Action[]): State => actions.reduce(reduce, initialState("1h", 0));
const figuresOf = (state: State, scope: string) => state.figures.get(scope)?.get("1h");

describe("figures", () => {
  it("are replaced by newer ones of the same scope and window", () => {
    const newer = record({ stream_ms: 2_000 });
    const state = reached(
      { type: "records", items: [record()], now: 1 },
      { type: "records", items: [newer], now: 2 },
    );
    expect(figuresOf(state, "department:stores")).toBe(newer);
    expect(state.streamMs).toBe(2_000);
  });

  it("are not replaced by older ones that arrive late", () => {
    const newer = record({ stream_ms: 2_000 });
    const state = reached(
      { type: "records", items: [newer], now: 1 },
      { type: "records", items: [record()], now: 2 },
    );
    expect(figuresOf(state, "department:stores")).toBe(newer);
  });

  it("of other windows are ignored", () => {
    const state = reached({ type: "records", items: [record({ window: "24h" })], now: 1 });
    expect(state.figures.size).toBe(0);
  });

  it("of other scopes keep their identity, so that their tiles are not rendered again", () => {
    const first = reached({
      type: "records",
      items: [record(), record({ scope: "department:shop" })],
      now: 1,
    });
    const second = reduce(first, {
      type: "records",
      items: [record({ stream_ms: 9_000 })],
      now: 2,
    });
    expect(second.figures.get("department:shop")).toBe(first.figures.get("department:shop"));
    expect(second.figures.get("department:stores")).not.toBe(
      first.figures.get("department:stores"),
    );
  });
});

describe("a snapshot", () => {
  it("removes what no longer exists", () => {
    const state = reached(
      { type: "records", items: [record({ scope: "department:gone" })], now: 1 },
      { type: "snapshot", view: "1h", items: [record()], now: 2 },
    );
    expect([...state.figures.keys()]).toEqual(["department:stores"]);
  });

  it("keeps what arrived live in the meantime and is newer", () => {
    const live = record({ stream_ms: 5_000 });
    const state = reached(
      {
        type: "records",
        items: [live, record({ scope: "department:shop", stream_ms: 500 })],
        now: 1,
      },
      {
        type: "snapshot",
        view: "1h",
        items: [record({ stream_ms: 4_000 }), record({ scope: "department:shop", stream_ms: 900 })],
        now: 2,
      },
    );
    expect(figuresOf(state, "department:stores")).toBe(live);
    expect(figuresOf(state, "department:shop")?.stream_ms).toBe(900);
  });

  it("of a stream that began anew replaces everything", () => {
    const state = reached(
      { type: "records", items: [record({ stream_ms: 90_000 })], now: 1 },
      { type: "snapshot", view: "1h", items: [record({ stream_ms: 10 })], now: 2 },
    );
    expect(figuresOf(state, "department:stores")?.stream_ms).toBe(10);
    expect(state.streamMs).toBe(10);
    expect(state.generation).toBe(1);
  });

  it("for a view that was left is ignored", () => {
    const state = reached({ type: "snapshot", view: "24h", items: [record()], now: 1 });
    expect(state.figures.size).toBe(0);
  });
});

describe("a view", () => {
  it("shows nothing of the view before", () => {
    const state = reached(
      { type: "records", items: [record()], now: 1 },
      { type: "view", view: "24h", now: 2 },
    );
    expect(state.figures.size).toBe(0);
    expect(state.windows).toEqual(["24h"]);
  });

  it("by target keeps the windows that departments are judged over", () => {
    const state = reached(
      {
        type: "targets",
        ruleVersion: "v1",
        items: [
          target({ window: "7d", applies_to: ["department:*"] }),
          target({ id: "own", window: "30d", applies_to: ["employee:*/*"] }),
        ],
      },
      { type: "view", view: "targets", now: 1 },
    );
    expect(state.windows).toEqual(["1h", "24h", "7d"]);
  });
});

describe("alerts", () => {
  it("that come while we watch are marked as arrived", () => {
    const state = reached(
      { type: "alerts", items: [], now: 1 },
      { type: "alert", item: alert(), now: 5 },
    );
    expect(state.arrivals.get("a1")).toBe(5);
  });

  it("of the first list are not new, those of a list after a gap are", () => {
    const first = reached({ type: "alerts", items: [alert()], now: 1 });
    expect(first.arrivals.size).toBe(0);
    const items = [alert(), alert({ id: "a2" })];
    expect([...reduce(first, { type: "alerts", items, now: 9 }).arrivals]).toEqual([["a2", 9]]);
  });

  it("change their state in place", () => {
    const state = reached(
      { type: "alerts", items: [alert()], now: 1 },
      { type: "alert", item: alert({ state: "acknowledged" }), now: 2 },
    );
    expect(state.alerts.get("a1")?.state).toBe("acknowledged");
    expect(state.arrivals.size).toBe(0);
  });

  it("that are resolved are let go when there are too many", () => {
    let state = reached({ type: "alert", item: alert({ id: "open" }), now: 1 });
    for (let i = 0; i < 600; i += 1) {
      state = reduce(state, {
        type: "alert",
        item: alert({ id: `r${i}`, state: "resolved" }),
        now: 2,
      });
    }
    expect(state.alerts.size).toBe(500);
    expect(state.alerts.has("open")).toBe(true);
    expect(state.alerts.has("r599")).toBe(true);
  });
});
