/**
 * `npm run picture`: writes docs/picture.svg, what a terminal shows while `npm start` runs and README's "Ask and approve" is typed: a real run of
 * both, on the usual ports. Nothing of it is written by hand, but for what is too long, which is cut at a dot dot dot.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAsPerson } from "../test/harness/npm-start.ts";
import { draw, excerpt, type Row } from "./picture/draw.ts";
import { type Command, commandsOf, shownCommand } from "./picture/readme-block.ts";

const ROOT = join(import.meta.dirname, "..");
/** What the shell says after each command, so that we know when it has said all. */
const END = "\u001e";

async function started(): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "picture-"));
  await chmod(folder, 0o711); // as root PostgreSQL runs as somebody else, who has to pass
  const set = startAsPerson({ cwd: folder, env: { COUNTERSIGN_DATA: join(folder, ".data") } });
  try {
    await set.ready();
    if (set.said().includes("is taken")) throw new Error("a usual port is taken; end what has it, then draw again");
    const said = set.said().replaceAll(folder, "~/countersign").split("\n");
    const isShown = (line: string) => /^( +[\d.]+ s ✓|Ready after| {2}(proxy|approvals|tokens) )/.test(line);
    const start = said.filter(isShown).map((text): Row => ({ kind: "said", text: text.replace(/ +~.*$/, "") }));
    const asked = await type(commandsOf(await readFile(join(ROOT, "README.md"), "utf8")));
    return [{ kind: "typed", text: "$ npm start" }, ...start, { kind: "gap", text: "" }, ...asked];
  } finally {
    set.child.kill("SIGINT");
    await set.ended;
    await rm(folder, { recursive: true, force: true });
  }
}

async function type(commands: readonly Command[]): Promise<readonly Row[]> {
  const shell = spawn("bash", ["-u"], { stdio: ["pipe", "pipe", "inherit"] });
  const rows: Row[] = [];
  for (const command of commands) {
    shell.stdin.write(`${command.text}\nprintf '${END}'\n`);
    let answer = "";
    while (!answer.endsWith(END)) answer += String((await once(shell.stdout, "data"))[0]);
    const said = excerpt(answer.slice(0, -END.length), command.promise);
    if (command.promise !== undefined && !said.includes(command.promise)) {
      throw new Error(`${command.text}\nsaid ${said}\nand not ${command.promise}`);
    }
    if (command.isPreparation || command.text.startsWith("sleep")) continue;
    rows.push({ kind: "typed", text: `$ ${shownCommand(command)}` });
    if (said !== "") rows.push({ kind: kindOf(said), text: said });
  }
  shell.stdin.end();
  return rows;
}

function kindOf(said: string): Row["kind"] {
  if (said.includes("needs_approval") || said.includes("grant_reason")) return "refused";
  return said.includes('"deleted"') ? "good" : "said";
}

await writeFile(
  join(ROOT, "docs/picture.svg"),
  draw(
    "npm start; dana is told that a deletion needs approval, asks, max approves one use, and it passes once",
    await started(),
  ),
);
