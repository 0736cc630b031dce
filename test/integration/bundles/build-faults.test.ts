/** What `npm run build-bundle` says to an author who made a mistake that a service would pass over, or deny everybody for. */
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { hasOpa } from "../../harness/made-bundle.ts";
import { runService } from "../../harness/run-service.ts";

const root = path.join(import.meta.dirname, "../../..");
const describeWithOpa = (await hasOpa()) ? describe : describe.skip;

describeWithOpa("an author is told", () => {
  let folder: string;
  let source: string;
  let added: string;
  /** As the author is told it. */
  let wiki: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "build-faults-"));
    source = path.join(folder, "source");
    await cp(path.join(root, "rego/countersign"), source, { recursive: true });
    // Not the sample's route any more: that one is warned of.
    await appendFile(path.join(source, "approval/route.rego"), "\n# The wiki's.\n");
    added = path.join(source, "policies/wiki");
    await mkdir(added);
    wiki = path.join(path.relative(root, added), "wiki.rego");
  });
  afterEach(() => rm(path.join(added, "wiki.rego"), { force: true }));
  afterAll(() => rm(folder, { recursive: true }));

  async function build(text: string) {
    await writeFile(path.join(added, "wiki.rego"), text);
    return buildNow();
  }

  async function buildNow() {
    const { code, err } = await runService("scripts/build-bundle.ts", [
      "--source",
      source,
      "--out",
      path.join(folder, "out"),
    ]);
    return { code, err };
  }

  test.each(["deny", "elevate", "allow"])(
    "of a %s in a package that nobody asks, and where it belongs",
    async (set) => {
      const rule = `${set} contains "x" if input.action.name == "DELETE"`;
      expect(await build(`package countersign.policy.wiki\n\n${rule}\n`)).toEqual({
        code: 1,
        err: `${wiki}: countersign.policy.wiki.${set} would never be asked: only packages directly below countersign.policies are, and no other rule reads it; write: package countersign.policies.wiki; or, in a library, give it another name or take it out\n`,
      });
    },
  );

  test("of an input that is misspelt, also where the package does not say what its input is; spelt right it is built", async () => {
    const rule = (name: string) => `deny contains "x" if {\n\tinput.${name}.name == "DELETE"\n}\n`;
    const said = "# METADATA\n# schemas:\n#   - input: schema.input\n# scope: package\n";
    for (const metadata of ["", said]) {
      const text = `${metadata}package countersign.policies.wiki\n\n${rule("acton")}`;
      const line = text.split("\n").findIndex((one) => one.includes("acton")) + 1;
      const { code, err } = await build(text);
      expect(err).toContain(`${wiki}:${line}: rego_type_error: undefined ref: input.acton.name\n`);
      expect(err).not.toContain("occurred");
      expect(code).toBe(1);
    }
    const right = rule("action").replace("DELETE", "BREW");
    expect(await build(`package countersign.policies.wiki\n\n${right}`)).toEqual({ code: 0, err: "" });
  });

  test("of a denial of one's own in decision.rego, or a refusal in approval, that what a client sends could switch off", async () => {
    for (const [file, rule] of [
      [
        "decision.rego",
        '_denials contains "frozen" if json.unmarshal(input.attributes.request.http.headers["x-freeze"]).on',
      ],
      ["approval/may_review.rego", '_review_refusals contains "too low" if to_number(input.reviewer.claims.level) < 3'],
    ] as const) {
      const own = path.join(source, file);
      const text = await readFile(own, "utf8");
      await writeFile(own, `${text}\n${rule}\n`);
      const { code, err } = await buildNow();
      await writeFile(own, text);
      const [name] = rule.split(" ");
      expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(`${file}: ${name} calls `) });
    }
  });

  test("of an elevation that no service would take: a name that is none, one that is missing, a constant of another form", async () => {
    const rule =
      'elevate contains {"entitlement": "x", "titel": "X", "scope": sprintf("x/%v", [1]), "max_duration": "1 hour"}';
    const { code, err } = await build(`package countersign.policies.wiki\n\n${rule} if input.action.name == "BREW"\n`);
    expect(code).toBe(1);
    expect(err.trimEnd().split("\n")).toEqual([
      expect.stringContaining(`${wiki}: max_duration of an elevation must match`),
      expect.stringContaining(`${wiki}: an elevation has no "titel"; it has entitlement, scope, title`),
      `${wiki}: an elevation lacks "title"`,
    ]);
  });

  test("of what would be lost: a denial below another name, a requirement that is no list, by its line, and of `not` that opens; said right it is built", async () => {
    const text = (custom: string, denial: string) =>
      `# METADATA\n# scope: package\n# custom:\n#   ${custom}\npackage countersign.policies.wiki\n\nimport input.context as c\n\n${denial} contains "x" if input.action.name == "BREW"\n\nallow contains "x" if {\n\tinput.action.name == "READ"\n\tnot c.country == "KP"\n}\n`;
    const { code, err } = await build(text("requires: incidents", "writes.deny"));
    expect(code).toBe(1);
    expect(err.trimEnd().split("\n")).toEqual([
      `${wiki}:1: custom.requires must be a list of texts, and not "incidents"; write: custom: {requires: [incidents]}`,
      expect.stringContaining(`${wiki}: allow holds where input.context.country is absent`),
      expect.stringContaining(`${wiki}: countersign.policies.wiki.writes.deny would never be asked`),
    ]);
    expect(await build(text("negated_inputs: [input.context.country]", "deny"))).toEqual({ code: 0, err: "" });
  });

  test("of a syntax error by file, line and what it is", async () => {
    const { code, err } = await build("package countersign.policies.wiki\n\ndeny contains if x\n");
    expect(code).toBe(1);
    expect(err).toMatch(/^\S+wiki\.rego:3: rego_parse_error: unexpected if keyword\n\tdeny contains if x\n/);
    expect(err.startsWith(wiki)).toBe(true);
    expect(err).not.toContain('"errors"');
  });

  test("once, and without contradiction, of a rule that is no set", async () => {
    const { code, err } = await build(
      'package countersign.policies.wiki\n\nallow if input.action.name == "BREW"\n\nallow if input.action.name == "PUT"\n',
    );
    expect({ code, err }).toEqual({
      code: 1,
      err: `${wiki}: allow must be a set (write: allow contains … if …)\n`,
    });
  });
});
