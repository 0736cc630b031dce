/**
 * Searches by what `npm run build-bundle` makes: of a source that says what there is to search they are answered, of one that does not they are refused
 * and the metadata names none. NB: bundles that tests make by themselves (made-bundle.ts) have the entrypoint whatever the build does.
 */
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { hasOpa } from "../../harness/made-bundle.ts";
import { runService } from "../../harness/run-service.ts";
import { ask, OWN, startAuthzenProcess } from "../decision/authzen-process.ts";

const SOURCE = join(import.meta.dirname, "../../../rego/countersign");
const POLICY = `package countersign.policies.files

allow contains "owner reads" if {
	input.action.name == "read"
	input.resource.properties.owner == input.subject.id
}
`;
const CANDIDATES = `package countersign

candidates := {
	"subjects": [{"type": "user", "id": id} | some id in ["dana", "max"]],
	"resources": [{"type": "file", "id": id, "properties": {"owner": owner}} |
		some id, owner in {"f1": "dana", "f2": "max", "f3": "dana"}
	],
	"actions": [{"name": "read"}, {"name": "delete"}],
}
`;
const ENDPOINTS = ["subject", "resource", "action"].map((sought) => `search_${sought}_endpoint`);
const describeWithOpa = (await hasOpa()) ? describe : describe.skip;

describeWithOpa("a bundle as it is built", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "built-searches-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** The real service by what is built of our own source with these files more. */
  async function startBuilt(name: string, files: Readonly<Record<string, string>>) {
    const source = join(folder, name);
    await cp(SOURCE, source, { recursive: true });
    for (const [file, text] of Object.entries(files)) await writeFile(join(source, file), text);
    return startAuthzenProcess(async (out) => {
      const { code, err } = await runService("scripts/build-bundle.ts", ["--source", source, "--out", out]);
      if (code !== 0) throw new Error(err);
    });
  }

  const search = (sought: string, question: object = OWN) => [question, { at: `search/${sought}` }] as const;

  test("answers searches where its source says what there is to search, each among what was said and no more than is allowed", async () => {
    await using authzen = await startBuilt("with", { "policies/files.rego": POLICY, "candidates.rego": CANDIDATES });
    const found = async (...asked: ReturnType<typeof search>) => (await authzen.post(...asked)).body;
    expect(await found(...search("resource", ask("read")))).toMatchObject({
      results: [
        { type: "file", id: "f1" },
        { type: "file", id: "f3" },
      ],
    });
    expect(await found(...search("subject"))).toMatchObject({ results: [{ type: "user", id: "dana" }] });
    expect(await found(...search("action"))).toMatchObject({ results: [{ name: "read" }] });
    expect(Object.keys(Object(await authzen.metadata()))).toEqual(expect.arrayContaining(ENDPOINTS));
  });

  test("refuses searches where its source does not say it, and decides what it is asked all the same", async () => {
    await using authzen = await startBuilt("without", { "policies/files.rego": POLICY });
    for (const sought of ["resource", "subject", "action"]) {
      const { status, body } = await authzen.post(...search(sought));
      expect([sought, status, body]).toEqual([sought, 404, "the policy exposes nothing to search"]);
    }
    const metadata = Object.keys(Object(await authzen.metadata()));
    expect(metadata).toContain("access_evaluation_endpoint");
    for (const endpoint of ENDPOINTS) expect(metadata).not.toContain(endpoint);
    expect((await authzen.post(OWN)).body).toMatchObject({ decision: true });
    expect((await authzen.post(ask("read"))).body).toMatchObject({ decision: false });
  });
});
