import type { Density } from "../model/layout";
import { focus, overall, type Reading, type Standing, wallReadings } from "../model/readings";
import { parseScope } from "../model/scope";
import { newest, type ScopeFigures, scoreRecord, type View } from "../model/view";
import type { Indicator, Target } from "../model/wire";
import { useSurface } from "./context";
import { Mark } from "./Mark";
import { memo } from "./memo";
import { readingText } from "./reading_text";
import { Score } from "./Score";
import { Sparkline } from "./Sparkline";

interface Props {
  scope: string;
  figures: ScopeFigures;
  view: View;
  targets: ReadonlyMap<string, Target>;
  indicators: ReadonlyMap<string, Indicator>;
  alerts: number;
  density: Density;
  lines: number;
  language: string;
}

export const Tile = memo(function Tile(props: Props) {
  const { scope, figures, view, density } = props;
  const all = wallReadings(figures, view, props.targets);
  const latest = newest(figures);
  const shown = density === "large" ? all : focus(all, props.lines);
  const { name } = parseScope(scope);
  const standing = overall(all);
  return (
    <article
      class={`tile tile-${density} standing-${standing}`}
      aria-label={name}
      data-scope={scope}
      data-standing={standing}
      data-stream-ms={latest?.stream_ms}
      data-end-ms={latest?.end_ms}
    >
      <header>
        <h3 title={name}>{name}</h3>
        <Score record={scoreRecord(figures, view)} named={view === "targets"} />
        <Summary lines={all} alerts={props.alerts} />
      </header>
      <ul>
        {shown.map((line) => (
          <Line
            key={line.indicator}
            line={line}
            scope={scope}
            named={view === "targets"}
            indicator={props.indicators.get(line.indicator)}
            density={density}
          />
        ))}
      </ul>
    </article>
  );
});

/** The tile in words: how many readings stand how, worst first. */
function Summary({ lines, alerts }: { lines: readonly Reading[]; alerts: number }) {
  const { t } = useSurface();
  const judged = lines.some((line) => line.standing !== "no_target");
  return (
    <p class="summary">
      <Count lines={lines} standing="breached" />
      <Count lines={lines} standing="missed" />
      {alerts > 0 && <span class="alert-count">{t("tile.alerts", { count: alerts })}</span>}
      <Count lines={lines} standing="met" />
      <Count lines={lines} standing="not_enough_data" />
      {!judged && <span>{t("standing.no_target")}</span>}
    </p>
  );
}

function Count({ lines, standing }: { lines: readonly Reading[]; standing: Standing }) {
  const { t } = useSurface();
  const count = lines.filter((line) => line.standing === standing).length;
  if (count === 0) return null;
  return (
    <span class={`standing-${standing}`}>
      <Mark standing={standing} />
      {count} {t(`standing.${standing}`)}
    </span>
  );
}

interface LineProps {
  line: Reading;
  scope: string;
  named: boolean;
  indicator: Indicator | undefined;
  density: Density;
}

function Line({ line, scope, named, indicator, density }: LineProps) {
  const { t, language, histories, currency } = useSurface();
  const text = readingText(line, indicator, language, t, named, currency);
  return (
    <li class={`line standing-${line.standing}`} title={text.sentence}>
      <Mark standing={line.standing} />
      <span class="name">
        <span>{text.label}</span> <small>{text.measure}</small>
        {density === "large" && <small class="sample">{text.sample}</small>}
      </span>
      <Sparkline series={histories.of(line.window, scope, line.indicator)} line={line} />
      <span class="value">{text.gap ? <small class="gap">— {text.gap}</small> : text.value}</span>
      <span class={density === "large" ? "judgement" : "visually-hidden"}>
        <span>{text.verdict}</span> <small>{text.target}</small>
      </span>
    </li>
  );
}
