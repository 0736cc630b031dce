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

test("one call is one line, whatever line breaks the text holds, and long text is cut", () => {
  const written = lines((log) => log.info({ text: `a\nb\u2028c${"x".repeat(5_000)}` }, "first\nsecond"));
  expect(written).toHaveLength(1);
  expect(written[0]?.trimEnd().split("\n")).toHaveLength(1);
  expect(written[0]?.length).toBeLessThan(1_300);
});
