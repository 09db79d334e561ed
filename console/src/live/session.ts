/** Keeps the store in step with the scoring and notify services. */

import type { Histories } from "../model/history";
import { reading, WALL_INDICATORS } from "../model/readings";
import type { View } from "../model/view";
import type { Alert, Indicator, Meta, Page, ScoreRecord, Target } from "../model/wire";
import { ApiError, getAll, getJson, postJson } from "./api";
import { backoffMs } from "./backoff";
import { SseClient, type SseHandlers, type SseSurroundings } from "./sse_client";
import type { ServerEvent } from "./sse_parser";
import type { LinkName } from "./state";
import type { Store } from "./store";

const KINDS = ["organisation", "department"] as const;
const SIGN_EVERY_MS = 1_000;

export class Session {
  private stream: SseClient | null = null;
  private alertStream: SseClient | null = null;
  private notifyUrl: string | null = null;
  /** Alerts that arrive while the list is loading; applied after it. */
  private earlyAlerts: Alert[] | null = null;
  private loadingRules = false;

  constructor(
    private readonly store: Store,
    private readonly histories: Histories,
    private readonly surroundings: SseSurroundings & { now: () => number },
  ) {}

  async start(): Promise<void> {
    await this.persist("scoring", () => this.loadRules());
    this.openStream();
    await this.persist("notify", () => this.openAlerts());
  }

  changeView(view: View): void {
    if (view === this.store.state.view) return;
    this.look(view);
  }

  private look(view: View): void {
    const before = this.store.state.windows;
    this.store.dispatch({ type: "view", view, now: this.now() });
    if (this.store.state.windows === before || !this.stream) return;
    this.stream.stop();
    this.store.forgetPending();
    this.openStream();
  }

  /** The network or the person is back: do not wait for the end of a back-off. */
  hurry(): void {
    this.stream?.hurry();
    this.alertStream?.hurry();
  }

  async acknowledge(id: string, actor: string): Promise<void> {
    const path = `${this.notifyUrl}/v1/alerts/${encodeURIComponent(id)}/acknowledge`;
    const item = await postJson<Alert>(path, { actor });
    this.store.dispatch({ type: "alert", item, now: this.now() });
  }

  private async loadRules(): Promise<void> {
    const [meta, indicators, targets] = await Promise.all([
      getJson<Meta>("/v1/meta"),
      getJson<Page<Indicator>>("/v1/indicators"),
      getJson<Page<Target> & { rule_version: string }>("/v1/targets"),
    ]);
    this.store.dispatch({ type: "meta", meta });
    this.store.dispatch({ type: "indicators", items: indicators.items });
    this.store.dispatch({
      type: "targets",
      ruleVersion: targets.rule_version,
      items: targets.items,
    });
    this.look(this.store.state.view); // other targets may be judged over other windows
  }

  private openStream(): void {
    const { view, windows } = this.store.state;
    const query = new URLSearchParams({ kind: KINDS.join(","), window: windows.join(",") });
    const client = this.client(`/v1/stream?${query}`, "scoring", true, {
      opened: () => this.persist("scoring", () => this.loadSnapshot(view, client), client),
      event: (event) => this.onStreamEvent(event, view, client),
    });
    this.stream = client;
    client.start();
  }

  private onStreamEvent({ event, data }: ServerEvent, view: View, from: SseClient): void {
    if (from !== this.stream) return;
    if (event === "score") this.takeRecord(JSON.parse(data) as ScoreRecord);
    else if (event === "clock") this.takeClock(JSON.parse(data));
    else if (event === "hello") this.takeClock(JSON.parse(data));
    else if (event === "reset") {
      void this.persist("scoring", () => this.loadSnapshot(view, from), from);
    }
  }

  private takeRecord(record: ScoreRecord): void {
    const state = this.store.state;
    if (!state.windows.includes(record.window) || !isShown(record.scope)) return;
    this.remember(record);
    this.store.offer(record);
    this.expectRules(record.rule_version);
  }

  private takeClock(clock: { stream_ms?: number | null; rule_version?: string }): void {
    if (clock.stream_ms) {
      this.store.dispatch({ type: "clock", streamMs: clock.stream_ms, now: this.now() });
    }
    if (clock.rule_version) this.expectRules(clock.rule_version);
  }

  /** Figures of rules that we do not know yet: ask for the targets they were judged by. */
  private expectRules(version: string): void {
    if (version === this.store.state.ruleVersion || this.loadingRules) return;
    this.loadingRules = true;
    const settle = () => {
      this.surroundings.setTimeout(() => {
        this.loadingRules = false; // a record of older rules must not make us ask for ever
      }, 10_000);
    };
    this.loadRules().then(settle, settle);
  }

