import { describe, expect, it } from "vitest";
import { createSseParser } from "../src/live/sse_parser";

describe("the stream of events", () => {
  it("is read however it is cut into pieces", () => {
    const text = 'id: 7\nevent: score\ndata: {"a":1}\n\n: heartbeat\n\nevent: clock\ndata: 2\n\n';
    for (let size = 1; size <= text.length; size += 1) {
      const parser = createSseParser();
      const events = [];
      for (let at = 0; at < text.length; at += size) {
        events.push(...parser.feed(text.slice(at, at + size)));
      }
      expect(events).toEqual([
        { event: "score", data: '{"a":1}' },
        { event: "clock", data: "2" },
      ]);
      expect(parser.lastEventId).toBe("7");
    }
  });

  it("joins lines of data and accepts all line ends", () => {
    const parser = createSseParser();
    expect(parser.feed("data: a\r\ndata:b\rdata\n\n")).toEqual([
      { event: "message", data: "a\nb\n" },
    ]);
  });

  it("does not take the id of an event that was cut off", () => {
    const parser = createSseParser("5");
    parser.feed("id: 6\ndata: half");
    expect(parser.lastEventId).toBe("5");
  });

  it("keeps the id through events that carry none", () => {
    const parser = createSseParser("5");
    parser.feed("event: clock\ndata: 1\n\n");
    expect(parser.lastEventId).toBe("5");
  });

  it("heeds retry", () => {
    const parser = createSseParser();
    parser.feed("retry: 2000\n\n");
    expect(parser.retryMs).toBe(2_000);
  });
});
