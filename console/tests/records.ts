import type { Alert, ScoreRecord, Target } from "../src/model/wire";

export function record(change: Partial<ScoreRecord> = {}): ScoreRecord {
  return {
    scope: "department:stores",
    window: "1h",
    start_ms: 0,
    end_ms: 3_600_000,
    stream_ms: 1_000,
    rule_version: "v1",
    provisional: true,
    figures: [],
    ...change,
  };
}

export function target(change: Partial<Target> = {}): Target {
  return {
    id: "quick",
    indicator: "first_response_time",
    measure: "p90",
    comparison: "at_most",
    limit: 600_000,
    window: "1h",
    severity: "warning",
    name: { en: "Quick", zh: "快" },
    ...change,
  };
}

export function alert(change: Partial<Alert> = {}): Alert {
  return {
    id: "a1",
    state: "open",
    severity: "warning",
    title: { en: "Slow", zh: "慢" },
    text: { en: "Slow.", zh: "慢。" },
    target: "quick",
    indicator: "first_response_time",
    measure: "p90",
    comparison: "at_most",
    limit: 600_000,
    scope: "department:stores",
    window: "1h",
    value: 700_000,
    n: 40,
    opened_at: "2026-01-01T00:00:00Z",
    ...change,
  };
}
