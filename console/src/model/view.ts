/** What a wall looks at: one window for all, or every indicator in the window it is judged over. */

import { isWindow, type ScoreRecord, type Target, WINDOWS, type WindowName } from "./wire";

export type View = WindowName | "targets";
export const VIEWS: readonly View[] = ["targets", ...WINDOWS];

/** Where indicators without a target are read in the view by targets, and where the score is. */
export const BASE_WINDOW: WindowName = "1h";
export const SCORE_WINDOW: WindowName = "24h";

/** The figures of one scope in the windows that are shown. */
export type ScopeFigures = ReadonlyMap<WindowName, ScoreRecord>;

export function isView(text: string | null | undefined): text is View {
  return text === "targets" || isWindow(text);
}

export function windowsOf(view: View, targets: Iterable<Target>): WindowName[] {
  if (view !== "targets") return [view];
  const needed = new Set<WindowName>([BASE_WINDOW, SCORE_WINDOW]);
  for (const target of targets) {
    if (isWindow(target.window) && concernsTiles(target)) needed.add(target.window);
  }
  return WINDOWS.filter((window) => needed.has(window));
}

export function scoreRecord(figures: ScopeFigures, view: View): ScoreRecord | undefined {
  return figures.get(view === "targets" ? SCORE_WINDOW : view) ?? newest(figures);
}

export function newest(figures: ScopeFigures): ScoreRecord | undefined {
  let found: ScoreRecord | undefined;
  for (const record of figures.values()) {
    if (!found || record.stream_ms > found.stream_ms) found = record;
  }
  return found;
}

/** Targets of single teams, employees, channels or categories judge nothing on the wall. */
function concernsTiles(target: Target): boolean {
  return (target.applies_to ?? ["organisation"]).some(
    (selector) => selector === "organisation" || selector.startsWith("department:"),
  );
}
