import assert from "node:assert/strict";
import { nameText } from "../../config/runtime/name_text.ts";

Deno.test("nameText keeps what people write, in whichever script", () => {
  for (
    const name of [
      "张三",
      "محمد",
      "می‌خواهم",
      "क्‍ष",
      "e\u0301te\u0301",
      "👨‍👩‍👧‍👦",
      "🇨🇳",
      "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
      "☺️",
      "𠮷野家",
      "a b",
      "O'Neil <3",
      "1",
      "-",
    ]
  ) assert.equal(nameText(name), name);
});

Deno.test("nameText makes one line of several, and drops what acts on the text around", () => {
  const cases: Record<string, string> = {
    " a\r\nb\tc\u2028d ": "a b c d",
    "\u3000张三\u3000": "张三",
    "a\u0000b\u0007c\u009bd": "abcd",
    "\u202eevil\u202c": "evil",
    "\u2066x\u2069": "x",
    "a\u200bb\ufeffc\u2060d\u00ade": "abcde",
    "\u200da\u200d": "a",
    "x\ud800": "x\ufffd",
  };
  for (const [given, name] of Object.entries(cases)) assert.equal(nameText(given), name);
});

Deno.test("nameText is empty where nothing can be seen", () => {
  for (
    const nothing of [
      "",
      "   ",
      "\u200b\u200b\u200b",
      "\u3164",
      "\u115f\u1160",
      "\uffa0",
      "\u2800\u2800",
      "\u0301",
      "\u200d",
      "\ufe0f",
      "\u{e0041}",
      "\ue000",
      "\u202a\u202c",
      "\n\n",
    ]
  ) assert.equal(nameText(nothing), "", JSON.stringify(nothing));
});
