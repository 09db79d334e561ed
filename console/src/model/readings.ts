/** One line of a tile: an indicator in a window, joined with the target it is judged by. */

import { BASE_WINDOW, type ScopeFigures, type View } from "./view";
import type { Comparison, Figure, Target, TargetVerdict, Verdict, WindowName } from "./wire";

export const MAIN_INDICATORS = [
  "first_response_time",
  "resolution_time",
  "csat",
  "resolution_rate",
  "reopen_rate",
  "complaint_rate",
  "transfer_rate",
  "backlog",
] as const;

/** What the wall can show: the main indicators, and others where there is room for them. */
export const WALL_INDICATORS: readonly string[] = [
  ...MAIN_INDICATORS,
  "sla_attainment",
  "sla_at_risk",
  "next_response_time",
  "first_contact_resolution",
  "nps",
  "ces",
  "handling_time",
  "cost_per_ticket",
  "qa_score",
  "peer_review",
  "manager_review",
];
const MAIN: ReadonlySet<string> = new Set(MAIN_INDICATORS);
const ROOM = MAIN_INDICATORS.length;

const UNITS: Readonly<Record<string, Unit>> = {
  first_response_time: "duration",
  first_response_time_business: "duration",
  next_response_time: "duration",
  next_response_time_business: "duration",
  resolution_time: "duration",
  resolution_time_business: "duration",
  resolution_time_last: "duration",
  handling_time: "duration",
  cost_per_ticket: "money",
  backlog: "number",
  sla_at_risk: "number",
  nps: "number",
  throughput: "number",
};
const MEANS = new Set(["nps", "ces", "qa_score", "peer_review", "manager_review"]);
const SPREAD_MEASURES = new Set(["mean", "p50", "p90", "p95", "p99"]);

export type Standing = "breached" | "missed" | "met" | "not_enough_data" | "no_target";
export type Unit = "duration" | "ratio" | "number" | "money";

export interface Reading {
  indicator: string;
  window: WindowName;
  measure: string;
  withinMs: number | null;
  unit: Unit;
  value: number | null;
  n: number;
  low: number | null;
  high: number | null;
  standing: Standing;
  comparison: Comparison | null;
  limit: number | null;
  minimumSample: number | null;
  /** What happens to tickets may still change it, though their window is over. */
  provisional: boolean;
  /** Why there is no value; null when there is one. */
  gap: "no_data" | null;
}

const SEVERITY: Record<Standing, number> = {
  breached: 0,
  missed: 1,
  met: 2,
  not_enough_data: 3,
  no_target: 4,
};

export function standingOf(verdict: { verdict: Verdict; breached?: boolean }): Standing {
  return verdict.breached ? "breached" : verdict.verdict;
}

/** The readings of one scope, in the order of `indicators`. */
export function readings(
  figures: ScopeFigures,
  view: View,
  targets: ReadonlyMap<string, Target>,
  indicators: readonly string[] = MAIN_INDICATORS,
): Reading[] {
  return indicators.map((id) =>
    view === "targets"
      ? worstReading(id, figures, targets)
      : reading(id, view, figureOf(figures, view, id), targets),
  );
}

/** As many readings as a tile has room for, in the usual order: what is judged by a target comes
 * before what is not, and what has data before what has none. */
export function wallReadings(
  figures: ScopeFigures,
  view: View,
  targets: ReadonlyMap<string, Target>,
): Reading[] {
  const all = readings(figures, view, targets, WALL_INDICATORS);
  const need = (line: Reading) => (line.standing !== "no_target" ? 0 : line.gap ? 2 : 1);
  const main = (line: Reading) => (MAIN.has(line.indicator) ? 0 : 0.5);
  const chosen = new Set(
    all
      .map((line, place) => ({ line, place, rank: need(line) + main(line) }))
      .sort((a, b) => a.rank - b.rank || a.place - b.place)
      .slice(0, ROOM)
      .map(({ line }) => line),
  );
  return all.filter((line) => chosen.has(line));
}

/** One figure; of several targets the one that stands worst judges it. */
export function reading(
  indicator: string,
  window: WindowName,
  figure: Figure | undefined,
  targets: ReadonlyMap<string, Target>,
): Reading {
  if (!figure) return without(indicator, window);
  const judged = worst(figure.targets ?? [], (verdict) => standingOf(verdict));
  return judged
    ? judgedReading(figure, window, judged, targets.get(judged.target))
    : plainReading(figure, window, plainMeasure(figure));
}

