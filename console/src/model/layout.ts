/** How many tiles fit on a screen, and how large. Sizes in rem; the screen in px. */

export type Density = "large" | "compact";

export interface Screen {
  width: number;
  height: number;
  rem: number;
  /** The page scrolls (small screens): everything is on one page. */
  flow: boolean;
}

export interface Layout {
  density: Density;
  columns: number;
  rows: number;
  pages: number;
  perPage: number;
  /** Indicator lines that a compact tile has room for. */
  lines: number;
}

const TILE: Record<Density, { width: number; height: number }> = {
  large: { width: 24, height: 18.5 },
  compact: { width: 13.5, height: 8.4 },
};
const ROOMY = 0.92;
const FEW = 8;
const MOST_LINES = 8;
const GAP = 0.5;
/** Heights in a compact tile, in em of its own font. */
const HEAD = 3.4;
const LINE = 1.5;

export function layOut(screen: Screen, count: number): Layout {
  if (screen.flow) return flowing(screen, count);
  const large = bestGrid(screen, count, "large");
  if (large.scale >= ROOMY) return { ...large, pages: 1, perPage: count, lines: MOST_LINES };
  const compact = bestGrid(screen, count, "compact");
  if (compact.scale >= ROOMY) return onePage(screen, compact, count);
  return paged(screen, count);
}

interface Grid {
  density: Density;
  columns: number;
  rows: number;
  scale: number;
}

/** The grid in which `count` tiles come out largest. */
function bestGrid(screen: Screen, count: number, density: Density): Grid {
  let best: Grid = { density, columns: 1, rows: Math.max(1, count), scale: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.max(1, Math.ceil(count / columns));
    const scale = Math.min(
      screen.width / columns / (TILE[density].width * screen.rem),
      screen.height / rows / (TILE[density].height * screen.rem),
    );
    if (scale > best.scale) best = { density, columns, rows, scale };
  }
  return best;
}

function onePage(screen: Screen, grid: Grid, perPage: number, pages = 1): Layout {
  const { density, columns, rows } = grid;
  const width = screen.width / columns / screen.rem;
  const height = screen.height / rows / screen.rem - GAP;
  const lines = Math.floor((height / compactFont(width, height) - HEAD) / LINE);
  return { density, columns, rows, pages, perPage, lines: clamp(3, lines, MOST_LINES) };
}

/** The font of a compact tile, in rem, as `styles.css` sets it. */
function compactFont(width: number, height: number): number {
  return clamp(0.74, Math.min(0.054 * width, 0.1 * height), 1.15);
}

function clamp(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

function paged(screen: Screen, count: number): Layout {
  const { width, height } = TILE.compact;
  const columns = Math.max(1, Math.floor(screen.width / (width * screen.rem)));
  const rows = Math.max(1, Math.floor(screen.height / (height * screen.rem)));
  const pages = Math.max(1, Math.ceil(count / (columns * rows)));
  const perPage = Math.ceil(count / pages);
  return onePage(screen, bestGrid(screen, perPage, "compact"), perPage, pages);
}

function flowing(screen: Screen, count: number): Layout {
  const density: Density = count <= FEW ? "large" : "compact";
  const columns = Math.max(1, Math.floor(screen.width / (TILE[density].width * screen.rem)));
  const rows = Math.ceil(count / columns);
  return { density, columns, rows, pages: 1, perPage: count, lines: 4 };
}
