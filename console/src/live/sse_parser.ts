/** The wire format of server-sent events (HTML standard, section 9.2), read piece by piece. */

export interface ServerEvent {
  event: string;
  data: string;
}

export interface SseParser {
  feed(text: string): ServerEvent[];
  /** The id of the last event that carried one. */
  readonly lastEventId: string;
  /** What the server asks to wait before a reconnection, in ms. */
  readonly retryMs: number | null;
}

export function createSseParser(lastEventId = ""): SseParser {
  let rest = "";
  let event = "";
  let data: string[] = [];
  let pendingId = lastEventId;
  let retryMs: number | null = null;

  function field(name: string, value: string): void {
    if (name === "data") data.push(value);
    else if (name === "event") event = value;
    else if (name === "id" && !value.includes("\0")) pendingId = value;
    else if (name === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
  }

  function line(text: string): ServerEvent | null {
    if (text === "") return dispatch();
    if (text.startsWith(":")) return null;
    const colon = text.indexOf(":");
    if (colon < 0) field(text, "");
    else field(text.slice(0, colon), text.slice(colon + (text[colon + 1] === " " ? 2 : 1)));
    return null;
  }

  function dispatch(): ServerEvent | null {
    lastEventId = pendingId;
    const complete = data.length ? { event: event || "message", data: data.join("\n") } : null;
    event = "";
    data = [];
    return complete;
  }

  return {
    feed(text) {
      const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      return lines.map(line).filter((found) => found !== null);
    },
    get lastEventId() {
      return lastEventId;
    },
    get retryMs() {
      return retryMs;
    },
  };
}
