/** That an alert fires when its metric stops or is gone. Nothing here reads PromQL: its brackets are counted. */
import { expect, test } from "@jest/globals";
import { ALERTS } from "./alerts.ts";

const expressions = [...ALERTS].flatMap(([name, alert]) =>
  [...alert.matchAll(/`([^`]+)`/g)].map(([, expression = ""]) => [name, expression] as const),
);

test("a time that the program tells again and again is compared with the time of its sample, since now goes on between two scrapes", () => {
  const times = expressions.filter(([name]) => name.endsWith("_timestamp_seconds") && !name.includes("_ends_"));
  expect(times.map(([name]) => name)).toContain("countersign_approval_state_heartbeat_timestamp_seconds");
  for (const [name] of times)
    expect([name, ALERTS.get(name)]).toEqual([name, expect.stringContaining("`min(timestamp(X) - X) >")]);
});

test("whatever is summed up over processes also fires when there is none", () => {
  const summedUp = expressions.filter(([, expression]) => /^(?:max|min|sum by)\b/.test(expression));
  expect(summedUp.length).toBeGreaterThanOrEqual(4);
  for (const one of summedUp) expect(one).toEqual([one[0], expect.stringMatching(/ or absent\(X\)$/)]);
});

test("every bracket and quote of an expression is closed", () => {
  for (const one of expressions) {
    let rest = one[1].replaceAll(/"[^"]*"/g, "");
    for (let before = ""; before !== rest; ) {
      before = rest;
      rest = rest.replaceAll(/\(([^()[\]{}]*)\)|\[([^()[\]{}]*)\]|\{([^()[\]{}]*)\}/g, "$1$2$3");
    }
    expect([...one, rest.match(/[()[\]{}"]/)]).toEqual([...one, null]);
  }
});
