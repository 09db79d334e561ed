import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Series } from "../model/history";
import type { Reading } from "../model/readings";
import { onPulse, onResize } from "./pulse";

interface Props {
  series: Series;
  line: Reading;
}

const SHORTEST_SPAN_MS = 60_000;
/** The height of a chart is at least two percentage points, or a tenth of the value: percentiles
 * come from a sketch and move in steps of up to 2 %. */
const LEAST_SHARE = 0.02;
const LEAST_PART = 0.1;

/** The recent values of one reading; its limit is dashed when it lies near. Decorative: the value
 * beside it is what is read out. */
export function Sparkline({ series, line }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const shown = useRef(line);
  shown.current = line;
  useEffect(() => {
    const box = element.current;
    if (!box) return;
    return draw(box, series, () => shown.current);
  }, [series]);
  return <div class={`spark spark-${line.standing}`} ref={element} aria-hidden="true" />;
}

function draw(box: HTMLDivElement, series: Series, line: () => Reading): () => void {
  let chart: uPlot | null = null;
  let version = -1;
  let colour = "";
  const update = () => {
    if (!chart) return;
    const now = getComputedStyle(box).color;
    if (version === series.version && colour === now) return;
    version = series.version;
    colour = now;
    chart.setData([series.times, series.values]);
  };
  const resize = (width: number, height: number) => {
    if (width < 4 || height < 4) return;
    if (chart) chart.setSize({ width, height });
    else
      chart = new uPlot(
        options(width, height, () => colour, line),
        [[], []],
        box,
      );
    version = -1;
    update();
  };
  const stopResize = onResize(box, resize);
  const stopPulse = onPulse(update);
  return () => {
    stopResize();
    stopPulse();
    chart?.destroy();
  };
}

function options(
  width: number,
  height: number,
  colour: () => string,
  line: () => Reading,
): uPlot.Options {
  return {
    width,
    height,
    padding: [3, 3, 3, 1],
    cursor: { show: false },
    legend: { show: false },
    axes: [{ show: false }, { show: false }],
    scales: {
      x: { time: false, range: (_, from, to) => timeRange(from, to) },
      y: { range: (_, low, high) => valueRange(low, high, line()) },
    },
    series: [
      {},
      { stroke: colour, width: 1.5, points: { show: false }, spanGaps: false, pxAlign: 0 },
    ],
    hooks: { draw: [(chart) => decorate(chart, colour(), line().limit)] },
  };
}

function timeRange(from: number | null, to: number | null): [number, number] {
  const end = to ?? 0;
  return [Math.min(from ?? 0, end - SHORTEST_SPAN_MS), end];
}

/** Never so close that noise looks like a cliff; wide enough for a limit that is near. */
function valueRange(
  low: number | null,
  high: number | null,
  { limit, unit }: Reading,
): [number, number] {
  if (low === null || high === null) return [0, 1];
  const least = unit === "ratio" ? LEAST_SHARE : Math.abs(high) * LEAST_PART || 1;
  const span = Math.max(high - low, least);
  let from = low;
  let to = high;
  if (limit !== null && limit >= low - 2 * span && limit <= high + 2 * span) {
    from = Math.min(low, limit);
    to = Math.max(high, limit);
  }
  const room = Math.max((least - (to - from)) / 2, (to - from) * 0.08);
  return [from - room, to + room];
}

function decorate(chart: uPlot, colour: string, limit: number | null): void {
  const { ctx } = chart;
  const { left, top, width, height } = chart.bbox;
  ctx.save();
  const range = chart.scales.y;
  if (limit !== null && limit >= (range?.min ?? 0) && limit <= (range?.max ?? 0)) {
    const y = chart.valToPos(limit, "y", true);
    ctx.strokeStyle = colour;
    ctx.globalAlpha = 0.45;
    ctx.lineWidth = Math.max(1, devicePixelRatio);
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
  }
  const last = chart.data[1]?.at(-1);
  if (last !== null && last !== undefined) {
    const y = Math.min(top + height, Math.max(top, chart.valToPos(last, "y", true)));
    ctx.globalAlpha = 1;
    ctx.fillStyle = colour;
    ctx.beginPath();
    ctx.arc(left + width, y, 2 * devicePixelRatio, 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.restore();
}
