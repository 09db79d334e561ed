/** Recent values of one reading, for its sparkline: a ring that keeps one point per interval. */

export const POINT_EVERY_MS = 2_000;
export const POINTS = 150;

export class Series {
  readonly times: number[] = [];
  readonly values: (number | null)[] = [];
  version = 0;

  /** Within one interval the newest value replaces the one before. */
  push(time: number, value: number | null): void {
    const last = this.times.length - 1;
    const lastTime = this.times[last];
    if (lastTime !== undefined && time < lastTime) return;
    if (last > 0 && time - (this.times[last - 1] ?? 0) < POINT_EVERY_MS) {
      this.times[last] = time;
      this.values[last] = value;
    } else {
      this.times.push(time);
      this.values.push(value);
      if (this.times.length > POINTS) {
        this.times.shift();
        this.values.shift();
      }
    }
    this.version += 1;
  }

  /** A time without data is drawn as a gap, never as a line across it. */
  interrupt(): void {
    const last = this.times.at(-1);
    if (last === undefined || this.values.at(-1) === null) return;
    this.times.push(last + 1);
    this.values.push(null);
    this.version += 1;
  }
}

/** Series by window, scope and indicator; what was collected survives a reconnection. */
export class Histories {
  private readonly series = new Map<string, Series>();

  of(window: string, scope: string, indicator: string): Series {
    const key = `${window}|${scope}|${indicator}`;
    let found = this.series.get(key);
    if (!found) {
      found = new Series();
      this.series.set(key, found);
    }
    return found;
  }

  interrupt(): void {
    for (const series of this.series.values()) series.interrupt();
  }

  clear(): void {
    this.series.clear();
  }
}
