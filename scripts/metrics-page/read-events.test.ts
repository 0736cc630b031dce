import { expect, test } from "@jest/globals";
import { readEvents } from "./read-events.ts";

test.each([
  "log.warn('no record');",
  "log.info({ id }, 'no name');",
  "log.error({ event: name }, 'a computed name');",
  "log[level](record, 'a record from elsewhere');",
])("%s names no event, and that is an error with its place", (text) => {
  expect(() => readEvents("a.ts", text)).toThrow("a.ts:1");
});

test("name, level and message are found wherever the call stands; what is no log is left alone", () => {
  const text = `
    catalog.info({ id }); Math.log.apply(1); log.child({ part });
    if (x) log.warn({ event: "away", ...about }, \`\${part} is away\`);
    const tell = () => log[levelOf(outcome)]({ event: "request", ...record }, "request");`;
  expect(readEvents("a.ts", text).map(({ name, level, message }) => ({ name, level, message }))).toEqual([
    { name: "away", level: "warn", message: "… is away" },
    { name: "request", level: "varying", message: "request" },
  ]);
});