  private async loadSnapshot(view: View, from: SseClient): Promise<void> {
    const { windows } = this.store.state;
    await whenReady();
    const pages = await Promise.all(
      KINDS.flatMap((kind) =>
        windows.map((window) => getAll<ScoreRecord>("/v1/windows", { kind, window })),
      ),
    );
    if (from !== this.stream) return;
    const items = pages.flat();
    const before = this.store.state.generation;
    this.store.dispatch({ type: "snapshot", view, items, now: this.now() });
    if (this.store.state.generation !== before) this.histories.clear();
    for (const record of items) this.remember(record);
  }

  private remember(record: ScoreRecord): void {
    for (const figure of record.figures) {
      if (!IS_SHOWN.has(figure.indicator)) continue;
      const { value } = reading(figure.indicator, record.window, figure, this.store.state.targets);
      this.histories
        .of(record.window, record.scope, figure.indicator)
        .push(record.stream_ms, value);
    }
  }

  private async openAlerts(): Promise<void> {
    const config = await getJson<{ notify_url: string }>("/v1/console/config");
    this.notifyUrl = config.notify_url.replace(/\/$/, "");
    const client = this.client(`${this.notifyUrl}/v1/alerts/stream`, "notify", false, {
      opened: () => this.persist("notify", () => this.loadAlerts(), client),
      event: ({ event, data }) => {
        if (event === "alert") this.takeAlert(JSON.parse(data) as Alert);
      },
    });
    this.alertStream = client;
    client.start();
  }

  private async loadAlerts(): Promise<void> {
    this.earlyAlerts = [];
    try {
      const path = `${this.notifyUrl}/v1/alerts`;
      const items = await getAll<Alert>(path, { state: "active" });
      this.store.dispatch({ type: "alerts", items, now: this.now() });
    } finally {
      const early = this.earlyAlerts;
      this.earlyAlerts = null;
      for (const item of early) this.takeAlert(item);
    }
  }

  private takeAlert(item: Alert): void {
    if (this.earlyAlerts) this.earlyAlerts.push(item);
    else this.store.dispatch({ type: "alert", item, now: this.now() });
  }

  private client(
    url: string,
    link: LinkName,
    resume: boolean,
    on: { opened: () => Promise<void>; event: (event: ServerEvent) => void },
  ): SseClient {
    let signedAt = Number.NEGATIVE_INFINITY;
    const handlers: SseHandlers = {
      onOpen: () => {
        this.store.dispatch({ type: "opened", link, now: this.now() });
        void on.opened();
      },
      onEvent: on.event,
      onSign: () => {
        const now = this.now();
        if (now - signedAt < SIGN_EVERY_MS) return;
        signedAt = now;
        this.store.dispatch({ type: "sign", link, now });
      },
      onDown: ({ attempt, retryInMs }) => {
        if (link === "scoring") this.histories.interrupt();
        this.store.dispatch({ type: "down", link, attempt, retryInMs, now: this.now() });
      },
    };
    return new SseClient(url, handlers, this.surroundings, { silenceMs: 20_000, resume });
  }

  /** Tries until it works, or until the connection it is for has been replaced or lost. */
  private async persist(
    link: LinkName,
    work: () => Promise<void>,
    owner: SseClient | null = null,
  ): Promise<void> {
    const current = () => owner === null || owner === this.stream || owner === this.alertStream;
    for (let failures = 0; current(); failures += 1) {
      try {
        return await work();
      } catch {
        if (owner && this.store.state[link].phase !== "open") return; // the next connection asks anew
        await this.failed(link, failures, owner === null);
      }
    }
  }

  private async failed(link: LinkName, failures: number, isLinkItself: boolean): Promise<void> {
    const retryInMs = backoffMs(failures, this.surroundings.random());
    if (isLinkItself) {
      const attempt = failures + 1;
      this.store.dispatch({ type: "down", link, attempt, retryInMs, now: this.now() });
    }
    await new Promise<void>((resolve) => this.surroundings.setTimeout(resolve, retryInMs));
  }

  private now(): number {
    return this.surroundings.now();
  }
}

/** A scoring api that has just started answers from what it has read so far: wait for the rest. */
async function whenReady(): Promise<void> {
  const response = await fetch("/readyz", { signal: AbortSignal.timeout(10_000) });
  if (response.status === 503) throw new ApiError("scoring is not ready", 503);
}

const IS_SHOWN: ReadonlySet<string> = new Set(WALL_INDICATORS);

function isShown(scope: string): boolean {
  return scope === "organisation" || scope.startsWith("department:");
}
