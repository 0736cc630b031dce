/** `npm run policy -- diff`: recorded inputs by two bundles; each difference, then what was compared. */
import { AppError } from "../../core/domain/app-error.ts";
import { compareBundles, differenceLines } from "../../core/policy/explain/compare-bundles.ts";
import { loadAsked } from "../../core/policy/explain/load-asked.ts";
import { recordedInputs } from "../../core/policy/explain/recorded-inputs.ts";
import { HOST_DEPS, readText } from "./explain-input.ts";

/** `path`: where a bundle is asked that is none of ours. */
export async function diff(
  before: string,
  after: string,
  inputsFile: string,
  path?: string,
): Promise<{ readonly text: string; readonly differences: number }> {
  const inputs = recordedInputs(await readText(inputsFile));
  if (inputs.length === 0) throw new AppError("invalid_argument", `${inputsFile}: no inputs`);
  const one = await loadAsked(before, HOST_DEPS, path);
  const other = await loadAsked(after, HOST_DEPS, path);
  if (path !== undefined && one.compatPath === undefined && other.compatPath === undefined) {
    throw new AppError("invalid_argument", "--path is for policies of opa-envoy-plugin, and both bundles are ours");
  }
  const { compared, differences, mostFuel } = compareBundles(one, other, inputs);
  const lines = [
    `--- ${before} ${one.revision}`,
    `+++ ${after} ${other.revision}`,
    ...differences.flatMap((difference) => [difference.name, ...differenceLines(difference)]),
    `${compared} inputs, ${differences.length} differ; most fuel ${mostFuel.before} → ${mostFuel.after}`,
  ];
  return { text: `${lines.join("\n")}\n`, differences: differences.length };
}
