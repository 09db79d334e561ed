/** Reads of the JSON APIs. Every error is an `ApiError` whose message a person can read. */

import type { Page } from "../model/wire";

const TIMEOUT_MS = 10_000;
const PAGE = 200;

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number | null,
  ) {
    super(message);
  }
}

export async function getJson<T>(url: string): Promise<T> {
  return request<T>(url, { headers: { Accept: "application/json" } });
}

export async function postJson<T>(url: string, body: unknown): Promise<T> {
  return request<T>(url, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** All items behind a paged address. */
export async function getAll<T>(
  path: string,
  query: Record<string, string>,
  get: <R>(url: string) => Promise<R> = getJson,
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null | undefined;
  do {
    const params = new URLSearchParams({ ...query, limit: String(PAGE) });
    if (cursor) params.set("cursor", cursor);
    const page = await get<Page<T>>(`${path}?${params}`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return items;
}

async function request<T>(url: string, init: RequestInit): Promise<T> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    (error: unknown) => {
      throw new ApiError(error instanceof Error ? error.message : String(error), null);
    },
  );
  if (!response.ok) throw new ApiError(await problem(response), response.status);
  return (await response.json()) as T;
}

/** Problem details (RFC 9457) say it best; otherwise the status must do. */
async function problem(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  const { title, detail } = (body ?? {}) as { title?: string; detail?: string };
  return detail ?? title ?? `HTTP ${response.status}`;
}
