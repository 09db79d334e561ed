import { describe, expect, it, vi } from "vitest";
import { backoffMs } from "../src/live/backoff";
import { SseClient, type SseHandlers } from "../src/live/sse_client";

/** A server that answers connections in turn; each answer can be fed and ended. */
class FakeServer {
  readonly requests: { lastEventId: string | null; aborted: () => boolean }[] = [];
  private controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(private readonly answers: (number | Error)[]) {}

  readonly fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
    const headers = new Headers(init?.headers);
    const signal = init?.signal;
    this.requests.push({
      lastEventId: headers.get("Last-Event-ID"),
      aborted: () => signal?.aborted ?? false,
    });
    const answer = this.answers.shift() ?? 200;
    if (answer instanceof Error) throw answer;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.controller = controller;
        signal?.addEventListener("abort", () => controller.error(new Error("aborted")));
      },
    });
    return new Response(body, { status: answer });
  };

  send(text: string): void {
    this.controller?.enqueue(new TextEncoder().encode(text));
  }

  end(): void {
    this.controller?.close();
  }
}

function connect(answers: (number | Error)[] = [], resume = true) {
  vi.useFakeTimers();
  const server = new FakeServer(answers);
  const seen = {
    opened: 0,
    events: [] as string[],
    down: [] as { reason: string; retryInMs: number }[],
  };
  const handlers: SseHandlers = {
    onOpen: () => {
      seen.opened += 1;
    },
    onEvent: ({ event, data }) => seen.events.push(`${event}:${data}`),
    onSign: () => {},
    onDown: (down) => seen.down.push(down),
  };
  const surroundings = {
    fetch: server.fetch as typeof fetch,
    random: () => 0,
    setTimeout: (run: () => void, ms: number) => setTimeout(run, ms),
    clearTimeout: (timer: unknown) => clearTimeout(timer as number),
  };
  const client = new SseClient("/v1/stream", handlers, surroundings, { silenceMs: 20_000, resume });
  client.start();
  return { server, seen, client };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

describe("the client of a stream", () => {
  it("connects again by itself and asks for what it missed", async () => {
    const { server, seen } = connect();
    await settle();
    server.send("id: 41\nevent: score\ndata: x\n\n");
    await settle();
    server.end();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.requests.map((request) => request.lastEventId)).toEqual([null, "41"]);
    server.send("id: 42\nevent: score\ndata: y\n\n");
    await settle();
    expect(seen.events).toEqual(["score:x", "score:y"]);
    expect(seen.opened).toBe(2);
  });

  it("outlives refusals and error answers, waiting longer each time", async () => {
    const { server, seen } = connect([503, new TypeError("refused"), 500]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen.down.map(({ reason }) => reason)).toEqual(["HTTP 503", "refused", "HTTP 500"]);
    expect(seen.down.map(({ retryInMs }) => retryInMs)).toEqual([500, 1_000, 2_000]);
    expect(server.requests.length).toBe(4);
    expect(seen.opened).toBe(1);
  });

  it("gives up on a connection that has gone silent", async () => {
    const { server, seen } = connect();
    await settle();
    server.send(": heartbeat\n\n");
    await vi.advanceTimersByTimeAsync(19_000);
    expect(seen.down).toEqual([]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(seen.down[0]?.reason).toBe("silence");
    expect(server.requests[0]?.aborted()).toBe(true);
  });

  it("tries at once when told to hurry", async () => {
    const { server, client } = connect([new TypeError("refused")]);
    await settle();
    client.hurry();
    await settle();
    expect(server.requests.length).toBe(2);
  });

  it("sends no header of its own where that would cost a preflight", async () => {
    const { server } = connect([], false);
    await settle();
    server.send("id: 3\ndata: x\n\n");
    await settle();
    server.end();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.requests.at(-1)?.lastEventId).toBeNull();
  });

  it("is silent after it was stopped", async () => {
    const { server, seen, client } = connect();
    await settle();
    client.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.requests.length).toBe(1);
    expect(seen.down).toEqual([]);
  });
});

describe("the back-off", () => {
  it("doubles up to its cap", () => {
    const waits = [0, 1, 2, 3, 10, 1_000].map((failures) => backoffMs(failures, 0.999999));
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 10_000, 10_000]);
  });

  it("is spread, so that many walls do not return in the same moment", () => {
    expect(backoffMs(3, 0)).toBe(2_000);
    expect(backoffMs(3, 0.5)).toBe(3_000);
  });
});
