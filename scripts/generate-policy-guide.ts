/**
 * Writes `docs/policy-guide.md`: what a policy author starts from, with the tested examples of `rego/guide` in it as they
 * stand there, so that no page shows a policy that was not checked. Tests stand beside each; `npm run check` runs them.
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { AppError } from "../core/domain/app-error.ts";
import { FUEL_PER_MS } from "../core/policy/budget.ts";

const root = path.resolve(import.meta.dirname, "..");
const packages = "rego/guide/countersign/policies";

const EXAMPLES = [
  ...["handbook", "payroll", "exports", "repositories", "deployments"],
  ...["accounts", "customers", "payouts", "ledger", "calendar", "vault"],
];

const INTRODUCTION = `# Policy guide

<!-- Written by scripts/generate-policy-guide.ts from ${packages}: change the examples there. -->

A policy is a Rego package under \`countersign.policies\`, exactly one level deep. It says what it knows in three sets, and leaves the rest to
other packages:

| set | holds | the answer |
|---|---|---|
| \`deny\` | reasons | any: denied, whatever else is said |
| \`elevate\` | elevations | else any: needs approval, or allowed by a live grant |
| \`allow\` | reasons | else any: allowed |
| – | nothing | else: denied, \`no_rule_matched\` |

What a package may ask is \`rego/countersign/schema/input.json\`, what an elevation may hold \`rego/countersign/schema/decision.json\`; the build checks
both, the input also of a package that does not name its schema. \`docs/context.md\` says where time, country and device come from, \`docs/bundles.md\` how policies get into a service.

## Try it

    npm run check -- rego                                       # format, strict check with the schema, tests, coverage
    npm run build-bundle -- --source DIR --out /tmp/candidate   # DIR: a copy of rego/countersign with your packages
    npm start                                                   # in another terminal; it keeps its last 100 inputs
    npm run -s policy -- inputs > recorded.ndjson               # with credentials and bodies: keep the file to yourself
    npm run policy -- explain --id DECISION_ID                  # which rules fired; which condition kept the others, and what it met
    npm run policy -- diff rego/bundle /tmp/candidate recorded.ndjson

\`explain\` evaluates the source by OPA, \`diff\` two bundles by the host of production, and both say what an evaluation cost in fuel (a
millisecond of \`policy.budget.timeMs\` is ${FUEL_PER_MS.toLocaleString("en")} of it). A service keeps inputs only with \`development.keepInputs\`, and refuses that beyond loopback.
Where \`explain\` says that the bundle decides otherwise than its source, it is mostly another source. It may be OPA itself: a service runs the module that
OPA compiles, and where its runtime would answer otherwise than \`opa eval\` the host does. What is left (natively the order of keys in \`json.marshal\` and of members
in \`$"…"\`, and decimals in \`sum\` and \`product\`, among others) is told in \`test/conformance/builtins/told-differences.ts\`; what counts is the module, which \`diff\` asks.

## What to know

- **Ask for what is trusted.** A condition on something that is not there does not hold. In \`allow\` that keeps a door shut, in \`deny\` it
  opens one. So a denial is written \`not trusted\`, with a rule of its own for what is trusted.
- **\`not\` before a helper, not before a look-up.** \`not input.context.country in _countries\` does *not* hold for an unknown country: OPA
  looks up \`input.context.country\` before the \`not\`, and the whole rule ends there. \`not _country_trusted\`, with \`_country_trusted if
  input.context.country in _countries\`, holds. The build refuses the first in \`deny\`, \`elevate\` and their helpers wherever the schema says
  that the value may be absent, for every function and operator but \`==\` (example 3). Where it never is, waive it by its name in the
  package's METADATA: \`custom: {negated_inputs: [input.context.country]}\`.
- **A built-in that fails denies.** \`count\` of a number, \`object.get\` of a body that is none, \`startswith\` of a list, a division by zero: OPA
  leaves such a rule undefined, and an undefined denial opens a door. The host sees it and denies what was asked with \`policy_error\` (503),
  wherever it stands, in \`allow\` as well; the decision's record names call and rule. So ask for the type first (\`is_string(input.parsed_body.to)\`, examples 6
  and 8), in a denial by a rule of its own: \`deny contains "not_readable" if not _readable\`; and in place of
  \`object.get(input.parsed_body, "dry_run", false) == false\` write \`not _dry_run\` with \`_dry_run if input.parsed_body.dry_run == true\`.
  \`opa test\` does not show it; \`self-test.json\` does, and \`npm run policy -- diff\`.
- **Six calls stay undefined when they fail**, since what they are given is text, and that it cannot be read may be what a policy wants to know:
  \`to_number\`, \`json.unmarshal\`, \`base64.decode\`, \`base64url.decode\`, \`net.cidr_contains\` and \`net.cidr_intersects\`. The build refuses them in \`deny\`,
  \`elevate\` and their helpers, and in \`allow\` behind \`not\` and in a comprehension (\`not net.cidr_contains(…)\` holds for what is no address).
  It says what to call instead, unless the package's METADATA says that a failure opens nothing: \`custom: {fallible_calls: [to_number]}\`
  (example 11).
- **A path or query may hold bytes that are not UTF-8** (\`%ff\`). A policy sees them, as in OPA; one that hands them out, in a scope or a header, say,
  is a denial (\`policy_result_invalid\`).
- **The moment is \`input.context.time\`**, not \`time.now_ns()\`: then a recorded input says the same tomorrow.
- **\`scope\` or \`exact\`.** \`scope\` opens every call that the elevation's scope names; \`exact\` opens the one call that was denied, body included.
  An elevation is \`exact\` unless it says otherwise. Of a question by API and of a TCP connection there is no exact form: say \`scope\` there, or it is
  denied with \`exact_needs_http\`.
`;

async function section(name: string, number: number): Promise<string> {
  const file = `${packages}/${name}/${name}.rego`;
  const source = await readFile(path.join(root, file), "utf8");
  const title = /^# title: (.+)$/m.exec(source)?.[1];
  const description = /^# description: \|\n((?:# {3}.*\n)+)/m.exec(source)?.[1];
  if (title === undefined || description === undefined) {
    throw new AppError("invalid_argument", `${file}: its METADATA has no title or description`);
  }
  const prose = description.replaceAll(/^# {3}/gm, "").trim();
  return `\n## ${number}. ${title}\n\n${prose}\n\n\`${file}\`, tests in \`${file.replace(/\.rego$/, "_test.rego")}\`:\n\n\`\`\`rego\n${source}\`\`\`\n`;
}

const sections = await Promise.all(EXAMPLES.map((name, at) => section(name, at + 1)));
await writeFile(path.join(root, "docs/policy-guide.md"), INTRODUCTION + sections.join(""));
