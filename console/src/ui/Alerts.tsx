import { useRef, useState } from "preact/hooks";
import { count, duration, limit as limitText, quantity } from "../i18n/format";
import { pick } from "../i18n/messages";
import { type Liveness, liveness } from "../live/link";
import type { State } from "../live/state";
import { listAlerts } from "../model/alert_list";
import { judgedUnit } from "../model/readings";
import { parseScope } from "../model/scope";
import { type Alert, instant, isWindow, type Target } from "../model/wire";
import { ActorDialog, rememberedActor } from "./ActorDialog";
import { useSurface } from "./context";
import { Mark } from "./Mark";

const MOST_SHOWN = 40;
const ARRIVAL_SHOWS_MS = 20_000;

interface Props {
  state: State;
  now: number;
  onAcknowledge: (id: string, actor: string) => Promise<void>;
}

export function Alerts({ state, now, onAcknowledge }: Props) {
  const { t } = useSurface();
  const [actor, setActor] = useState(rememberedActor);
  const [asking, setAsking] = useState<{ alert: string | null } | null>(null);
  const [sending, setSending] = useState<ReadonlyMap<string, string | null>>(new Map());
  const status = liveness(state.notify, now);
  const list = listAlerts(state.alerts.values(), now, MOST_SHOWN);

  const send = async (id: string, name: string) => {
    setSending((before) => new Map(before).set(id, null));
    const failure = await onAcknowledge(id, name).then(
      () => undefined,
      (error: Error) => error.message,
    );
    setSending((before) => {
      const after = new Map(before);
      if (failure === undefined) after.delete(id);
      else after.set(id, failure);
      return after;
    });
  };
  const acknowledge = (id: string) => (actor ? send(id, actor) : setAsking({ alert: id }));

  return (
    <section class="alerts" aria-label={t("alerts.label")} data-connection={status.kind}>
      <header>
        <h2>{t("alerts.label")}</h2>
        <p>
          {list.open > 0 && <span class="open">{t("alerts.open", { count: list.open })}</span>}
          {list.acknowledged > 0 && (
            <span>{t("alerts.acknowledged", { count: list.acknowledged })}</span>
          )}
        </p>
      </header>
      <AlertsState status={status} now={now} isEmpty={list.shown.length === 0} />
      <ol>
        {list.shown.map((alert) => (
          <AlertItem
            key={alert.id}
            alert={alert}
            target={state.targets.get(alert.target)}
            now={now}
            isNew={now - (state.arrivals.get(alert.id) ?? 0) < ARRIVAL_SHOWS_MS}
            sending={sending.has(alert.id)}
            failure={sending.get(alert.id) ?? null}
            onAcknowledge={() => acknowledge(alert.id)}
          />
        ))}
      </ol>
      {list.more > 0 && <p class="more">{t("alerts.more", { count: list.more })}</p>}
      {actor && (
        <footer>
          <span>{t("actor.current", { actor })}</span>
          <button type="button" class="quiet" onClick={() => setAsking({ alert: null })}>
            {t("actor.change")}
          </button>
        </footer>
      )}
      {asking && (
        <ActorDialog
          initial={actor}
          onCancel={() => setAsking(null)}
          onName={(name) => {
            setActor(name);
            setAsking(null);
            if (asking.alert) void send(asking.alert, name);
          }}
        />
      )}
      <Announcer state={state} />
    </section>
  );
}

function AlertsState(props: { status: Liveness; now: number; isEmpty: boolean }) {
  const { t, zone } = useSurface();
  const { status, now, isEmpty } = props;
  if (status.kind === "stale" || status.kind === "reconnecting") {
    const time = zone.moment(status.since, now);
    return (
      <p class="alerts-state not-live" role="status">
        {isEmpty ? t("alerts.unavailable") : t("alerts.asOf", { time })}
      </p>
    );
  }
  if (!isEmpty) return null;
  if (status.kind === "connecting") return <p class="alerts-state">{t("alerts.loading")}</p>;
  return (
    <p class="alerts-state">
      <strong>{t("alerts.none")}</strong>
      {t("alerts.noneDetail")}
    </p>
  );
}

interface ItemProps {
  alert: Alert;
  target: Target | undefined;
  now: number;
  isNew: boolean;
  sending: boolean;
  failure: string | null;
  onAcknowledge: () => void;
}

