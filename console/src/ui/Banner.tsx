import { duration } from "../i18n/format";
import type { Liveness } from "../live/link";
import { useSurface } from "./context";

interface Props {
  status: Liveness;
  hasFigures: boolean;
  now: number;
  onHurry: () => void;
}

/** Says what the figures below are when they are not live. */
export function Banner({ status, hasFigures, now, onHurry }: Props) {
  const { t } = useSurface();
  if (status.kind === "live" || status.kind === "connecting") return null;
  const down = status.kind === "stale" || status.kind === "reconnecting";
  return (
    <div class={`banner banner-${status.kind}`} role={down ? "alert" : "status"}>
      <p>
        <Saying status={status} hasFigures={hasFigures} now={now} />
      </p>
      {down && (
        <p class="retry" aria-live="off">
          <Retry status={status} now={now} />
          <button type="button" onClick={onHurry}>
            {t("banner.hurry")}
          </button>
        </p>
      )}
    </div>
  );
}

type Down = Exclude<Liveness, { kind: "live" | "connecting" }>;

function Saying({ status, hasFigures, now }: { status: Down; hasFigures: boolean; now: number }) {
  const { t, zone, language } = useSurface();
  const elapsed = duration(Math.max(1_000, now - status.since), language);
  const time = zone.time(status.since);
  if (status.kind === "quiet") return <>{t("banner.quiet", { time, elapsed })}</>;
  if (!hasFigures) return <>{t("banner.unreachable")}</>;
  return <>{t("banner.stale", { time, ago: t("ago.past", { elapsed }) })}</>;
}

function Retry({ status, now }: { status: Down; now: number }) {
  const { t } = useSurface();
  if (status.kind === "quiet" || status.attempt === 0) return null;
  const seconds = Math.ceil(((status.retryAt ?? now) - now) / 1_000);
  return seconds > 0 ? (
    <span>{t("banner.retrying", { seconds, attempt: status.attempt })}</span>
  ) : (
    <span>{t("banner.retryingNow", { attempt: status.attempt })}</span>
  );
}
