import type { ScoreRecord } from "../model/wire";
import { useSurface } from "./context";

interface Props {
  record: ScoreRecord | undefined;
  /** Say which window the score is of. */
  named: boolean;
}

/** The composite score, 0-100. What may still change says so. */
export function Score({ record, named }: Props) {
  const { t } = useSurface();
  if (!record) return null;
  const score = record.score ?? null;
  const finality = record.provisional ? t("tile.provisional") : t("tile.final");
  const window = t(`span.${record.window}`);
  return (
    <p
      class="score"
      data-provisional={record.provisional && score !== null}
      title={`${t("tile.score")} (${window}): ${score === null ? t("tile.noScore") : finality}`}
    >
      <span class="points">{score === null ? "—" : Math.round(score)}</span>
      <small>
        <span>{score === null ? t("tile.noScore") : t("tile.score")}</span>
        {named && <span>{window}</span>}
        {record.provisional && score !== null && <em>{t("tile.provisional")}</em>}
      </small>
    </p>
  );
}
