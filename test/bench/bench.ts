/**
 * `npm run bench -- NAME [--rounds N] [--seconds S] [--minutes M] [--repeats R] [--print] [--gate]`: measures on this machine, prints, and writes
 * its section of docs/performance.md, or with `--print` nothing; with `--gate` nothing too, and it fails where a goal is missed by more than 15 %
 * (gate.ts). That page says how long each takes when options are left out. `--part NAME` measures one part of those that have several, and only
 * prints it.
 */
import { scriptArguments } from "../../platform/programs/script-arguments.ts";
import { benchApproval } from "./approval/approval.ts";
import { benchAudit } from "./audit/audit.ts";
import { benchAuthzen } from "./authzen/authzen.ts";
import { benchBundleSwap } from "./bundle-swap.ts";
import { benchCheck } from "./check/check.ts";
import { useCores } from "./cores.ts";
import { gateOf } from "./gate.ts";
import { benchIdentity, IDENTITY_PARTS } from "./identity/identity.ts";
import { writeMeasured } from "./page.ts";
import { benchPolicy } from "./policy/policy.ts";
import { benchPolicySoak } from "./policy/policy-soak.ts";
import type { Bench } from "./run-bench.ts";
import { benchServing, SERVING_PARTS } from "./serving/serving.ts";
import { benchShadow } from "./shadow.ts";
import { benchStalls } from "./stalls/stalls.ts";
import { benchStart } from "./start.ts";

const BENCHES: ReadonlyMap<string, Bench> = new Map([
  ["approval", benchApproval],
  ["audit", benchAudit],
  ["authzen", benchAuthzen],
  ["bundle-swap", benchBundleSwap],
  ["check", benchCheck],
  ["identity", benchIdentity],
  ["policy", benchPolicy],
  ["policy-soak", benchPolicySoak],
  ["serving", benchServing],
  ["shadow", benchShadow],
  ["stalls", benchStalls],
  ["start", benchStart],
]);
const PARTS: ReadonlyMap<string, readonly string[]> = new Map<string, readonly string[]>([
  ["identity", IDENTITY_PARTS],
  ["serving", SERVING_PARTS],
]);
const OPTIONS = ["rounds", "seconds", "minutes", "repeats"] as const;

const parted = [...PARTS].map(([of, parts]) => `; parts of ${of}: ${parts.join(", ")}`).join("");
const USAGE = `npm run bench -- ${[...BENCHES.keys()].join(" | ")} ${OPTIONS.map((option) => `[--${option} N]`).join(" ")} [--part NAME] [--print] [--gate]${parted}`;

const { values, positionals } = scriptArguments(USAGE, {
  allowPositionals: true,
  options: {
    ...{ rounds: { type: "string" }, seconds: { type: "string" }, minutes: { type: "string" } },
    ...{ repeats: { type: "string" }, part: { type: "string" } },
    ...{ print: { type: "boolean" }, gate: { type: "boolean" } },
  },
});
const amount = (name: (typeof OPTIONS)[number]) => (values[name] === undefined ? undefined : Number(values[name]));
const asked = {
  rounds: amount("rounds"),
  seconds: amount("seconds"),
  minutes: amount("minutes"),
  repeats: amount("repeats"),
};
const { part } = values;

const [name = "", ...more] = positionals;
const bench = BENCHES.get(name);
if (
  bench === undefined ||
  more.length > 0 ||
  (part !== undefined && PARTS.get(name)?.includes(part) !== true) ||
  Object.values(asked).some((value) => value !== undefined && !(value > 0))
) {
  process.stderr.write(`usage: ${USAGE}\n`);
  process.exitCode = 2;
} else {
  const cores = await useCores();
  const begun = performance.now();
  const progress = (line: string) =>
    process.stderr.write(`${name}, ${Math.round((performance.now() - begun) / 1_000)} s: ${line}\n`);
  const section = await bench({ ...asked, part }, { cores, progress });
  process.stdout.write(`## ${section.title}\n\n${section.text}\n`);
  progress("done");
  const options = OPTIONS.flatMap((option) => (values[option] === undefined ? [] : [`--${option} ${values[option]}`]));
  const command = [name, ...options].join(" ");
  if (values.gate === true) {
    const { looked, far } = gateOf(section.text);
    process.stdout.write(
      `${looked} figures with a goal, ${far.length} missed by more than 15 %${far.map((one) => `\n  ${one}`).join("")}\n`,
    );
    process.exitCode = looked > 0 && far.length === 0 ? 0 : 1;
  } else if (values.print !== true && part === undefined)
    await writeMeasured(section, { command, cores: cores.description, now: new Date() });
}
