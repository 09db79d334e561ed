/** The words of a reading, the same in every density. */

import { count, duration, limit, NOTHING, quantity } from "../i18n/format";
import { isMessageKey, pick, type Translate } from "../i18n/messages";
import type { Reading } from "../model/readings";
import type { Language } from "../model/route";
import type { Indicator } from "../model/wire";

export interface ReadingText {
  label: string;
  measure: string;
  value: string;
  /** Why there is no value. */
  gap: string | null;
  sample: string;
  target: string | null;
  verdict: string;
  /** Everything in one sentence: for those who hear the wall, and for a pointer's rest. */
  sentence: string;
}

export function readingText(
  reading: Reading,
  indicator: Indicator | undefined,
  language: Language,
  t: Translate,
  withWindow: boolean,
  currency?: string,
): ReadingText {
  const label = indicatorLabel(reading.indicator, indicator, language, t);
  const measure = [measureText(reading, language, t), withWindow ? t(`span.${reading.window}`) : ""]
    .filter(Boolean)
    .join(" · ");
  const value = quantity(reading.value, reading.unit, language, currency);
  const gap = reading.gap ? t(`gap.${reading.gap}`) : null;
  const sample = t("tile.sample", { n: count(reading.n, language) });
  const target = targetText(reading, language, currency);
  const verdict = verdictText(reading, indicator, language, t);
  const named = measure ? `${label} (${measure})` : label;
  const judged = target ? `${t("tile.target")} ${target}, ${verdict}` : verdict;
  const state = reading.provisional ? `. ${t("reading.provisional")}` : "";
  const sentence = `${named}: ${value === NOTHING ? gap : value}, ${sample}. ${judged}${state}`;
  return { label, measure, value, gap, sample, target, verdict, sentence };
}

export function indicatorLabel(
  id: string,
  indicator: Indicator | undefined,
  language: Language,
  t: Translate,
): string {
  const key = `indicator.${id}`;
  if (isMessageKey(key)) return t(key);
  return indicator ? pick(indicator.name, language) : id;
}

function measureText(reading: Reading, language: Language, t: Translate): string {
  if (reading.measure === "share_within" && reading.withinMs !== null) {
    return t("measure.within", { limit: duration(reading.withinMs, language) });
  }
  if (reading.measure === "mean") return reading.unit === "number" ? "" : t("measure.mean");
  return /^p\d+$/.test(reading.measure) ? reading.measure.toUpperCase() : "";
}

function targetText(reading: Reading, language: Language, currency?: string): string | null {
  if (reading.limit === null || reading.comparison === null) return null;
  return limit(reading.comparison, reading.limit, reading.unit, language, currency);
}

function verdictText(
  reading: Reading,
  indicator: Indicator | undefined,
  language: Language,
  t: Translate,
): string {
  if (reading.standing !== "not_enough_data") return t(`standing.${reading.standing}`);
  const minimum = reading.minimumSample ?? indicator?.minimum_sample;
  if (!minimum || reading.n >= minimum) return t("standing.not_enough_data");
  return t("standing.needs", {
    n: count(reading.n, language),
    minimum: count(minimum, language),
  });
}