function AlertItem({ alert, target, now, isNew, sending, failure, onAcknowledge }: ItemProps) {
  const { t, language } = useSurface();
  return (
    <li
      class={`alert alert-${alert.state} severity-${alert.severity}${isNew ? " alert-new" : ""}`}
      data-alert={alert.id}
      data-state={alert.state}
    >
      <p class="alert-kind">
        <Mark standing={alert.severity === "critical" ? "breached" : "missed"} />
        <span>{t(`alert.${alert.severity}`)}</span>
        {isNew && <em>{t("alert.new")}</em>}
        <Since alert={alert} now={now} />
      </p>
      <p class="alert-title" title={pick(alert.text, language)}>
        <ScopeLabel scope={alert.scope} />
        <span class="alert-target">
          {target ? pick(target.name, language) : pick(alert.title, language)}
        </span>
      </p>
      <Figures alert={alert} />
      {alert.state === "open" && (
        <button type="button" disabled={sending && failure === null} onClick={onAcknowledge}>
          {sending && failure === null ? t("alert.acknowledging") : t("alert.acknowledge")}
        </button>
      )}
      {failure && <p class="failure">{t("alert.failed", { reason: failure })}</p>}
      <Outcome alert={alert} />
    </li>
  );
}

function Since({ alert, now }: { alert: Alert; now: number }) {
  const { t, zone, language } = useSurface();
  const opened = instant(alert.opened_at);
  if (opened === null) return null;
  const age = now - opened;
  const ago =
    age < 5_000
      ? t("ago.now")
      : t("ago.past", { elapsed: duration(age < 60_000 ? age : wholeMinutes(age), language) });
  return (
    <time title={zone.full(opened)} dateTime={new Date(opened).toISOString()}>
      {zone.moment(opened, now)} · {ago}
    </time>
  );
}

function wholeMinutes(ms: number): number {
  return Math.floor(ms / 60_000) * 60_000;
}

function ScopeLabel({ scope }: { scope: string }) {
  const { t } = useSurface();
  const { kind, department, name } = parseScope(scope);
  if (kind === "department") return <span class="scope">{name}</span>;
  if (kind === "organisation") return <span class="scope">{t("scope.organisation")}</span>;
  const known = kind === "team" || kind === "employee" || kind === "channel" || kind === "category";
  const text = known ? t(`scope.${kind}`, { name }) : name;
  return <span class="scope">{department ? `${department} · ${text}` : text}</span>;
}

function Figures({ alert }: { alert: Alert }) {
  const { t, language, currency } = useSurface();
  const unit = judgedUnit(alert.indicator, alert.measure);
  return (
    <p class="measured">
      <b>{quantity(alert.value, unit, language, currency)}</b>
      <span>{limitText(alert.comparison, alert.limit, unit, language, currency)}</span>
      <span>{t("tile.sample", { n: count(alert.n, language) })}</span>
      <span>{isWindow(alert.window) ? t(`span.${alert.window}`) : alert.window}</span>
    </p>
  );
}

function Outcome({ alert }: { alert: Alert }) {
  const { t, zone } = useSurface();
  const resolved = instant(alert.resolved_at);
  if (alert.state === "resolved") {
    return (
      <p class="outcome">
        <Mark standing="met" />
        {t("alert.resolved")} {resolved !== null && zone.time(resolved)}
      </p>
    );
  }
  if (alert.state !== "acknowledged") return null;
  return (
    <p class="outcome">{t("alert.acknowledgedBy", { actor: alert.acknowledged_by ?? "—" })}</p>
  );
}

/** Reads the newest arrival to those who do not see it. */
function Announcer({ state }: { state: State }) {
  const { t, language } = useSurface();
  const said = useRef({ at: 0, text: "" });
  for (const [id, at] of state.arrivals) {
    const alert = state.alerts.get(id);
    if (!alert || at <= said.current.at) continue;
    const severity = t(`alert.${alert.severity}`);
    said.current = {
      at,
      text: t("alert.announce", { severity, title: pick(alert.title, language) }),
    };
  }
  return (
    <p class="visually-hidden" role="log" aria-live="assertive">
      {said.current.text}
    </p>
  );
}
