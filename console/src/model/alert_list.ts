/** Which alerts are listed, in which order. */

import { type Alert, instant } from "./wire";

export const RESOLVED_STAYS_MS = 60_000;

export interface AlertList {
  shown: Alert[];
  /** Active alerts that did not fit. */
  more: number;
  open: number;
  acknowledged: number;
}

const STATE_RANK = { open: 0, acknowledged: 1, resolved: 2 } as const;

/** Open before acknowledged, critical before warning, newest first. A resolved alert stays for a
 * minute, so that one who looks up sees how it ended. */
export function listAlerts(alerts: Iterable<Alert>, now: number, most: number): AlertList {
  const listed = [...alerts].filter((alert) => alert.state !== "resolved" || isFresh(alert, now));
  listed.sort(
    (a, b) =>
      STATE_RANK[a.state] - STATE_RANK[b.state] ||
      Number(b.severity === "critical") - Number(a.severity === "critical") ||
      (instant(b.opened_at) ?? 0) - (instant(a.opened_at) ?? 0) ||
      a.id.localeCompare(b.id),
  );
  const open = listed.filter((alert) => alert.state === "open").length;
  const acknowledged = listed.filter((alert) => alert.state === "acknowledged").length;
  const shown = listed.slice(0, most);
  return { shown, more: Math.max(0, open + acknowledged - most), open, acknowledged };
}

function isFresh(alert: Alert, now: number): boolean {
  const resolved = instant(alert.resolved_at);
  return resolved !== null && now - resolved < RESOLVED_STAYS_MS;
}
