import { type Reading, readings } from "../model/readings";
import type { Indicator, ScoreRecord, Target } from "../model/wire";
import { useSurface } from "./context";
import { Mark } from "./Mark";
import { memo } from "./memo";
import { readingText } from "./reading_text";
import { Score } from "./Score";
import { Sparkline } from "./Sparkline";

interface Props {
  record: ScoreRecord | undefined;
  targets: ReadonlyMap<string, Target>;
  indicators: ReadonlyMap<string, Indicator>;
  language: string;
}

/** The organisation as a whole: the figures that are read from the back of the room. */
export const Organisation = memo(function Organisation({ record, targets, indicators }: Props) {
  const { t } = useSurface();
  if (!record) return null;
  return (
    <section
      class="organisation"
      aria-label={t("board.organisation")}
      data-scope="organisation"
      data-stream-ms={record.stream_ms}
    >
      <div class="organisation-head">
        <h2>{t("board.organisation")}</h2>
        <Score score={record.score ?? null} provisional={record.provisional} />
      </div>
      <ul>
        {readings(record, targets).map((line) => (
          <Headline
            key={line.indicator}
            line={line}
            record={record}
            indicator={indicators.get(line.indicator)}
          />
        ))}
      </ul>
    </section>
  );
});

interface HeadlineProps {
  line: Reading;
  record: ScoreRecord;
  indicator: Indicator | undefined;
}

function Headline({ line, record, indicator }: HeadlineProps) {
  const { t, language, histories } = useSurface();
  const text = readingText(line, indicator, language, t);
  return (
    <li class={`headline standing-${line.standing}`} title={text.sentence}>
      <span class="name">
        {text.label} <small>{text.measure}</small>
      </span>
      <span class="value">
        {text.value} {text.gap && <small class="gap">{text.gap}</small>}
      </span>
      <span class="judgement">
        <Mark standing={line.standing} />
        <span>
          {text.verdict} {text.target && <small>{text.target}</small>}
        </span>
      </span>
      <Sparkline
        series={histories.of(record.window, record.scope, line.indicator)}
        limit={line.limit}
        standing={line.standing}
      />
      <span class="sample">{text.sample}</span>
    </li>
  );
}
