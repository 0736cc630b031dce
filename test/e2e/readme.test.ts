/**
 * README.md, "Ask and approve", typed into a shell as it stands while `npm start` runs: what each call gives back holds what its comment says.
 * Only ports are exchanged, where the usual ones are taken.
 */
import { execFileSync, spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Started, startAsPerson } from "../harness/npm-start.ts";

const README = join(import.meta.dirname, "../../README.md");
const hasCurl = isThere("curl");

/** What comments promise: text in quotes or braces, as it stands in the answer. */
function promises(block: string): readonly string[] {
  return [...block.matchAll(/ # (.*)$/gm)].flatMap(([, comment = ""]) => {
    const [promise] = /\{.*\}|"[^"]*"(:"?\w+"?)?|'[^']*'/.exec(comment) ?? [];
    return promise === undefined ? [] : [promise];
  });
}

(hasCurl ? describe : describe.skip)(hasCurl ? "Ask and approve" : "Ask and approve (needs curl)", () => {
  let folder: string;
  let set: Started;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "readme-"));
    await chmod(folder, 0o711);
    set = startAsPerson({ cwd: folder, env: { COUNTERSIGN_DATA: join(folder, "data") } });
    await set.ready();
  }, 120_000);
  afterAll(async () => {
    set?.child.kill("SIGINT");
    await set?.ended;
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function paste(commands: string): Promise<string> {
    const shell = spawn("bash", ["-u"], { stdio: ["pipe", "pipe", "pipe"] });
    shell.stdin.end(commands);
    const [out, err] = await Promise.all([text(shell.stdout), text(shell.stderr)]);
    expect(err).toBe("");
    return out;
  }

  test("what npm start prints works when it is pasted", async () => {
    const printed = set
      .said()
      .split("\n")
      .filter((line) => /^ {2}(token\(\)|curl) /.test(line));
    expect(printed).toHaveLength(4);
    const out = await paste(printed.join("\n"));
    expect(out).toContain('{"id":"42","item":"lamp"}');
    expect(out).toContain('"outcome":"needs_approval"');
    expect(out).toContain('"items":');
  }, 60_000);

  test("the README's block works when it is pasted whole, and every answer is as its comment says", async () => {
    const [, section = ""] = /\n## Ask and approve\n[^]*?```sh\n([^]*?)```/.exec(await readFile(README, "utf8")) ?? [];
    const here = [
      ["http://127.0.0.1:8080", set.address("proxy")],
      ["http://127.0.0.1:9200", set.address("approvals")],
      ["http://127.0.0.1:8083", set.address("tokens").replace(/\/token$/, "")],
    ] as const;
    const out = await paste(here.reduce((all, [usual, actual]) => all.replaceAll(usual, actual), section));
    expect(promises(section)).toHaveLength(7);
    const inOrder = promises(section).map((promise) => promise.replace(/[^\w]/g, "\\$&"));
    expect(out).toMatch(new RegExp(inOrder.join("[^]*")));
  }, 60_000);
});

function isThere(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
