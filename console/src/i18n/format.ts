/** Numbers, durations and instants as people read them, in both languages. */

import type { Unit } from "../model/readings";
import type { Language } from "../model/route";
import type { Comparison } from "../model/wire";

export const NOTHING = "—";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TWO_DAYS = 2 * DAY;

type Step = readonly [ms: number, en: string, zh: string];
const STEPS: readonly Step[] = [
  [DAY, "d", "天"],
  [HOUR, "h", "小时"],
  [MINUTE, "min", "分"],
  [SECOND, "s", "秒"],
];

/** The two largest units that say something: "2 h 14 min", "2 小时 14 分"; below a second, ms.
 * Days from two days on: a limit of a day is written "24 h". */
export function duration(ms: number, language: Language): string {
  if (!Number.isFinite(ms)) return NOTHING;
  const sign = ms < 0 ? "−" : "";
  const size = Math.abs(ms);
  if (size < SECOND) return sign + amount(Math.round(size), "ms", "毫秒", language);
  const rounded = roundToUnit(size);
  const first = STEPS.findIndex(([unit]) => rounded >= (unit === DAY ? TWO_DAYS : unit));
  const big = STEPS[first] as Step;
  const small = STEPS[first + 1];
  const whole = Math.floor(rounded / big[0]);
  const rest = small ? Math.floor((rounded % big[0]) / small[0]) : 0;
  const parts = [amount(whole, big[1], big[2], language)];
  if (small && rest > 0) parts.push(amount(rest, small[1], small[2], language));
  return sign + parts.join(" ");
}

/** To the smaller of the two units that will be shown, so that 59.9 min never reads "60 min". */
function roundToUnit(ms: number): number {
  const unit = ms >= TWO_DAYS ? HOUR : ms >= HOUR ? MINUTE : SECOND;
  return Math.round(ms / unit) * unit;
}

function amount(value: number, en: string, zh: string, language: Language): string {
  return `${value} ${language === "zh-CN" ? zh : en}`;
}

/** One decimal; two only where one would hide that something happened, or did not quite. */
export function ratio(share: number): string {
  if (!Number.isFinite(share)) return NOTHING;
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent}%`;
  if (percent > 0 && percent < 0.01) return "<0.01%";
  if (percent > 99.99 && percent < 100) return ">99.99%";
  const coarse = percent.toFixed(1);
  return `${coarse === "0.0" || coarse === "100.0" ? percent.toFixed(2) : coarse}%`;
}

/** A limit as it was written: 90 %, 99.5 %. */
export function exactRatio(share: number): string {
  return `${Number((share * 100).toFixed(3))}%`;
}

const plain: Partial<Record<Language, Intl.NumberFormat>> = {};

export function count(value: number, language: Language): string {
  plain[language] ??= new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
  return plain[language].format(value);
}

/** An amount in minor units as people write it: 1250 of CNY is ¥12.50. */
export function money(minor: number, currency: string | undefined, language: Language): string {
  if (!currency) return count(minor, language);
  const format = new Intl.NumberFormat(language, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  return format.format(minor / 10 ** digits);
}

export function quantity(
  value: number | null,
  unit: Unit,
  language: Language,
  currency?: string,
): string {
  if (value === null) return NOTHING;
  if (unit === "duration") return duration(value, language);
  if (unit === "money") return money(value, currency, language);
  return unit === "ratio" ? ratio(value) : count(value, language);
}

/** "≥ 90%", "≤ 10 min". */
export function limit(
  comparison: Comparison,
  value: number,
  unit: Unit,
  language: Language,
  currency?: string,
): string {
  const text = unit === "ratio" ? exactRatio(value) : quantity(value, unit, language, currency);
  return `${comparison === "at_least" ? "≥" : "≤"} ${text}`;
}

export interface Zoned {
  /** 14:03:22 in the organisation's zone. */
  time(ms: number): string;
  /** 14:03, or with its day when that is not today's. */
  moment(ms: number, now: number): string;
  /** 2026-01-02 14:03:22. */
  full(ms: number): string;
  /** Thursday, 2 January / 1月2日 星期四. */
  day(ms: number): string;
}

export function zoned(zone: string | undefined, language: Language): Zoned {
  const timeZone = knownZone(zone);
  const format = (options: Intl.DateTimeFormatOptions, locale: string = language) =>
    new Intl.DateTimeFormat(locale, { ...options, ...(timeZone ? { timeZone } : {}) });
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const time = format({ ...clock, second: "2-digit" }, "en-GB");
  const minute = format(clock, "en-GB");
  const date = format({ year: "numeric", month: "2-digit", day: "2-digit" }, "sv-SE");
  const day = format({ weekday: "short", month: "short", day: "numeric" }, dayLocale(language));
  return {
    time: (ms) => time.format(ms),
    moment: (ms, now) =>
      date.format(ms) === date.format(now)
        ? minute.format(ms)
        : `${date.format(ms)} ${minute.format(ms)}`,
    full: (ms) => `${date.format(ms)} ${time.format(ms)}`,
    day: (ms) => day.format(ms),
  };
}

function dayLocale(language: Language): string {
  return language === "en" ? "en-GB" : language;
}

function knownZone(zone: string | undefined): string | undefined {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone;
  } catch {
    return undefined; // a zone that this browser lacks: its own is the best there is
  }
}
