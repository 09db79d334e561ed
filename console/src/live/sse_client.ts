/** A stream of server-sent events over fetch: unlike EventSource it sees heartbeats, survives
 * error answers, notices silence, and says when it will try again. */

import { backoffMs } from "./backoff";
import { createSseParser, type ServerEvent } from "./sse_parser";

export interface SseHandlers {
  onOpen(): void;
  onEvent(event: ServerEvent): void;
  /** Bytes arrived: an event or a heartbeat. */
  onSign(): void;
  /** `attempt` counts the failures in a row; the next try is in `retryInMs`. */
  onDown(down: { reason: string; attempt: number; retryInMs: number }): void;
}

export interface SseSurroundings {
  fetch: typeof fetch;
  random: () => number;
  setTimeout: (run: () => void, ms: number) => unknown;
  clearTimeout: (timer: unknown) => void;
}

export interface SseOptions {
  /** No byte for so long means that the connection is dead; servers send one every 15 s. */
  silenceMs: number;
  /** Ask for what was missed with Last-Event-ID. */
  resume: boolean;
}

export class SseClient {
  private running: AbortController | null = null;
  private waiting: (() => void) | null = null;
  private lastEventId = "";

  constructor(
    private readonly url: string,
    private readonly handlers: SseHandlers,
    private readonly surroundings: SseSurroundings,
    private readonly options: SseOptions = { silenceMs: 20_000, resume: true },
  ) {}

  start(): void {
    if (this.running) return;
    this.running = new AbortController();
    void this.run(this.running.signal);
  }

  stop(): void {
    this.running?.abort();
    this.running = null;
    this.hurry();
  }

  /** Ends a back-off early: the network or the user says that it is worth trying. */
  hurry(): void {
    this.waiting?.();
  }

  private async run(stopped: AbortSignal): Promise<void> {
    let failures = 0;
    while (!stopped.aborted) {
      const attempt = { heard: false };
      const reason = await this.connect(stopped, attempt);
      if (stopped.aborted) return;
      failures = attempt.heard ? 0 : failures + 1;
      const retryInMs = backoffMs(failures, this.surroundings.random());
      this.handlers.onDown({ reason, attempt: failures + 1, retryInMs });
      await this.pause(retryInMs);
    }
  }

  private async connect(stopped: AbortSignal, attempt: { heard: boolean }): Promise<string> {
    const connection = new AbortController();
    const abort = () => connection.abort();
    stopped.addEventListener("abort", abort);
    const watchdog = new Watchdog(this.surroundings, this.options.silenceMs, abort);
    try {
      watchdog.reset();
      const response = await this.surroundings.fetch(this.url, this.request(connection.signal));
      if (!response.ok || !response.body) return `HTTP ${response.status}`;
      this.handlers.onOpen();
      await this.read(response.body.getReader(), () => {
        attempt.heard = true;
        watchdog.reset();
        this.handlers.onSign();
      });
      return "closed by the server";
    } catch (error) {
      if (watchdog.barked) return "silence";
      return error instanceof Error ? error.message : String(error);
    } finally {
      watchdog.stop();
      stopped.removeEventListener("abort", abort);
      connection.abort();
    }
  }

  private request(signal: AbortSignal): RequestInit {
    const headers: Record<string, string> = { Accept: "text/event-stream" };
    if (this.options.resume && this.lastEventId) headers["Last-Event-ID"] = this.lastEventId;
    return { headers, signal, cache: "no-store" };
  }

  private async read(
    reader: ReadableStreamDefaultReader<Uint8Array>,
    onBytes: () => void,
  ): Promise<void> {
    const decoder = new TextDecoder();
    const parser = createSseParser(this.lastEventId);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onBytes();
      const events = parser.feed(decoder.decode(value, { stream: true }));
      this.lastEventId = parser.lastEventId;
      for (const event of events) this.handlers.onEvent(event);
    }
  }

  private pause(ms: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const timer = this.surroundings.setTimeout(resolve, ms);
      this.waiting = () => {
        this.surroundings.clearTimeout(timer);
        resolve();
      };
    }).then(() => {
      this.waiting = null;
    });
  }
}

class Watchdog {
  barked = false;
  private timer: unknown;

  constructor(
    private readonly surroundings: SseSurroundings,
    private readonly ms: number,
    private readonly bark: () => void,
  ) {}

  reset(): void {
    this.stop();
    this.timer = this.surroundings.setTimeout(() => {
      this.barked = true;
      this.bark();
    }, this.ms);
  }

  stop(): void {
    this.surroundings.clearTimeout(this.timer);
  }
}
