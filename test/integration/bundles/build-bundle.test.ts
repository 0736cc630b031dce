/** `npm run build-bundle` as an author types it, with the real OPA: a bundle that a service would refuse is not written. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { hasOpa } from "../../harness/made-bundle.ts";
import { runService } from "../../harness/run-service.ts";

const SOURCE = join(import.meta.dirname, "../../../rego/countersign");
const describeWithOpa = (await hasOpa()) ? describe : describe.skip;

describeWithOpa("a bundle that is built", () => {
  let folder: string;
  let source: string;
  let out: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "build-bundle-"));
    source = join(folder, "source");
    out = join(folder, "out");
    await cp(SOURCE, source, { recursive: true });
  });
  afterAll(() => rm(folder, { recursive: true }));

  const build = () => runService("scripts/build-bundle.ts", ["--source", source, "--out", out]);

  test("brings the cases of its source, and is the same each time", async () => {
    expect(await build()).toMatchObject({ code: 0 });
    const first = await loadBundle(out);
    expect(first.selfTest?.length).toBeGreaterThan(10);
    expect(await readFile(join(out, "self-test.json"))).toEqual(await readFile(join(SOURCE, "self-test.json")));
    expect(await build()).toMatchObject({ code: 0 });
    expect(await loadBundle(out)).toEqual(first);
    const other = (await readFile(join(source, "self-test.json"), "utf8")).replace("others do not", "nobody else does");
    await writeFile(join(source, "self-test.json"), other);
    expect(await build()).toMatchObject({ code: 0 });
    expect((await loadBundle(out)).revision).not.toBe(first.revision);
  });

  test("is warned of while it asks whom the sample asks; not once its route is its own, and ours is not", async () => {
    const warned = await build();
    expect(warned.err).toMatch(/^warning: approval\/route\.rego is still the sample's: .*"managers".*\n$/);
    expect(warned).toMatchObject({ code: 0 });
    const route = join(source, "approval/route.rego");
    const sample = await readFile(route, "utf8");
    await writeFile(route, `${sample}\n# ours\n`);
    expect(await build()).toMatchObject({ code: 0, err: "" });
    await writeFile(route, sample);
    expect(await runService("scripts/build-bundle.ts", ["--out", join(folder, "ours")])).toMatchObject({
      code: 0,
      err: "",
    });
  });

  test("has tests of its author that run, and one that fails is named", async () => {
    const check = () => runService("scripts/check.ts", ["rego", source]);
    expect(await check()).toMatchObject({
      code: 0,
      out: expect.stringContaining("check: 3 passed, 0 failed, 0 skipped"),
    });
    const failing = join(source, "own_test.rego");
    await writeFile(failing, "package own_test\n\ntest_that_fails if 1 == 2\n");
    const failed = await check();
    expect(failed).toMatchObject({ code: 1, out: expect.stringContaining("FAILED rego tests") });
    expect(failed.out).toContain("test_that_fails");
    await rm(failing);
  });

  test("is not written when one of its own cases fails", async () => {
    const before = await loadBundle(out);
    await writeFile(
      join(source, "self-test.json"),
      JSON.stringify({
        cases: [
          {
            name: "sales delete orders",
            entrypoint: "decide",
            time: "2026-11-24T10:00:00Z",
            input: { action: { name: "DELETE" }, parsed_path: ["orders", "42"] },
            expect: { outcome: "allow" },
          },
        ],
      }),
    );
    expect(await build()).toMatchObject({
      code: 1,
      err: 'a service would refuse what was built: self_test_failed: case "sales delete orders": outcome is "no_rule_matched" and not "allow"; mend the policy, or what the case in self-test.json of the source expects\n',
    });
    await writeFile(join(source, "self-test.json"), '{"cases": [{}]}');
    expect(await build()).toMatchObject({ code: 1, err: expect.stringContaining("self-test.json: ") });
    expect(await loadBundle(out)).toEqual(before);
  });

  test("of a source without cases has none, even where an older one lay", async () => {
    await rm(join(source, "self-test.json"));
    expect(await build()).toMatchObject({ code: 0 });
    expect((await readdir(out)).sort()).toEqual([".manifest", "data.json", "policy.wasm"]);
  });

  describe("of policies that lie elsewhere", () => {
    const freeze = (where: string) =>
      `package countersign\n\n${where} contains "frozen" if input.action.name == "DELETE"\n`;
    const frozen = JSON.stringify({
      cases: [
        {
          name: "nobody deletes",
          entrypoint: "decide",
          time: "2026-11-24T10:00:00Z",
          input: { action: { name: "DELETE" }, parsed_path: ["orders", "42"] },
          expect: { outcome: "deny" },
        },
      ],
    });
    beforeAll(async () => {
      await mkdir(join(folder, "org/all"), { recursive: true });
      for (const [file, name] of [
        ["org.rego", "org"],
        ["all/schema.rego", "all"],
      ] as const) {
        const text = freeze("deny").replace("package countersign", `package countersign.policies.${name}`);
        await writeFile(join(folder, "org", file), text);
      }
    });
    beforeEach(async () => {
      await rm(source, { recursive: true });
      await cp(SOURCE, source, { recursive: true });
      await writeFile(join(source, "self-test.json"), frozen);
    });

    test("the denial of a file, or of a folder, that a link leads to is asked; without it the case fails", async () => {
      expect(await build()).toMatchObject({ code: 1, err: expect.stringContaining("self_test_failed") });
      for (const [target, link] of [
        ["org/org.rego", "policies/org.rego"],
        ["org/all", "policies/schema"],
      ] as const) {
        await symlink(join(folder, target), join(source, link));
        expect(await build()).toMatchObject({ code: 0 });
        await rm(join(source, link));
      }
      await symlink(join(folder, "gone.rego"), join(source, "policies/org.rego"));
      expect(await build()).toMatchObject({ code: 1, err: expect.stringContaining("the source cannot be read") });
    });

    test("a denial that would not be asked is refused: by its head, by the name of its file, between the marks; and so is data", async () => {
      const refused: [file: string, text: string, says: string][] = [
        ["freeze.rego", freeze("policies.freeze.deny"), "not in a package of its own"],
        ["freeze.rego", freeze("x.deny").replace("countersign", "countersign.policies"), "not exactly one level deep"],
        [
          "policies/load_test.rego",
          freeze("deny").replace("countersign", "countersign.policies.load"),
          "a file of tests",
        ],
        ["policies/blocked.json", '{"blocked": ["dana"]}', "data does not come into the bundle"],
      ];
      for (const [file, text, says] of refused) {
        await writeFile(join(source, file), text);
        expect(await build()).toMatchObject({ code: 1, err: expect.stringContaining(says) });
        await rm(join(source, file));
      }
      const decision = join(source, "decision.rego");
      const text = await readFile(decision, "utf8");
      await writeFile(decision, text.replace("# composition ends", '_denials contains "frozen"\n\n# composition ends'));
      expect(await build()).toMatchObject({ code: 1, err: expect.stringContaining("below the marks") });
    });
  });
});
