/** What the scoring and notify APIs send. Times are integer ms, shares are of 1. */

export const WINDOWS = ["5m", "15m", "1h", "24h", "7d", "30d"] as const;
export type WindowName = (typeof WINDOWS)[number];
export type Verdict = "met" | "missed" | "not_enough_data";
export type Comparison = "at_least" | "at_most";
export type Severity = "warning" | "critical";

export interface Text {
  en: string;
  zh: string;
}

export interface TargetVerdict {
  target: string;
  verdict: Verdict;
  limit: number;
  value?: number | null;
  low?: number | null;
  high?: number | null;
  breached?: boolean;
}

export interface Figure {
  indicator: string;
  n: number;
  value?: number | null;
  good?: number | null;
  total?: number | null;
  low?: number | null;
  high?: number | null;
  p50?: number | null;
  p90?: number | null;
  p95?: number | null;
  p99?: number | null;
  provisional?: boolean;
  targets?: TargetVerdict[];
}

export interface ScoreRecord {
  scope: string;
  window: WindowName;
  start_ms: number;
  end_ms: number;
  stream_ms: number;
  rule_version: string;
  provisional: boolean;
  figures: Figure[];
  score?: number | null;
}

export interface Meta {
  rule_version: string;
  zone: string;
  /** ISO 4217; null where the rules name none. */
  currency?: string | null;
  stream_ms: number | null;
  windows: string[];
  departments: string[];
}

export interface Indicator {
  id: string;
  unit: string;
  direction: string;
  kind: string;
  name: Text;
  definition: Text;
  minimum_sample: number;
}

export interface Target {
  id: string;
  indicator: string;
  measure: string;
  comparison: Comparison;
  limit: number;
  within_ms?: number | null;
  window: string;
  applies_to?: string[];
  minimum_sample?: number | null;
  severity: Severity;
  name: Text;
}

export type AlertState = "open" | "acknowledged" | "resolved";

export interface Alert {
  id: string;
  state: AlertState;
  severity: Severity;
  title: Text;
  text: Text;
  target: string;
  indicator: string;
  measure: string;
  comparison: Comparison;
  limit: number;
  within_ms?: number | null;
  scope: string;
  window: string;
  value: number | null;
  n: number;
  opened_at: string | number;
  acknowledged_at?: string | number | null;
  acknowledged_by?: string | null;
  resolved_at?: string | number | null;
}

export interface Page<T> {
  items: T[];
  next?: string | null;
}

export function isWindow(text: string | null | undefined): text is WindowName {
  return (WINDOWS as readonly string[]).includes(text ?? "");
}

/** The API gives instants as RFC 3339 text or as ms; NaN never leaves here. */
export function instant(value: string | number | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  const ms = typeof value === "number" ? value : Date.parse(value);
  return Number.isFinite(ms) ? ms : null;
}
