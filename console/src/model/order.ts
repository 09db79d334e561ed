/** Which tile stands where: breached first, then by volume, and calm in between. */

import { overall, type Standing, wallReadings } from "./readings";
import { BASE_WINDOW, newest, type ScopeFigures, type View } from "./view";
import type { Target } from "./wire";

export interface Ranked {
  scope: string;
  standing: Standing;
  volume: number;
}

const RANK: Partial<Record<Standing, number>> = { breached: 0, missed: 1 };

export function rank(
  scope: string,
  figures: ScopeFigures,
  view: View,
  targets: ReadonlyMap<string, Target>,
): Ranked {
  const standing = overall(wallReadings(figures, view, targets));
  return { scope, standing, volume: volume(figures, view) };
}

export function order(ranked: readonly Ranked[]): string[] {
  return [...ranked].sort(compare).map(({ scope }) => scope);
}

/** A tile moves only for a reason: `standings` changed, or the volumes had time to shift. */
export class CalmOrder {
  private scopes: string[] = [];
  private signature = "";
  private arrangedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly urgentMs = 2_000,
    private readonly restMs = 15_000,
  ) {}

  arrange(ranked: readonly Ranked[], now: number): string[] {
    const signature = standings(ranked);
    const elapsed = now - this.arrangedAt;
    const sameTiles = ranked.length === this.scopes.length;
    const patience = signature === this.signature ? this.restMs : this.urgentMs;
    if (!sameTiles || elapsed >= patience) {
      const next = order(ranked);
      this.arrangedAt = now;
      this.signature = signature;
      if (next.join("\n") !== this.scopes.join("\n")) this.scopes = next;
    }
    return this.scopes;
  }
}

function standings(ranked: readonly Ranked[]): string {
  return ranked
    .map(({ scope, standing }) => `${scope}=${RANK[standing] ?? 2}`)
    .sort()
    .join("|");
}

function compare(a: Ranked, b: Ranked): number {
  return (
    (RANK[a.standing] ?? 2) - (RANK[b.standing] ?? 2) ||
    b.volume - a.volume ||
    a.scope.localeCompare(b.scope)
  );
}

function volume(figures: ScopeFigures, view: View): number {
  const record = figures.get(view === "targets" ? BASE_WINDOW : view) ?? newest(figures);
  if (!record) return 0;
  const opened = record.figures.find((figure) => figure.indicator === "tickets_opened");
  return opened ? opened.n : Math.max(0, ...record.figures.map((figure) => figure.n));
}
