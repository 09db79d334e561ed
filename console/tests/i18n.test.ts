import { describe, expect, it } from "vitest";
import { en } from "../src/i18n/en";
import { MESSAGES, pick, translator } from "../src/i18n/messages";
import { zh } from "../src/i18n/zh";
import { asLanguage } from "../src/model/route";

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

describe("the catalogues", () => {
  it("have the same keys in both languages", () => {
    expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
  });

  it.each(Object.keys(en) as (keyof typeof en)[])("%s asks for the same values", (key) => {
    expect(placeholders(zh[key])).toEqual(placeholders(en[key]));
  });

  it("leave no text empty, and no Chinese text in English", () => {
    for (const messages of Object.values(MESSAGES)) {
      for (const text of Object.values(messages)) expect(text.trim()).not.toBe("");
    }
    for (const text of Object.values(en)) expect(text).not.toMatch(/\p{Script=Han}/u);
  });
});

describe("translation", () => {
  it("puts the values in", () => {
    expect(translator("zh-CN")("board.page", { page: 2, pages: 3 })).toBe("第 2 / 3 页");
  });

  it("shows a value that was forgotten rather than hiding it", () => {
    expect(translator("en")("tile.sample")).toBe("n {n}");
  });

  it("picks the side of a bilingual text", () => {
    expect(pick({ en: "Backlog", zh: "待办量" }, "zh-CN")).toBe("待办量");
  });
});

describe("the language of a browser", () => {
  it.each([
    ["zh", "zh-CN"],
    ["zh-Hans-CN", "zh-CN"],
    ["en-GB", "en"],
    ["de", "en"],
  ])("%s reads %s", (tag, language) => {
    expect(asLanguage(tag)).toBe(language);
  });
});