/** The indicator in the window in which it stands worst; without any target, in the base window. */
function worstReading(
  indicator: string,
  figures: ScopeFigures,
  targets: ReadonlyMap<string, Target>,
): Reading {
  const base = reading(indicator, BASE_WINDOW, figureOf(figures, BASE_WINDOW, indicator), targets);
  const all = [...figures.keys()].map((window) =>
    reading(indicator, window, figureOf(figures, window, indicator), targets),
  );
  return worst([base, ...all], (line) => line.standing) ?? base;
}

function figureOf(figures: ScopeFigures, window: WindowName, indicator: string) {
  return figures.get(window)?.figures.find((figure) => figure.indicator === indicator);
}

/** What a scope is as a whole: its worst main reading. */
export function overall(lines: readonly Reading[]): Standing {
  return lines.reduce<Standing>(
    (worstSoFar, line) =>
      SEVERITY[line.standing] < SEVERITY[worstSoFar] ? line.standing : worstSoFar,
    "no_target",
  );
}

/** The `count` lines that matter most: breached and missed first, then the usual order. */
export function focus(lines: readonly Reading[], count: number): Reading[] {
  const urgent = (line: Reading) =>
    line.standing === "breached" ? 0 : line.standing === "missed" ? 1 : line.gap ? 3 : 2;
  return lines
    .map((line, place) => ({ line, place }))
    .sort((a, b) => urgent(a.line) - urgent(b.line) || a.place - b.place)
    .slice(0, count)
    .map(({ line }) => line);
}

/** The first of those that stand worst. */
function worst<T>(items: readonly T[], standing: (item: T) => Standing): T | undefined {
  return items.reduce<T | undefined>(
    (found, next) =>
      found === undefined || SEVERITY[standing(next)] < SEVERITY[standing(found)] ? next : found,
    undefined,
  );
}

function judgedReading(
  figure: Figure,
  window: WindowName,
  judged: TargetVerdict,
  target: Target | undefined,
): Reading {
  const measure = target?.measure ?? plainMeasure(figure);
  const plain = plainReading(figure, window, measure);
  const value = judged.value ?? plain.value;
  return {
    ...plain,
    withinMs: target?.within_ms ?? null,
    value,
    low: judged.low ?? null,
    high: judged.high ?? null,
    standing: standingOf(judged),
    comparison: target?.comparison ?? null,
    limit: judged.limit,
    minimumSample: target?.minimum_sample ?? null,
    gap: value === null ? "no_data" : null,
  };
}

function plainReading(figure: Figure, window: WindowName, measure: string): Reading {
  const value = measured(figure, measure);
  return {
    indicator: figure.indicator,
    window,
    measure,
    withinMs: null,
    unit: judgedUnit(figure.indicator, measure),
    value,
    n: figure.n,
    low: figure.low ?? null,
    high: figure.high ?? null,
    standing: "no_target",
    comparison: null,
    limit: null,
    minimumSample: null,
    provisional: figure.provisional ?? false,
    gap: value === null ? "no_data" : null,
  };
}

/** The api leaves out figures of which there is no case. */
function without(indicator: string, window: WindowName): Reading {
  const measure = unitOf(indicator) === "duration" ? "p90" : "value";
  return plainReading({ indicator, n: 0 }, window, measure);
}

function plainMeasure(figure: Figure): string {
  if (MEANS.has(figure.indicator) || unitOf(figure.indicator) === "money") return "mean";
  if (unitOf(figure.indicator) !== "duration") return "value";
  return figure.p90 === undefined || figure.p90 === null ? "mean" : "p90";
}

function measured(figure: Figure, measure: string): number | null {
  if (measure === "p50" || measure === "p90" || measure === "p95" || measure === "p99") {
    return figure[measure] ?? null;
  }
  if (measure === "share_within") return null; // only the verdict carries it
  return figure.value ?? null;
}

export function judgedUnit(indicator: string, measure: string): Unit {
  if (measure === "share_within") return "ratio";
  const unit = unitOf(indicator);
  // an indicator of a later version: its measure tells what it may be
  const isUnknown = unit === "ratio" && !MEANS.has(indicator);
  return isUnknown && SPREAD_MEASURES.has(measure) ? "duration" : unit;
}

function unitOf(indicator: string): Unit {
  return UNITS[indicator] ?? (indicator.startsWith("tickets_") ? "number" : "ratio");
}
