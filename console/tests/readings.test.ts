import { describe, expect, it } from "vitest";
import {
  focus,
  judgedUnit,
  MAIN_INDICATORS,
  overall,
  type Reading,
  readings,
  wallReadings,
} from "../src/model/readings";
import type { ScopeFigures, View } from "../src/model/view";
import type { Figure, ScoreRecord, Target, WindowName } from "../src/model/wire";
import { record, target } from "./records";

const figures = (...records: ScoreRecord[]): ScopeFigures =>
  new Map(records.map((one) => [one.window, one]));
const rules = (...targets: Target[]) => new Map(targets.map((one) => [one.id, one]));

function read(figure: Figure, targets: Target[] = [], view: View = "1h"): Reading {
  const window: WindowName = view === "targets" ? "1h" : view;
  const all = figures(record({ window, figures: [figure] }));
  return readings(all, view, rules(...targets), [figure.indicator])[0] as Reading;
}

describe("a reading", () => {
  it("shows what its target measures", () => {
    const figure: Figure = {
      indicator: "resolution_time",
      n: 80,
      value: 5_000,
      targets: [{ target: "day", verdict: "missed", limit: 0.9, value: 0.7 }],
    };
    const day = target({ id: "day", measure: "share_within", within_ms: 86_400_000, limit: 0.9 });
    expect(read(figure, [day])).toMatchObject({
      unit: "ratio",
      value: 0.7,
      withinMs: 86_400_000,
      standing: "missed",
      limit: 0.9,
    });
  });

  it("is judged by the target that stands worst", () => {
    const figure: Figure = {
      indicator: "first_response_time",
      n: 80,
      p90: 700_000,
      targets: [
        { target: "slow", verdict: "met", limit: 900_000, value: 700_000 },
        { target: "quick", verdict: "missed", limit: 600_000, value: 700_000, breached: true },
      ],
    };
    expect(read(figure, [target()])).toMatchObject({ standing: "breached", limit: 600_000 });
  });

  it("without data says so and has no value", () => {
    expect(read({ indicator: "csat", n: 0 })).toMatchObject({ value: null, gap: "no_data" });
  });

  it("of an indicator that the api leaves out has no data either", () => {
    const [line] = readings(figures(record()), "1h", new Map(), ["csat"]);
    expect(line).toMatchObject({ value: null, n: 0, gap: "no_data", standing: "no_target" });
  });

  it("of a zero is a value, not a gap", () => {
    expect(read({ indicator: "complaint_rate", n: 50, value: 0 })).toMatchObject({
      value: 0,
      gap: null,
    });
  });
});

describe("the unit of a reading", () => {
  it.each([
    ["next_response_time", "p90", "duration"],
    ["handling_time", "mean", "duration"],
    ["first_contact_resolution", "ratio", "ratio"],
    ["ces", "mean", "ratio"],
    ["nps", "mean", "number"],
    ["cost_per_ticket", "p90", "money"],
    ["throughput", "value", "number"],
    ["utilisation", "value", "ratio"],
    ["of_a_later_version", "p95", "duration"],
  ])("of %s by %s is a %s", (indicator, measure, unit) => {
    expect(judgedUnit(indicator, measure)).toBe(unit);
  });

  it("of what is no duration is read as its mean", () => {
    const cost: Figure = { indicator: "cost_per_ticket", n: 30, value: 1_250, p90: 4_000 };
    expect(read(cost)).toMatchObject({ unit: "money", measure: "mean", value: 1_250 });
  });

  it("says whether the figure may still change", () => {
    const figure: Figure = { indicator: "nps", n: 30, value: -20 };
    expect(read(figure).provisional).toBe(false);
    expect(read({ ...figure, provisional: true }).provisional).toBe(true);
  });
});

describe("the lines of a wall", () => {
  const all = (...more: Figure[]) =>
    figures(
      record({
        figures: [
          ...MAIN_INDICATORS.map((indicator) => ({ indicator, n: 30, value: 0.5, p90: 9 })),
          ...more,
        ],
      }),
    );
  const shown = (of: ScopeFigures) => wallReadings(of, "1h", new Map()).map((l) => l.indicator);

  it("are the main indicators as long as nothing else is judged", () => {
    expect(shown(all({ indicator: "nps", n: 30, value: 10 }))).toEqual([...MAIN_INDICATORS]);
  });

  it("make room for what has a target, and keep their order", () => {
    const verdict = { target: "promoted", verdict: "met" as const, limit: 10, value: 20 };
    const lines = shown(all({ indicator: "nps", n: 30, value: 20, targets: [verdict] }));
    expect(lines).toEqual([...MAIN_INDICATORS.slice(0, 7), "nps"]);
  });

  it("give the place of a main indicator without data to one that has some", () => {
    const few = figures(record({ figures: [{ indicator: "handling_time", n: 3, value: 9 }] }));
    expect(shown(few)).toHaveLength(MAIN_INDICATORS.length);
    expect(shown(few)).toContain("handling_time");
  });
});

describe("the view by targets", () => {
  const hour = record({ figures: [{ indicator: "csat", n: 9, value: 0.5 }] });
  const day = record({
    window: "24h",
    figures: [
      {
        indicator: "csat",
        n: 90,
        value: 0.9,
        targets: [{ target: "happy", verdict: "met", limit: 0.85, value: 0.9 }],
      },
    ],
  });

  it("reads an indicator in the window in which it is judged", () => {
    const happy = target({ id: "happy", indicator: "csat", measure: "ratio", window: "24h" });
    const [line] = readings(figures(hour, day), "targets", rules(happy), ["csat"]);
    expect(line).toMatchObject({ window: "24h", n: 90, standing: "met" });
  });

  it("reads an indicator without a target in the base window", () => {
    const [line] = readings(figures(day, hour), "targets", new Map(), ["backlog"]);
    expect(line).toMatchObject({ window: "1h", standing: "no_target" });
  });
});

describe("a tile", () => {
  const line = (indicator: string, standing: Reading["standing"]) =>
    ({ indicator, standing, gap: null }) as Reading;
  const lines = [line("a", "met"), line("b", "missed"), line("c", "breached"), line("d", "met")];

  it("stands as its worst line", () => {
    expect(overall(lines)).toBe("breached");
    expect(overall([])).toBe("no_target");
  });

  it("with little room shows first what is wrong", () => {
    expect(focus(lines, 3).map(({ indicator }) => indicator)).toEqual(["c", "b", "a"]);
  });
});
