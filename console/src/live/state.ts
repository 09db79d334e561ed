/** Everything the wall shows, and how it changes. `reduce` is pure: time comes in with actions. */

import { type ScopeFigures, type View, windowsOf } from "../model/view";
import type { Alert, Indicator, Meta, ScoreRecord, Target, WindowName } from "../model/wire";
import { type Link, newLink } from "./link";

export interface State {
  view: View;
  /** The windows whose figures are kept: what the view needs. */
  windows: readonly WindowName[];
  meta: Meta | null;
  ruleVersion: string | null;
  streamMs: number | null;
  indicators: ReadonlyMap<string, Indicator>;
  targets: ReadonlyMap<string, Target>;
  figures: ReadonlyMap<string, ScopeFigures>;
  scoring: Link;
  alerts: ReadonlyMap<string, Alert>;
  /** When an alert arrived while the wall was watching (wall clock, ms). */
  arrivals: ReadonlyMap<string, number>;
  notify: Link;
  /** Figures older than the stream itself were dropped this often: it began anew. */
  generation: number;
}

const MOST_ALERTS = 500;

export type LinkName = "scoring" | "notify";

export type Action =
  | { type: "meta"; meta: Meta }
  | { type: "indicators"; items: readonly Indicator[] }
  | { type: "targets"; ruleVersion: string; items: readonly Target[] }
  | { type: "view"; view: View; now: number }
  | { type: "records"; items: readonly ScoreRecord[]; now: number }
  | { type: "snapshot"; view: View; items: readonly ScoreRecord[]; now: number }
  | { type: "clock"; streamMs: number; now: number }
  | { type: "alerts"; items: readonly Alert[]; now: number }
  | { type: "alert"; item: Alert; now: number }
  | { type: "opened"; link: LinkName; now: number }
  | { type: "sign"; link: LinkName; now: number }
  | { type: "down"; link: LinkName; attempt: number; retryInMs: number; now: number };

export function initialState(view: View, now: number): State {
  return {
    view,
    windows: windowsOf(view, []),
    meta: null,
    ruleVersion: null,
    streamMs: null,
    indicators: new Map(),
    targets: new Map(),
    figures: new Map(),
    scoring: newLink(now),
    alerts: new Map(),
    arrivals: new Map(),
    notify: newLink(now),
    generation: 0,
  };
}

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "meta":
      return { ...state, meta: action.meta };
    case "indicators":
      return { ...state, indicators: byId(action.items) };
    case "targets":
      return { ...state, targets: byId(action.items), ruleVersion: action.ruleVersion };
    case "view":
      return changeView(state, action.view, action.now);
    case "records":
      return addRecords(state, action.items, action.now);
    case "snapshot":
      return action.view === state.view ? takeSnapshot(state, action) : state;
    case "clock":
      return moveClock(state, action.streamMs, action.now);
    case "alerts":
      return takeAlerts(state, action.items, action.now);
    case "alert":
      return takeAlert(state, action.item, action.now);
    case "opened":
      return withLink(state, action.link, (link) => opened(link, action.now));
    case "sign":
      return withLink(state, action.link, (link) => heard(link, action.now));
    case "down":
      return withLink(state, action.link, (link) =>
        down(link, action.now, action.attempt, action.retryInMs),
      );
  }
}

function byId<T extends { id: string }>(items: readonly T[]): Map<string, T> {
  return new Map(items.map((item) => [item.id, item]));
}

function changeView(state: State, view: View, now: number): State {
  const windows = windowsOf(view, state.targets.values());
  const same = view === state.view && windows.join() === state.windows.join();
  if (same) return state;
  return { ...state, view, windows, figures: new Map(), scoring: newLink(now) };
}

function addRecords(state: State, items: readonly ScoreRecord[], now: number): State {
  const wanted = items.filter((item) => state.windows.includes(item.window));
  const figures = merged(state.figures, wanted);
  const newest = Math.max(state.streamMs ?? 0, ...wanted.map((item) => item.stream_ms));
  return moveClock({ ...state, figures }, newest, now);
}

