/** That the load at a quarter of saturation follows the method of all others: rounds in which the subjects take turns, medians, and what lies around them. */
import { expect, test } from "@jest/globals";
import { token } from "../../integration/decision/lone-decision.ts";
import { NOT_BOUND } from "../cores.ts";
import { startFloor } from "../load/start-floor.ts";
import { checks } from "./check-load.ts";
import { atQuarter, type Subject } from "./quarter.ts";
import { sampleCheck } from "./sample-check.ts";

const FIGURE = String.raw`\d[\d.,]*`;
const MEDIAN = String.raw`${FIGURE} \(${FIGURE} to ${FIGURE}\)`;

test("at a quarter the subjects are asked in turn, each at its own rate, and each has a median with the least and the most of its rounds", async () => {
  await using floor = await startFloor(NOT_BOUND);
  const request = sampleCheck("GET", token());
  const load: Subject["load"] = (shape) => checks([request], shape);
  const subjects = [
    { name: "one", server: floor.grpc, load },
    { name: "other", server: floor.http2, load },
  ];
  const lines: string[] = [];
  const saturationPerS = (name: string) => (name === "one" ? 800 : 3_200);
  const terms = { rounds: 3, seconds: 0.5, saturationPerS, perS: "a second" } as const;
  const text = await atQuarter(subjects, terms, (line) => lines.push(line));
  const order = lines.map((line) => /^at a quarter, round (\d) of 3, (\w+):/.exec(line)?.slice(1));
  expect(order).toEqual([1, 2, 3].flatMap((round) => subjects.map(({ name }) => [String(round), name])));
  expect(text).toContain("medians of 3 interleaved rounds of 0.5 s, in brackets the least and the most of a round");
  expect(text).toContain("|  | a second | p50 ms | p99 ms | p99.9 ms | GC % of CPU |");
  for (const { name } of subjects) {
    const [, perS = ""] =
      new RegExp(String.raw`^\| ${name} \| (${FIGURE})(?: \| ${MEDIAN}){4} \|$`, "m").exec(text) ?? [];
    const wanted = saturationPerS(name) / 4;
    expect(Number(perS.replaceAll(",", ""))).toBeGreaterThan(wanted / 2);
    expect(Number(perS.replaceAll(",", ""))).toBeLessThan(wanted * 2);
  }
});
