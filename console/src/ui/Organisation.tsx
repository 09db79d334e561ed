import { type Reading, wallReadings } from "../model/readings";
import { newest, type ScopeFigures, scoreRecord, type View } from "../model/view";
import type { Indicator, Target } from "../model/wire";
import { useSurface } from "./context";
import { Mark } from "./Mark";
import { memo } from "./memo";
import { readingText } from "./reading_text";
import { Score } from "./Score";
import { Sparkline } from "./Sparkline";

interface Props {
  figures: ScopeFigures | undefined;
  view: View;
  targets: ReadonlyMap<string, Target>;
  indicators: ReadonlyMap<string, Indicator>;
  language: string;
}

/** The organisation as a whole: the figures that are read from the back of the room. */
export const Organisation = memo(function Organisation(props: Props) {
  const { t } = useSurface();
  const { figures, view, targets, indicators } = props;
  if (!figures) return null;
  return (
    <section
      class="organisation"
      aria-label={t("board.organisation")}
      data-scope="organisation"
      data-stream-ms={newest(figures)?.stream_ms}
    >
      <div class="organisation-head">
        <h2>{t("board.organisation")}</h2>
        <Score record={scoreRecord(figures, view)} named={view === "targets"} />
      </div>
      <ul>
        {wallReadings(figures, view, targets).map((line) => (
          <Headline
            key={line.indicator}
            line={line}
            named={view === "targets"}
            indicator={indicators.get(line.indicator)}
          />
        ))}
      </ul>
    </section>
  );
});

interface HeadlineProps {
  line: Reading;
  named: boolean;
  indicator: Indicator | undefined;
}

function Headline({ line, named, indicator }: HeadlineProps) {
  const { t, language, histories, currency } = useSurface();
  const text = readingText(line, indicator, language, t, named, currency);
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
        <small class="sample">{text.sample}</small>
      </span>
      <Sparkline series={histories.of(line.window, "organisation", line.indicator)} line={line} />
    </li>
  );
}
