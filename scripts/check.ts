/**
 * `npm run check`: everything that can be said about this repository without running it. Each step prints one line with its
 * seconds, a failing one what is wrong; all steps run even when one fails: in turn, since generators write what others read, but for what is said to be
 * apart. What could not run for want of a tool is listed last as SKIPPED, which with CI=true is a failure. `npm run check -- lint` runs the steps whose
 * name contains the word. `npm run check -- rego DIR` is for an author of policies: the steps of Rego that are not the style of this repository, on DIR.
 */
import path from "node:path";
import { composeStep } from "./check/compose-step.ts";
import { authorSteps, regoSteps } from "./check/rego-steps.ts";
import type { Step, StepOutcome } from "./check/step.ts";
import { generatedSteps, sourceSteps } from "./check/steps.ts";

const root = path.resolve(import.meta.dirname, "..");
const isCi = process.env["CI"] === "true";
const wanted = process.argv[2] ?? "";
const say = (line: string) => process.stdout.write(`${line}\n`);

async function runStep(step: Step): Promise<StepOutcome> {
  try {
    return await step.run();
  } catch (error) {
    return { kind: "bad", message: error instanceof Error ? error.message : String(error) };
  }
}

const folder = process.argv[3];
const all =
  folder === undefined
    ? [...sourceSteps(root), ...generatedSteps(root), ...regoSteps(root), composeStep(root)]
    : authorSteps(root, path.resolve(folder));
const steps = all.filter((step) => step.name.includes(wanted));
const failed: string[] = [];
const skipped: string[] = [];

async function runInTurn(several: readonly Step[]): Promise<void> {
  for (const step of several) {
    const begin = performance.now();
    const outcome = await runStep(step);
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    const word = { good: "ok", bad: "FAILED", skipped: "skipped" }[outcome.kind];
    say(`[${steps.indexOf(step) + 1}/${steps.length}] ${step.name}: ${word} (${seconds} s)`);
    if (outcome.kind === "bad") {
      failed.push(step.name);
      say(outcome.message.replace(/^/gm, "    "));
    }
    if (outcome.kind === "skipped") skipped.push(`${step.name}: ${outcome.message}`);
  }
}

const isApart = (step: Step) => step.isApart === true;
await Promise.all([runInTurn(steps.filter((step) => !isApart(step))), runInTurn(steps.filter(isApart))]);
if (skipped.length > 0) say(`\nSKIPPED${isCi ? " (with CI=true this is a failure)" : ""}\n  ${skipped.join("\n  ")}`);
const passed = steps.length - failed.length - skipped.length;
say(`\ncheck: ${passed} passed, ${failed.length} failed, ${skipped.length} skipped`);
for (const name of failed) say(`  FAILED ${name}`);
process.exitCode = steps.length === 0 || failed.length > 0 || (isCi && skipped.length > 0) ? 1 : 0;
