/**
 * `npm run bench -- NAME… [--rounds N] [--seconds S] [--minutes M] [--repeats R] [--print]`: measures on this machine, prints, and writes its
 * section of docs/performance.md, or with `--print` nothing. What is left out of the options is made for less than four minutes.
 */
import { parseArgs } from "node:util";
import { benchApproval } from "./approval/approval.ts";
import { benchAudit } from "./audit/audit.ts";
import { benchAuthzen } from "./authzen/authzen.ts";
import { benchBundleSwap } from "./bundle-swap.ts";
import { benchCheck } from "./check/check.ts";
import { useCores } from "./cores.ts";
import { benchIdentity } from "./identity/identity.ts";
import { writeSection } from "./page.ts";
import { benchPolicy } from "./policy/policy.ts";
import { benchPolicySoak } from "./policy/policy-soak.ts";
import type { Bench } from "./run-bench.ts";
import { benchServing } from "./serving/serving.ts";
import { benchShadow } from "./shadow.ts";
import { benchStalls } from "./stalls/stalls.ts";

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
]);
const OPTIONS = ["rounds", "seconds", "minutes", "repeats"] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ...{ rounds: { type: "string" }, seconds: { type: "string" }, minutes: { type: "string" } },
    ...{ repeats: { type: "string" }, print: { type: "boolean" } },
  },
});
const amount = (name: (typeof OPTIONS)[number]) => (values[name] === undefined ? undefined : Number(values[name]));
const asked = {
  rounds: amount("rounds"),
  seconds: amount("seconds"),
  minutes: amount("minutes"),
  repeats: amount("repeats"),
};

if (
  positionals.length === 0 ||
  !positionals.every((name) => BENCHES.has(name)) ||
  Object.values(asked).some((value) => value !== undefined && !(value > 0))
) {
  const options = OPTIONS.map((name) => `[--${name} N]`).join(" ");
  process.stderr.write(`npm run bench -- ${[...BENCHES.keys()].join(" | ")} ${options} [--print]\n`);
  process.exitCode = 2;
} else {
  const cores = await useCores();
  const options = OPTIONS.flatMap((name) => (values[name] === undefined ? [] : [`--${name} ${values[name]}`]));
  for (const name of positionals) {
    const begun = performance.now();
    const seconds = () => Math.round((performance.now() - begun) / 1_000);
    const progress = (line: string) => process.stderr.write(`${name}, ${seconds()} s: ${line}\n`);
    const section = await BENCHES.get(name)?.(asked, { cores, progress });
    if (section === undefined) throw new Error(`there is no ${name}`);
    process.stdout.write(`## ${section.title}\n\n${section.text}\n`);
    progress("done");
    if (values.print !== true)
      await writeSection(section, { command: [name, ...options].join(" "), cores: cores.description, now: new Date() });
  }
}
