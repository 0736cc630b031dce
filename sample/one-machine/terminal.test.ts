import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { decisionLine, lastWords, noticeLine } from "./terminal.ts";

const NOW = new Date(2026, 0, 2, 3, 4, 5);

const decision = (members: Readonly<Record<string, unknown>>) =>
  decisionLine(new Map(Object.entries({ event: "decision", outcome: "allow", method: "GET", ...members })), NOW);

/** What a reader sees of a line, whether or not these tests run where colours are shown. */
const text = (line: string | undefined) => stripVTControlCharacters(line ?? "no line").replace(/ +/g, " ");

/** What `npm start` writes for a decision when its output is no terminal. */
async function written(env: Readonly<Record<string, string>>): Promise<string> {
  const module = JSON.stringify(join(import.meta.dirname, "terminal.ts"));
  const program = `
    import { decisionLine } from ${module};
    process.stdout.write(decisionLine(new Map([["event", "decision"], ["outcome", "deny"]]), new Date()));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], { env });
  return stdout;
}

describe("the short log", () => {
  test("a line that is no decision is not shown", () => {
    expect(decisionLine(new Map([["event", "started"]]), NOW)).toBeUndefined();
    expect(decisionLine(new Map(), NOW)).toBeUndefined();
  });

  test.each([
    ["an escape sequence", "\x1b]0;owned\x07\x1b[2J"],
    ["a CSI in one byte", "\x9b31m"],
    ["a newline", "\n03:04:06 allow"],
    ["a carriage return and a backspace", "\r\b"],
    ["text that turns its direction", "\u202e\u2066"],
    ["a line separator", "\u2028\u0085"],
    ["a sign of no width", "\u200b\ufeff"],
    ["DEL", "\x7f"],
  ])("%s in a request, a token or a policy steers no terminal", (_name, bad) => {
    const plain = /^[\x20-\x7e]+$/;
    for (const member of ["outcome", "reason", "method", "path", "subject"]) {
      expect(text(decision({ [member]: `x${bad}y` }))).toMatch(plain);
      // Nothing but our own colours is removed by `text`.
      expect(decision({ [member]: `x${bad}y` })).not.toContain(bad);
    }
    const request = { id: bad, title: bad, scope: bad };
    const notice = { data: { kind: bad, request } };
    expect(stripVTControlCharacters(noticeLine(notice, NOW)).replaceAll("·", "")).toMatch(plain);
    expect(noticeLine(notice, NOW)).not.toContain(bad);
  });

  test("what has no end is cut, so that a decision is a line", () => {
    expect(text(decision({ path: `/${"a".repeat(10_000)}`, reason: "b".repeat(10_000) })).length).toBeLessThan(250);
  });

  test("what is missing or of another type is left out", () => {
    expect(text(decision({ method: {}, path: ["/x"], reason: null, ms: undefined }))).toBe("03:04:05 allow nobody ms");
    expect(text(noticeLine("no notice", NOW))).toBe("03:04:05 notice · · ");
    expect(text(noticeLine(null, NOW))).toBe("03:04:05 notice · · ");
  });

  test("a decision: when, what came of it, which call, whose, why, and in what time", () => {
    const members = { outcome: "needs_approval", method: "DELETE", path: "/orders/42", subject: "dana", ms: 1.5 };
    expect(text(decision({ ...members, reason: "spent" }))).toBe(
      "03:04:05 needs_approval DELETE /orders/42 dana spent, 1.5 ms",
    );
  });

  test("a notice: what happened, to what, and the id to look it up by", () => {
    const request = { id: "01a2", title: "Delete an order", scope: "order/42" };
    const line = noticeLine({ data: { kind: "created", request } }, NOW);
    expect(text(line)).toBe("03:04:05 notice created · Delete an order · order/42 01a2");
  });

  test("colours are for a terminal, or for whoever asks for them", async () => {
    expect(await written({})).not.toContain("\x1b");
    expect(await written({ FORCE_COLOR: "1" })).toContain("\x1b[31mdeny");
  });
});

describe("what is shown of a program that ended", () => {
  const line = (members: object) => JSON.stringify({ level: "info", ...members });

  test("is its last warning or error with the reason, else the last that it said, in one line that steers no terminal", () => {
    const failed = line({ level: "fatal", msg: "cannot\u001b[2J start", err: { message: "no disk", stack: "at x" } });
    const stopping = line({ msg: "stopping" });
    expect(lastWords([line({ msg: "one" }), failed, stopping].join("\n"))).toBe("cannot?[2J start: no disk");
    expect(lastWords([line({ msg: "one" }), stopping, ""].join("\n"))).toBe("stopping");
    expect(lastWords("node: bad option: --x\n")).toBe("node: bad option: --x");
    expect(lastWords("")).toBe("nothing");
  });

  test("is what Node says of its end, where that stands behind what the program told; its warnings are not", () => {
    const told = [line({ level: "warn", msg: "no stream" }), line({ msg: "ready" })];
    const uncaught = ["file:///x/main.ts:7", "  throw new TypeError();", "  ^", "", "TypeError: no \u001b port"];
    const trace = ["    at start (file:///x/main.ts:7:9) {", "  code: 'X'", "}", "", "Node.js v24.7.0", ""];
    expect(lastWords([...told, ...uncaught, ...trace].join("\n"))).toBe("TypeError: no ? port");
    const memory = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory";
    const native = [
      "<--- Last few GCs --->",
      "[7:0x1] 9 ms: Mark-Compact",
      memory,
      "----- Native stack trace -----",
      " 1: 0x1",
    ];
    expect(lastWords([...told, ...native].join("\n"))).toBe(memory);
    const aside = ["(node:7) Warning: an Error that is none", "(Use `node --trace-warnings ...`)"];
    expect(lastWords([...told, ...aside].join("\n"))).toBe("no stream");
    expect(lastWords([...uncaught, line({ msg: "again" })].join("\n"))).toBe("again");
  });
});
