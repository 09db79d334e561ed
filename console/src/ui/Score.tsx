import { useSurface } from "./context";

/** The composite score, 0-100. What may still change says so. */
export function Score({ score, provisional }: { score: number | null; provisional: boolean }) {
  const { t } = useSurface();
  const state = provisional ? t("tile.provisional") : t("tile.final");
  return (
    <p class="score" data-provisional={provisional} title={`${t("tile.score")}: ${state}`}>
      <span class="points">{score === null ? "—" : Math.round(score)}</span>
      <small>
        {score === null ? t("tile.noScore") : t("tile.score")}
        {provisional && score !== null && <em>{t("tile.provisional")}</em>}
      </small>
    </p>
  );
}
