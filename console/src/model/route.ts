/** What a wall screen's address says: `#lang=en&window=1h&rotate=20`. */

import { isView, type View } from "./view";

export const LANGUAGES = ["zh-CN", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Route {
  lang: Language | null;
  /** A window, or `targets`: every indicator in the window it is judged over. */
  window: View | null;
  /** Seconds per page on a screen that nobody touches; 0 does not turn pages. */
  rotate: number;
}

export function parseRoute(hash: string): Route {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const window = params.get("window");
  const rotate = Number(params.get("rotate"));
  return {
    lang: asLanguage(params.get("lang")),
    window: isView(window) ? window : null,
    rotate: Number.isFinite(rotate) && rotate >= 5 ? rotate : 0,
  };
}

export function formatRoute(route: Route): string {
  const params = new URLSearchParams();
  if (route.lang) params.set("lang", route.lang);
  if (route.window) params.set("window", route.window);
  if (route.rotate) params.set("rotate", String(route.rotate));
  return `#${params}`;
}

/** `zh`, `zh-CN`, `zh-Hans`… are Chinese; any other language reads English. */
export function asLanguage(tag: string | null | undefined): Language | null {
  if (!tag) return null;
  return tag.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
}
