import { focus, overall, type Reading, readings } from "../model/readings";
import type { Density } from "../model/layout";
import { parseScope } from "../model/scope";
import type { Indicator, ScoreRecord, Target } from "../model/wire";
import { useSurface } from "./context";
import { Mark } from "./Mark";
import { memo } from "./memo";
import { readingText } from "./reading_text";
import { Score } from "./Score";
import { Sparkline } from "./Sparkline";

interface Props {
  record: ScoreRecord;
  targets: ReadonlyMap<string, Target>;
  indicators: ReadonlyMap<string, Indicator>;
  alerts: number;
  density: Density;
  lines: number;
  language: string;
}

export const Tile = memo(function Tile(props: Props) {
  const { record, density } = props;
  const all = readings(record, props.targets);
  const shown = density === "large" ? all : focus(all, props.lines);
  const { name } = parseScope(record.scope);
  const standing = overall(all);
  return (
    <article
      class={`tile tile-${density} standing-${standing}`}
      aria-label={name}
      data-scope={record.scope}
      data-standing={standing}
      data-stream-ms={record.stream_ms}
      data-end-ms={record.end_ms}
    >
      <header>
        <h3 title={name}>{name}</h3>
        <Score score={record.score ?? null} provisional={record.provisional} />
        <Summary lines={all} alerts={props.alerts} />
      </header>
      <ul>
        {shown.map((line) => (
          <Line
            key={line.indicator}
            line={line}
            record={record}
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
  const standings = (["breached", "missed", "met", "not_enough_data"] as const)
    .map((standing) => ({
      standing,
      count: lines.filter((line) => line.standing === standing).length,
    }))
    .filter(({ count }) => count > 0);
  return (
    <p class="summary">
      {standings.map(({ standing, count }) => (
        <span key={standing} class={`standing-${standing}`}>
          <Mark standing={standing} />
          {count} {t(`standing.${standing}`)}
        </span>
      ))}
      {standings.length === 0 && <span>{t("standing.no_target")}</span>}
      {alerts > 0 && <span class="alert-count">{t("tile.alerts", { count: alerts })}</span>}
    </p>
  );
}

interface LineProps {
  line: Reading;
  record: ScoreRecord;
  indicator: Indicator | undefined;
  density: Density;
}

function Line({ line, record, indicator, density }: LineProps) {
  const { t, language, histories } = useSurface();
  const text = readingText(line, indicator, language, t);
  return (
    <li class={`line standing-${line.standing}`} title={text.sentence}>
      <Mark standing={line.standing} />
      <span class="name">
        <span>{text.label}</span> <small>{text.measure}</small>
        {density === "large" && <small class="sample">{text.sample}</small>}
      </span>
      <Sparkline
        series={histories.of(record.window, record.scope, line.indicator)}
        limit={line.limit}
        standing={line.standing}
      />
      <span class="value">{text.gap ? <small class="gap">— {text.gap}</small> : text.value}</span>
      {density === "large" && (
        <span class="judgement">
          <span>{text.verdict}</span>
          <small>{text.target}</small>
        </span>
      )}
    </li>
  );
}
