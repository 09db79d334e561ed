import { describe, expect, it } from "vitest";
import { listAlerts } from "../src/model/alert_list";
import { Histories, POINT_EVERY_MS, POINTS, Series } from "../src/model/history";
import { layOut } from "../src/model/layout";
import { CalmOrder, order, type Ranked } from "../src/model/order";
import { formatRoute, parseRoute } from "../src/model/route";
import { departmentKey, parseScope } from "../src/model/scope";
import { alert } from "./records";

const tile = (scope: string, standing: Ranked["standing"], volume: number): Ranked => ({
  scope,
  standing,
  volume,
});

describe("the order of tiles", () => {
  it("is breached, then missed, then by volume", () => {
    const tiles = [
      tile("busy", "met", 900),
      tile("late", "missed", 3),
      tile("burning", "breached", 1),
      tile("calm", "not_enough_data", 1_000),
    ];
    expect(order(tiles)).toEqual(["burning", "late", "calm", "busy"]);
  });

  it("does not follow every change of volume", () => {
    const calm = new CalmOrder();
    expect(calm.arrange([tile("a", "met", 2), tile("b", "met", 1)], 0)).toEqual(["a", "b"]);
    const swapped = [tile("a", "met", 1), tile("b", "met", 2)];
    expect(calm.arrange(swapped, 5_000)).toEqual(["a", "b"]);
    expect(calm.arrange(swapped, 15_000)).toEqual(["b", "a"]);
  });

  it("follows a breach soon", () => {
    const calm = new CalmOrder();
    calm.arrange([tile("a", "met", 2), tile("b", "met", 1)], 0);
    const burning = [tile("a", "met", 2), tile("b", "breached", 1)];
    expect(calm.arrange(burning, 2_000)).toEqual(["b", "a"]);
  });
});

describe("the layout", () => {
  const wall = { width: 1_540, height: 830, rem: 16, flow: false };

  it("gives few departments large tiles on one page", () => {
    expect(layOut(wall, 4)).toMatchObject({ density: "large", columns: 2, rows: 2, pages: 1 });
  });

  it("fills pages evenly when there are many", () => {
    const layout = layOut(wall, 70);
    expect(layout).toMatchObject({ density: "compact", pages: 2, perPage: 35 });
    expect(layout.columns * layout.rows).toBeGreaterThanOrEqual(35);
  });

  it("shows as many departments on a larger screen at once", () => {
    const large = { width: 3_240, height: 1_850, rem: 24, flow: false };
    expect(layOut(large, 80).pages).toBe(1);
  });

  it("shows everything on one page where the page scrolls", () => {
    expect(layOut({ ...wall, width: 380, flow: true }, 70)).toMatchObject({
      columns: 1,
      pages: 1,
      perPage: 70,
    });
  });

  it.each([0, 1])("survives %i departments", (count) => {
    expect(layOut(wall, count)).toMatchObject({ pages: 1, rows: 1 });
  });
});

describe("the history of a reading", () => {
  it("keeps one point per interval, the newest", () => {
    const series = new Series();
    for (let at = 0; at <= 3 * POINT_EVERY_MS; at += 500) series.push(at, at);
    expect(series.values.at(-1)).toBe(3 * POINT_EVERY_MS);
    expect(series.times.length).toBeLessThanOrEqual(5);
  });

  it("is bounded", () => {
    const series = new Series();
    for (let i = 0; i < 1_000; i += 1) series.push(i * POINT_EVERY_MS, i);
    expect(series.times.length).toBe(POINTS);
    expect(series.values.at(-1)).toBe(999);
  });

  it("shows an interruption as a gap and goes on after it", () => {
    const series = new Series();
    series.push(0, 1);
    series.interrupt();
    series.interrupt();
    series.push(60_000, 2);
    expect(series.values).toEqual([1, null, 2]);
  });

  it("never runs backwards", () => {
    const series = new Series();
    series.push(5_000, 1);
    series.push(1_000, 2);
    expect(series.values).toEqual([1]);
  });

  it("is one per window, scope and indicator", () => {
    const histories = new Histories();
    expect(histories.of("1h", "a", "csat")).toBe(histories.of("1h", "a", "csat"));
    expect(histories.of("1h", "a", "csat")).not.toBe(histories.of("24h", "a", "csat"));
  });
});

describe("the list of alerts", () => {
  const now = Date.parse("2026-01-01T01:00:00Z");

  it("has open ones first, critical before warning, newest first", () => {
    const list = listAlerts(
      [
        alert({ id: "seen", state: "acknowledged", severity: "critical" }),
        alert({ id: "old" }),
        alert({ id: "new", opened_at: "2026-01-01T00:30:00Z" }),
        alert({ id: "grave", severity: "critical" }),
      ],
      now,
      10,
    );
    expect(list.shown.map(({ id }) => id)).toEqual(["grave", "new", "old", "seen"]);
    expect(list).toMatchObject({ open: 3, acknowledged: 1, more: 0 });
  });

  it("keeps a resolved alert for a minute", () => {
    const resolved = (at: string) => alert({ state: "resolved", resolved_at: at });
    expect(listAlerts([resolved("2026-01-01T00:59:30Z")], now, 10).shown.length).toBe(1);
    expect(listAlerts([resolved("2026-01-01T00:58:59Z")], now, 10).shown.length).toBe(0);
  });

  it("says how many did not fit", () => {
    const many = Array.from({ length: 12 }, (_, i) => alert({ id: `a${i}` }));
    expect(listAlerts(many, now, 10).more).toBe(2);
  });
});

describe("addresses", () => {
  it("carry language, window and page turning", () => {
    const route = parseRoute("#lang=zh&window=24h&rotate=20");
    expect(route).toEqual({ lang: "zh-CN", window: "24h", rotate: 20 });
    expect(parseRoute(formatRoute(route))).toEqual(route);
  });

  it("with nonsense fall back to the defaults", () => {
    expect(parseRoute("#window=2y&rotate=x")).toEqual({ lang: null, window: null, rotate: 0 });
  });
});

describe("scopes", () => {
  it("are read for people", () => {
    expect(parseScope("team:after%2Fsales/%E4%B8%80%E7%BB%84")).toEqual({
      kind: "team",
      department: "after/sales",
      name: "一组",
    });
    expect(parseScope("organisation").kind).toBe("organisation");
  });

  it("lead to the tile of their department", () => {
    expect(departmentKey("employee:after%2Fsales/x")).toBe("department:after%2Fsales");
    expect(departmentKey("channel:mail")).toBeNull();
  });
});
