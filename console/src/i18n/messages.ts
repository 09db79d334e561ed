import type { Language } from "../model/route";
import type { Text } from "../model/wire";
import { en } from "./en";
import { zh } from "./zh";

export type MessageKey = keyof typeof en;
export type Messages = Record<MessageKey, string>;

export const MESSAGES: Record<Language, Messages> = { en, "zh-CN": zh };

export type Translate = (key: MessageKey, values?: Record<string, string | number>) => string;

export function translator(language: Language): Translate {
  const messages = MESSAGES[language];
  return (key, values = {}) =>
    messages[key].replace(/\{(\w+)\}/g, (mark, name: string) => String(values[name] ?? mark));
}

/** The side of a bilingual text that this language reads. */
export function pick(text: Text, language: Language): string {
  return language === "zh-CN" ? text.zh : text.en;
}

export function isMessageKey(key: string): key is MessageKey {
  return key in en;
}
