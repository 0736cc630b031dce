/**
 * README.md, "Ask and approve", typed into a shell as it stands while `npm start` runs: what each call gives back holds what its comment says.
 * Only ports are exchanged, where the usual ones are taken.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { commandsOf, shownCommand } from "../../sample/picture/readme-block.ts";
import { startAlone, type StartedAlone } from "../harness/npm-start.ts";

const README = join(import.meta.dirname, "../../README.md");
const hasCurl = isThere("curl");

test("the picture is of these commands, and of what they promise", async () => {
  const picture = await readFile(join(import.meta.dirname, "../../docs/picture.svg"), "utf8");
  const shown = [...picture.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) =>
    text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"),
  );
  let from = 0;
  for (const command of commandsOf(await readFile(README, "utf8"))) {
    if (command.isPreparation || command.text.startsWith("sleep")) continue;
    const typed = `$ ${shownCommand(command)}`;
    const at = shown.findIndex((row, index) => index >= from && typed.startsWith(row.replace(/…$/, "")));
    expect({ typed, isShown: at >= 0 }).toEqual({ typed, isShown: true });
    if (command.promise !== undefined) expect(shown[at + 1]).toContain(command.promise);
    from = at + 1;
  }
  expect(from).toBeGreaterThan(0);
});

/** The other commands, as they stand: `name`, what follows it, and nothing of the comment. */
async function npmLines(): Promise<readonly { readonly name: string; readonly args: readonly string[] }[]> {
  const lines = (await readFile(README, "utf8")).matchAll(/^ {4}(npm (?!ci).*?)(?: +#.*)?$/gm);
  return [...lines].map(([, line = ""]) => {
    const [, name = "", rest = ""] = /^npm (?:run )?(\S+)(?: -- (.*))?$/.exec(line) ?? [];
    return { name, args: rest.split(" ").filter((word) => word !== "") };
  });
}

test("every npm command has its script and knows the options that are shown: what it refuses is one more that nobody has", async () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    await readFile(join(import.meta.dirname, "../../package.json"), "utf8"),
  );
  const lines = await npmLines();
  expect(lines.length).toBeGreaterThanOrEqual(11);
  for (const { name, args } of lines) {
    expect({ name, script: scripts[name] }).toEqual({ name, script: expect.stringContaining("scripts/") });
    if (name === "test" || name === "check") continue; // what follows is which of them
    const [command = "", ...words] = `${scripts[name]}`.replace(/^exec /, "").split(" ");
    const { status, stderr } = spawnSync(command, [...words, ...args, "--no-such-option"], {
      cwd: join(import.meta.dirname, "../.."),
      encoding: "utf8",
    });
    expect({ name, status: status === 0 ? "accepted" : "refused" }).toEqual({ name, status: "refused" });
    expect(stderr).toContain("--no-such-option");
  }
}, 120_000);

(hasCurl ? describe : describe.skip)(hasCurl ? "Ask and approve" : "Ask and approve (needs curl)", () => {
  let alone: StartedAlone;
  beforeAll(async () => {
    alone = await startAlone("readme");
  }, 120_000);
  afterAll(() => alone?.[Symbol.asyncDispose](), 60_000);

  async function paste(commands: string): Promise<string> {
    const shell = spawn("bash", ["-u"], { stdio: ["pipe", "pipe", "pipe"] });
    shell.stdin.end(commands);
    const [out, err] = await Promise.all([text(shell.stdout), text(shell.stderr)]);
    expect(err).toBe("");
    return out;
  }

  test("what npm start prints works when it is pasted", async () => {
    const printed = alone.set
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
    const commands = commandsOf(await readFile(README, "utf8"));
    const here = [
      ["http://127.0.0.1:8080", alone.set.address("proxy")],
      ["http://127.0.0.1:9200", alone.set.address("approvals")],
      ["http://127.0.0.1:8083", alone.set.address("tokens").replace(/\/token$/, "")],
    ] as const;
    const block = commands.map(({ text }) => text).join("\n");
    const out = await paste(here.reduce((all, [usual, actual]) => all.replaceAll(usual, actual), block));
    const promises = commands.flatMap(({ promise }) => (promise === undefined ? [] : [promise]));
    expect(promises).toHaveLength(7);
    const inOrder = promises.map((promise) => promise.replace(/[^\w]/g, "\\$&"));
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
