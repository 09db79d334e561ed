/** Holds the state; changes that come in bursts are applied together, once per frame. */

import type { ScoreRecord } from "../model/wire";
import { type Action, reduce, type State } from "./state";

export interface FrameClock {
  now: () => number;
  requestFrame: (run: () => void) => void;
}

export class Store {
  private listeners = new Set<() => void>();
  private pending = new Map<string, ScoreRecord>();
  private frameAsked = false;
  private flushedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private current: State,
    private readonly clock: FrameClock,
    /** Faster than this nobody reads: frames in between are skipped. */
    private readonly everyMs = 200,
  ) {}

  get state(): State {
    return this.current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  dispatch(action: Action): void {
    const next = reduce(this.current, action);
    if (next === this.current) return;
    this.current = next;
    for (const listener of this.listeners) listener();
  }

  /** Keeps the newest record of each scope and window until the next frame. */
  offer(record: ScoreRecord): void {
    const key = `${record.scope}|${record.window}`;
    const known = this.pending.get(key);
    if (known && known.stream_ms > record.stream_ms) return;
    this.pending.set(key, record);
    this.askFrame();
  }

  forgetPending(): void {
    this.pending.clear();
  }

  private askFrame(): void {
    if (this.frameAsked) return;
    this.frameAsked = true;
    this.clock.requestFrame(() => this.onFrame());
  }

  private onFrame(): void {
    this.frameAsked = false;
    if (this.pending.size === 0) return;
    const now = this.clock.now();
    if (now - this.flushedAt < this.everyMs) {
      this.askFrame();
      return;
    }
    this.flushedAt = now;
    const items = [...this.pending.values()];
    this.pending.clear();
    this.dispatch({ type: "records", items, now });
  }
}
