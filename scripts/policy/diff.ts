/** `npm run policy -- diff`: recorded inputs by two bundles; each difference, then what was compared. */
import { loadBundle } from "../../core/policy/bundle.ts";
import { AppError } from "../../core/domain/app-error.ts";
import { compareBundles, differenceLines, hostOf } from "../../core/policy/explain/compare-bundles.ts";
import { recordedInputs } from "../../core/policy/explain/recorded-inputs.ts";
import { HOST_DEPS, readText } from "./explain-input.ts";

export async function diff(
  before: string,
  after: string,
  inputsFile: string,
): Promise<{ readonly text: string; readonly differences: number }> {
  const inputs = recordedInputs(await readText(inputsFile));
  if (inputs.length === 0) throw new AppError("invalid_argument", `${inputsFile}: no inputs`);
  const [one, other] = await Promise.all([loadBundle(before), loadBundle(after)]);
  const hosts = [await hostOf(one, HOST_DEPS), await hostOf(other, HOST_DEPS)] as const;
  const { compared, differences, mostFuel } = compareBundles(...hosts, inputs);
  const lines = [
    `--- ${before} ${one.revision}`,
    `+++ ${after} ${other.revision}`,
    ...differences.flatMap((difference) => [difference.name, ...differenceLines(difference)]),
    `${compared} inputs, ${differences.length} differ; most fuel ${mostFuel.before} → ${mostFuel.after}`,
  ];
  return { text: `${lines.join("\n")}\n`, differences: differences.length };
}
