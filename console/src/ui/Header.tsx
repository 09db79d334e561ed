import type { Liveness } from "../live/link";
import type { State } from "../live/state";
import { LANGUAGES, type Language } from "../model/route";
import { VIEWS, type View } from "../model/view";
import { useSurface } from "./context";

interface Props {
  state: State;
  status: Liveness;
  now: number;
  onView: (view: View) => void;
  onLanguage: (language: Language) => void;
}

export function Header({ state, status, now, onView, onLanguage }: Props) {
  const { t } = useSurface();
  return (
    <header class="header">
      <h1 class="product">
        <Emblem />
        <span>Bellwether</span>
        <small>{t("product.tagline")}</small>
      </h1>
      <ViewSelector current={state.view} onView={onView} />
      <Clocks state={state} now={now} />
      <ConnectionState status={status} now={now} />
      <LanguageSwitch onLanguage={onLanguage} />
    </header>
  );
}

function Emblem() {
  return (
    <svg class="emblem" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M4 22l7-7 6 5 10-12" fill="none" stroke="currentColor" stroke-width="3" />
      <circle cx="27" cy="8" r="3.4" />
    </svg>
  );
}

function ViewSelector(props: { current: View; onView: (view: View) => void }) {
  const { t } = useSurface();
  return (
    <fieldset class="choices windows" aria-label={t("window.group")}>
      {VIEWS.map((view) => (
        <button
          key={view}
          type="button"
          data-window={view}
          aria-pressed={view === props.current}
          title={view === "targets" ? t("window.targetsExplained") : undefined}
          onClick={() => props.onView(view)}
        >
          {t(`window.${view}`)}
        </button>
      ))}
    </fieldset>
  );
}

function Clocks({ state, now }: { state: State; now: number }) {
  const { t, zone } = useSurface();
  return (
    <dl class="clocks">
      <div>
        <dt>{t("clock.organisation")}</dt>
        <dd title={state.meta?.zone}>
          <span class="day">{zone.day(now)}</span> {zone.time(now)}
        </dd>
      </div>
      <div>
        <dt>{t("clock.stream")}</dt>
        <dd data-stream-ms={state.streamMs ?? ""}>{streamTime(state.streamMs, now, zone)}</dd>
      </div>
      <div>
        <dt>{t("rules.version")}</dt>
        <dd class="rules">{state.ruleVersion ?? "—"}</dd>
      </div>
    </dl>
  );
}

/** A replay's day is years away: then the date is said too. */
function streamTime(
  streamMs: number | null,
  now: number,
  zone: { time(ms: number): string; full(ms: number): string; day(ms: number): string },
): string {
  if (streamMs === null) return "—";
  return Math.abs(now - streamMs) < 12 * 3_600_000 ? zone.time(streamMs) : zone.full(streamMs);
}

function ConnectionState({ status, now }: { status: Liveness; now: number }) {
  const { t, zone } = useSurface();
  const time = "since" in status ? zone.moment(status.since, now) : "";
  return (
    <p class={`connection connection-${status.kind}`} role="status" data-connection={status.kind}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {status.kind === "live" ? (
          <circle cx="8" cy="8" r="5" fill="currentColor" />
        ) : (
          <circle cx="8" cy="8" r="4.6" fill="none" stroke="currentColor" stroke-width="2.4" />
        )}
      </svg>
      {t(`link.${status.kind}`, { time })}
    </p>
  );
}

const OWN_NAMES: Record<Language, string> = { "zh-CN": "中文", en: "EN" };

function LanguageSwitch({ onLanguage }: { onLanguage: (language: Language) => void }) {
  const { t, language } = useSurface();
  return (
    <fieldset class="choices languages" aria-label={t("language.group")}>
      {LANGUAGES.map((choice) => (
        <button
          key={choice}
          type="button"
          lang={choice}
          data-lang={choice}
          aria-pressed={choice === language}
          onClick={() => onLanguage(choice)}
        >
          {OWN_NAMES[choice]}
        </button>
      ))}
    </fieldset>
  );
}
