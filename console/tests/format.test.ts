import { describe, expect, it } from "vitest";
import {
  duration,
  exactRatio,
  limit,
  money,
  NOTHING,
  quantity,
  ratio,
  zoned,
} from "../src/i18n/format";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("durations", () => {
  it.each([
    [0, "0 ms", "0 毫秒"],
    [420, "420 ms", "420 毫秒"],
    [45_000, "45 s", "45 秒"],
    [12 * MINUTE + 30_000, "12 min 30 s", "12 分 30 秒"],
    [10 * MINUTE, "10 min", "10 分"],
    [2 * HOUR + 14 * MINUTE, "2 h 14 min", "2 小时 14 分"],
    [DAY, "24 h", "24 小时"],
    [3 * DAY + 4 * HOUR, "3 d 4 h", "3 天 4 小时"],
  ])("%i ms reads %s and %s", (ms, en, zh) => {
    expect(duration(ms, "en")).toBe(en);
    expect(duration(ms, "zh-CN")).toBe(zh);
  });

  it("carry into the larger unit instead of reading 60", () => {
    expect(duration(59_700, "en")).toBe("1 min");
    expect(duration(HOUR - 200, "en")).toBe("1 h");
    expect(duration(2 * DAY - 10_000, "en")).toBe("2 d");
  });

  it("say minus with its own sign", () => {
    expect(duration(-90_000, "en")).toBe("−1 min 30 s");
  });
});

describe("ratios", () => {
  it("have one decimal", () => {
    expect(ratio(0.8617)).toBe("86.2%");
  });

  it("never round an exception away", () => {
    expect(ratio(0.9999)).toBe("99.99%");
    expect(ratio(0.0003)).toBe("0.03%");
    expect(ratio(0.00002)).toBe("<0.01%");
    expect(ratio(0.99998)).toBe(">99.99%");
  });

  it("are bare at the ends", () => {
    expect([ratio(0), ratio(1)]).toEqual(["0%", "100%"]);
  });

  it("of a limit are as it was written", () => {
    expect(exactRatio(0.995)).toBe("99.5%");
    expect(limit("at_least", 0.9, "ratio", "en")).toBe("≥ 90%");
    expect(limit("at_most", 600_000, "duration", "zh-CN")).toBe("≤ 10 分");
  });
});

describe("money", () => {
  it("is written in the currency's major unit", () => {
    expect(money(1_250, "CNY", "zh-CN")).toBe("¥12.50");
    expect(money(1_250, "EUR", "en")).toBe("€12.50");
    expect(money(1_250, "JPY", "en")).toBe("¥1,250");
    expect(limit("at_most", 900, "money", "en", "USD")).toBe("≤ $9.00");
  });

  it("without a currency is a plain number", () => {
    expect(money(1_250, undefined, "en")).toBe("1,250");
  });
});

describe("what is missing", () => {
  it("is a dash in every unit, never a zero", () => {
    expect(quantity(null, "duration", "en")).toBe(NOTHING);
    expect(quantity(null, "ratio", "zh-CN")).toBe(NOTHING);
    expect(quantity(null, "number", "en")).toBe(NOTHING);
  });
});

describe("instants", () => {
  const at = Date.parse("2026-01-01T18:05:09Z");

  it("are in the organisation's zone", () => {
    expect(zoned("Asia/Shanghai", "en").full(at)).toBe("2026-01-02 02:05:09");
  });

  it("name their day only when it is another", () => {
    const zone = zoned("Asia/Shanghai", "en");
    expect(zone.moment(at, at + HOUR)).toBe("02:05");
    expect(zone.moment(at, at + DAY)).toBe("2026-01-02 02:05");
  });

  it("are shown even when the browser lacks the zone", () => {
    expect(zoned("Mars/Olympus", "en").full(at)).toMatch(/^2026-01-0\d \d\d:05:09$/);
  });
});