/** Scopes that nothing was said of keep their identity, so that they are not rendered again. */
function merged(
  into: ReadonlyMap<string, ScopeFigures>,
  items: readonly ScoreRecord[],
): Map<string, ScopeFigures> {
  const figures = new Map(into);
  const touched = new Map<string, Map<WindowName, ScoreRecord>>();
  for (const item of items) {
    const mine = touched.get(item.scope) ?? new Map(figures.get(item.scope));
    touched.set(item.scope, mine);
    const known = mine.get(item.window);
    if (!known || known.stream_ms <= item.stream_ms) mine.set(item.window, item);
  }
  for (const [scope, mine] of touched) figures.set(scope, mine);
  return figures;
}

/** The snapshot is the truth; only what arrived live since it was asked for may be newer. One
 * that is wholly older than every figure shown speaks of another stream. */
function takeSnapshot(state: State, action: { items: readonly ScoreRecord[]; now: number }): State {
  const items = action.items.filter((item) => state.windows.includes(item.window));
  const newest = Math.max(0, ...items.map((item) => item.stream_ms));
  const shown = recordsOf(state);
  const restarted = items.length > 0 && shown.every((record) => newest < record.stream_ms);
  const keys = new Set(items.map(keyOf));
  const stillNewer = restarted ? [] : shown.filter((record) => keys.has(keyOf(record)));
  return {
    ...state,
    figures: merged(merged(new Map(), items), stillNewer),
    streamMs: restarted ? newest : Math.max(newest, state.streamMs ?? 0) || null,
    scoring: synced(state.scoring, action.now),
    generation: state.generation + (restarted && shown.length > 0 ? 1 : 0),
  };
}

function recordsOf(state: State): ScoreRecord[] {
  return [...state.figures.values()].flatMap((figures) => [...figures.values()]);
}

function keyOf(record: ScoreRecord): string {
  return `${record.scope}|${record.window}`;
}

function moveClock(state: State, streamMs: number, now: number): State {
  if (state.streamMs !== null && streamMs <= state.streamMs) return state;
  return { ...state, streamMs, scoring: { ...state.scoring, lastMove: now } };
}

/** The list as notify has it now; what is new since the last list arrived while nobody listened. */
function takeAlerts(state: State, items: readonly Alert[], now: number): State {
  const alerts = byId(items);
  const arrivals = new Map([...state.arrivals].filter(([id]) => alerts.has(id)));
  for (const item of items) {
    const missed = state.notify.lastLive !== null && !state.alerts.has(item.id);
    if (missed && item.state === "open") arrivals.set(item.id, now);
  }
  return { ...state, alerts, arrivals, notify: synced(state.notify, now) };
}

function takeAlert(state: State, item: Alert, now: number): State {
  const alerts = withoutOldest(new Map(state.alerts).set(item.id, item));
  const isNew = !state.alerts.has(item.id) && item.state === "open";
  const arrivals = isNew ? new Map(state.arrivals).set(item.id, now) : state.arrivals;
  return { ...state, alerts, arrivals };
}

/** A wall runs for months: resolved alerts beyond a bound are let go, oldest first. */
function withoutOldest(alerts: Map<string, Alert>): Map<string, Alert> {
  let excess = alerts.size - MOST_ALERTS;
  for (const [id, alert] of alerts) {
    if (excess <= 0) break;
    if (alert.state !== "resolved") continue;
    alerts.delete(id);
    excess -= 1;
  }
  return alerts;
}

function withLink(state: State, name: LinkName, change: (link: Link) => Link): State {
  return { ...state, [name]: change(state[name]) };
}

function opened(link: Link, now: number): Link {
  return { ...link, phase: "open", since: now, lastSign: now, synced: false, retryAt: null };
}

function synced(link: Link, now: number): Link {
  return { ...link, synced: true, attempt: 0, lastLive: now, lastMove: link.lastMove ?? now };
}

function heard(link: Link, now: number): Link {
  return { ...link, lastSign: now, lastLive: link.synced ? now : link.lastLive };
}

function down(link: Link, now: number, attempt: number, retryInMs: number): Link {
  const since = link.phase === "down" ? link.since : now;
  return { ...link, phase: "down", since, synced: false, attempt, retryAt: now + retryInMs };
}
