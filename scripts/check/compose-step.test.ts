import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { findOnPath } from "../tools/find-on-path.ts";
import { checkCompose } from "./compose-step.ts";

const root = path.resolve(import.meta.dirname, "../..");
const hasGo = (await findOnPath("go")).length > 0;
const withGo = hasGo ? test : test.skip;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "compose-step-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe(hasGo ? "compose-go" : "compose-go (needs Go 1.25 or newer)", () => {
  withGo.each([
    ["a key that Compose does not know", "services: { a: { image: x, prots: ['80'] } }", /prots/],
    ["a volume that is not declared", "services: { a: { image: x, volumes: ['lost:/data'] } }", /undefined volume/],
    [
      "a service that waits for one that is not there",
      "services: { a: { image: x, depends_on: [b] } }",
      /depends on|undefined/,
    ],
  ])(
    "%s is found",
    async (_, text, said) => {
      const file = path.join(folder, "compose.yml");
      await writeFile(file, `name: t\n${text}\n`);
      expect(await checkCompose(root, file)).toEqual({ kind: "bad", message: expect.stringMatching(said) });
    },
    600_000,
  );
});
