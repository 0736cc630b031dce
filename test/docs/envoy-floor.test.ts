import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { envoy } from "../../scripts/tools/envoy.ts";
import { ENVOY_FLOOR } from "../harness/envoy.ts";

const root = join(import.meta.dirname, "../..");
const floor = ENVOY_FLOOR.join(".");

test("no Envoy with the faults that SECURITY.md lists is taken, be it old or between the releases that mended them", () => {
  for (const refused of ["1.37.6", "1.38.3", "1.39.0", "2.0.0"])
    expect([refused, envoy.serves(refused)]).toEqual([refused, false]);
  for (const taken of [floor, "1.38.9", "1.39.1", "1.40.0"])
    expect([taken, envoy.serves(taken)]).toEqual([taken, true]);
});

test("every bootstrap of a whole Envoy names the least one, and SECURITY.md says of the same why", async () => {
  const page = await readFile(join(root, "SECURITY.md"), "utf8");
  const [, said = ""] = /^## Which Envoy\n\n(.*?)(?=^## )/ms.exec(page) ?? [];
  expect(said).toContain(`${floor} or newer, but not 1.39.0.`);
  expect([...said.matchAll(/^\| CVE-/gm)].length).toBeGreaterThan(4);
  let named = 0;
  for await (const file of glob("enforcers/envoy/*.yaml", { cwd: root })) {
    const text = await readFile(join(root, file), "utf8");
    if (!text.includes("\nstatic_resources:")) continue;
    const need = `Needs Envoy ${floor} or newer, but not 1.39.0 (SECURITY.md says why)`;
    expect([file, text]).toEqual([file, expect.stringContaining(need)]);
    named += 1;
  }
  expect(named).toBe(3);
});
