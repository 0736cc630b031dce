/** `npm run bench -- NAME [ROUNDS]`: measures on this machine, prints, and writes its section of docs/performance.md. */
import { benchBundleSwap } from "./bundle-swap.ts";
import { benchCheck } from "./check/check.ts";
import { type Cores, useCores } from "./cores.ts";
import { benchPolicy } from "./policy/policy.ts";
import { benchPolicySoak } from "./policy/policy-soak.ts";
import { type Section, writeSection } from "./page.ts";

const BENCHES: ReadonlyMap<string, (rounds: number, cores: Cores) => Promise<Section>> = new Map([
  ["bundle-swap", benchBundleSwap],
  ["check", benchCheck],
  ["policy", benchPolicy],
  ["policy-soak", benchPolicySoak],
]);
const ROUNDS = 5;

const [name = "", rounds = String(ROUNDS)] = process.argv.slice(2);
const bench = BENCHES.get(name);
if (bench === undefined) {
  process.stderr.write(`npm run bench -- ${[...BENCHES.keys()].join(" | ")} [ROUNDS]\n`);
  process.exitCode = 2;
} else {
  const cores = await useCores();
  const section = await bench(Number(rounds), cores);
  process.stdout.write(`${section.text}\n`);
  await writeSection(section, cores.description, new Date());
}
