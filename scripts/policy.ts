/**
 * For who writes policies: why a decision came out as it did, and what a change of the policy would have decided.
 *
 *     npm run -s policy -- inputs > recorded.ndjson             what a development service was asked last
 *     npm run policy -- explain --id DECISION_ID                one of those decisions, rule by rule
 *     npm run policy -- explain --input input.json              the same of an input of one's own
 *     npm run policy -- diff rego/bundle new-bundle recorded.ndjson
 *
 * The same of a policy that was written for opa-envoy-plugin: its bundle is asked at its only entrypoint, or at `--path`.
 *
 * Exit 0: told, and for `diff` no difference; 1: differences; 2: could not look.
 */
import { Command, CommanderError } from "commander";
import { reasonOf } from "../platform/lifecycle/cannot-start.ts";
import { diff } from "./policy/diff.ts";
import { explainInput } from "./policy/explain-input.ts";
import { fetchInputs, OPS_URL } from "./policy/fetch-inputs.ts";

const PATH =
  "where a policy of opa-envoy-plugin is asked, such as envoy/authz/allow; not needed with a single entrypoint";

const write = (text: string) => process.stdout.write(text);

const program = new Command("npm run policy --")
  .description("Explains decisions and compares policies. A decision service keeps inputs with development.keepInputs.")
  .configureHelp({ showGlobalOptions: true })
  .exitOverride();

program
  .command("explain")
  .description("which rules fired, and of the others which condition kept them, by OPA's own evaluation of the source")
  .option("--input <file>", "an input document, or a record of one; - is standard input")
  .option("--id <decision>", "ask the decision service for the input of this decision instead")
  .option("--ops <url>", "operators' address of the decision service", OPS_URL)
  .option("--source <path...>", "folders or files of Rego", ["rego/countersign"])
  .option("--bundle <path>", "folder or tar.gz that was built from it", "rego/bundle")
  .option("--package <name>", "only the rules of countersign.policies.<name>")
  .option("--path <rule>", PATH)
  .option("--v0-compatible", "the source is Rego v0")
  .addHelpText(
    "after",
    "\nExample: npm run policy -- explain --input input.json --package orders\n         npm run policy -- explain --input input.json --source policy --bundle built.tar.gz",
  )
  .action(async (options: Parameters<typeof explainInput>[0]) => {
    write(await explainInput(options));
  });

program
  .command("diff")
  .description("judges recorded inputs by two bundles and prints where they decide differently")
  .argument("<before>", "bundle: folder or tar.gz")
  .argument("<after>", "the other one (npm run build-bundle -- --source DIR --out DIR makes one)")
  .argument("<inputs>", "inputs, one JSON document on each line; - is standard input")
  .option("--path <rule>", PATH)
  .addHelpText("after", "\nExample: npm run policy -- diff rego/bundle /tmp/new recorded.ndjson")
  .action(async (before: string, after: string, inputs: string, { path }: { readonly path?: string }) => {
    const told = await diff(before, after, inputs, path);
    write(told.text);
    process.exitCode = told.differences === 0 ? 0 : 1;
  });

program
  .command("inputs")
  .description("the inputs that a decision service in development keeps: all of them, or that of one decision")
  .argument("[decision]", "a decision id, as the answer to a denied call names it")
  .option("--ops <url>", "operators' address of the decision service", OPS_URL)
  .action(async (decision: string | undefined, { ops }: { readonly ops: string }) => {
    write(await fetchInputs(ops, decision));
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    process.stderr.write(`${reasonOf(error)}\n`);
    process.exitCode = 2;
  }
}
