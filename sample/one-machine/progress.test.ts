import { expect, test } from "@jest/globals";
import { createProgress } from "./progress.ts";

function progressOn(isTTY: boolean) {
  const written: string[] = [];
  const output = { isTTY, write: (text: string | Uint8Array) => written.push(String(text)) > 0 };
  return { progress: createProgress({ output, monotonicMs: () => 1_500 }), text: () => written.join("") };
}

function play(isTTY: boolean): string {
  const { progress, text } = progressOn(isTTY);
  progress.show({ kind: "starting", what: "issuer", detail: "" });
  progress.show({ kind: "starting", what: "orders", detail: "" });
  progress.show({ kind: "ready", what: "issuer", detail: "" });
  progress.show({ kind: "note", what: "rest", detail: "is on port 1, since 9200 is taken" });
  progress.end();
  return text();
}

test("where there is no terminal nothing is taken back and nothing half said", () => {
  const text = play(false);
  expect(text).not.toMatch(/[\r…]/);
  expect(text.split("\n").map((line) => line.trim())).toEqual([
    expect.stringMatching(/^0\.0 s . issuer$/),
    expect.stringContaining("rest is on port 1, since 9200 is taken"),
    "",
  ]);
});

test("on a terminal what is awaited stands below, and is gone in the end", () => {
  const text = play(true);
  expect(text).toContain("… issuer, orders");
  expect(text).toContain("… orders");
  expect(text.endsWith("\r\x1b[K")).toBe(true);
});
