import { expect, test } from "@jest/globals";
import { createLog } from "./log.ts";

function lines(write: (log: ReturnType<typeof createLog>) => void): string[] {
  const written: string[] = [];
  write(
    createLog({ name: "test", instance: "one", destination: { write: (line: string) => void written.push(line) } }),
  );
  return written;
}

test("tokens, cookies, bodies and passwords are removed by name, up to two levels deep", () => {
  const canary = "CANARY";
  const [line = ""] = lines((log) =>
    log.info(
      {
        authorization: canary,
        headers: { authorization: canary, cookie: canary, "set-cookie": canary },
        request: { headers: { authorization: canary }, body: canary },
        config: { connectionString: canary, password: canary, access_token: canary },
        fine: "kept",
      },
      "message",
    ),
  );
  expect(line).not.toContain(canary);
  expect(JSON.parse(line)).toMatchObject({
    fine: "kept",
    headers: { cookie: "[redacted]" },
    level: "info",
    instance: "one",
  });
});

test("they are removed from what every line of a part begins with, from lists, and from errors by another name", () => {
  const canary = "CANARY";
  const [line = ""] = lines((log) =>
    log
      .child({ part: "p", token: canary, target: { password: canary } })
      .child({ deeper: [{ cookie: canary }] })
      .info(
        { list: [{ secret: canary }], error: Object.assign(new Error("x"), { token: canary, code: 5 }) },
        "message",
      ),
  );
  expect(line).not.toContain(canary);
  expect(JSON.parse(line)).toMatchObject({ part: "p", error: { code: 5, token: "[redacted]" }, list: [{}] });
});

test("what writes itself is written as it does", () => {
  const [line = ""] = lines((log) => log.info({ at: new Date(0), from: new URL("http://example.com/a") }, "message"));
  expect(JSON.parse(line)).toMatchObject({ at: "1970-01-01T00:00:00.000Z", from: "http://example.com/a" });
});

test("one call is one line, whatever line breaks the text holds, and long text is cut", () => {
  const written = lines((log) => log.info({ text: `a\nb\u2028c${"x".repeat(5_000)}` }, "first\nsecond"));
  expect(written).toHaveLength(1);
  expect(written[0]?.trimEnd().split("\n")).toHaveLength(1);
  expect(written[0]?.length).toBeLessThan(1_300);
});

test.each([
  { level: "error", lines: 1 },
  { level: "debug", lines: 5 },
] as const)("every event is heard of with its level, also one that $level leaves out", ({ level, lines }) => {
  const heard: string[] = [];
  const written: string[] = [];
  const log = createLog({
    name: "test",
    level,
    destination: { write: (line: string) => void written.push(line) },
    onEvent: (event, level) => heard.push(`${level} ${event}`),
  });
  log.debug({ event: "tried" }, "x");
  log.info({ event: "began" }, "x");
  log.child({ part: "p" }).warn({ event: "lost" }, "x");
  log.error({ event: "failed" }, "x");
  log.warn("a line without a name");
  expect(heard).toEqual(["debug tried", "info began", "warn lost", "error failed", "warn unnamed"]);
  expect(written).toHaveLength(lines);
});

test("silence is kept, and heard of all the same", () => {
  const heard: string[] = [];
  const written: string[] = [];
  const destination = { write: (line: string) => void written.push(line) };
  createLog({ name: "t", level: "silent", destination, onEvent: (event) => heard.push(event) }).fatal({ event: "e" });
  expect([heard, written]).toEqual([["e"], []]);
});
