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

/** Tested by test/docs/policy-guide.test.ts, which takes it from the page. */
const ROUTE = `# METADATA
# schemas:
#   - input: schema.route_input
# scope: package
package countersign.approval

_approvers := {"payroll-after-hours": "heads-of-finance", "customer-delete": "data-protection"}

route := {"requirement": {"group": group}} if {
	group := _approvers[input.request.elevation.entitlement]
} else := {"decide": "deny", "reason": "the policy names nobody who may approve this"}
`;

const INTRODUCTION = `# Policy guide

<!-- Written by scripts/generate-policy-guide.ts from ${packages}: change the examples there. -->

A policy is a Rego package under \`countersign.policies\`, exactly one level deep. It contributes to three sets and leaves the rest to
other packages. The first set that has a member, in this order, gives the answer:

| set | holds | the answer if it has a member |
|---|---|---|
| \`deny\` | reasons | denied |
| \`elevate\` | elevations | needs approval, or allowed by a live grant |
| \`allow\` | reasons | allowed |
| none | | denied, \`no_rule_matched\` |

\`rego/countersign/schema/input.json\` describes what a package can read, \`rego/countersign/schema/decision.json\` what an elevation may contain. The build
checks both, the input also for a package that does not name its schema. \`docs/context.md\` says where time, country and device come from,
\`docs/bundles.md\` how policies get into a service.

## Who approves

A policy says *that* a call needs approval. *Who* gives it says \`data.countersign.approval.route\`, for all packages together. \`approvers_hint\` ("head of
finance", examples 2 and others) is only shown to the requester and decides nothing. The route that this repository brings is the sample's: it asks the
group \`managers\` for every entitlement that it does not know. Replace \`approval/route.rego\` before anything is approved:

\`\`\`rego
${ROUTE}\`\`\`

The names are groups of the reviewers' tokens. \`rego/countersign/approval/route.rego\` shows more: two groups, one after the other, limits, an escalation;
\`docs/approval-lifecycle.md\` has every form and what nobody can loosen (nobody reviews their own request). Replace \`approval/may_review.rego\` too:
it is asked at each vote and can refuse a reviewer. One that adds nothing is
\`may_review := {"allowed": true, "reasons": set()}\`.

## Try it

DIR is a copy of \`rego/countersign\` with your packages in \`policies\`. Delete what is the sample's there: all that \`policies\` and \`approval\` bring, and
\`self-test.json\`, whose cases are about them. Your own \`self-test.json\` goes into the bundle, and a service refuses a bundle that fails it.

    npm run check -- rego DIR                                   # format, strict check with the schema, tests
    npm run build-bundle -- --source DIR --out /tmp/candidate   # warns when approval/route.rego is still the sample's
    npm start                                                   # in another terminal; it keeps its last 100 inputs
    npm run -s policy -- inputs > recorded.ndjson               # with credentials and bodies: keep the file to yourself
    npm run policy -- explain --id DECISION_ID                  # which rules fired; which condition stopped the others, and its value
    npm run policy -- diff rego/bundle /tmp/candidate recorded.ndjson

\`explain\` evaluates the source with OPA; \`diff\` evaluates two bundles as in production. Both show what an evaluation cost in fuel (a
millisecond of \`policy.budget.timeMs\` is ${FUEL_PER_MS.toLocaleString("en")} of it). A service keeps inputs only with \`development.keepInputs\`, which it refuses beyond loopback.
If \`explain\` says that the bundle decides differently from its source, the bundle was usually built from another source. Rarely it is OPA itself: a service
runs the module that OPA compiles, and where that would answer differently from \`opa eval\`, the host answers instead. The remaining differences
(\`max\` and \`min\` of equal numbers, such as \`1\` and \`1.0\`; natively \`0 / -1\`, and \`json.filter\` with an empty path, which denies) are listed in
\`test/conformance/builtins/told-differences.ts\`; what counts is the module, which \`diff\` evaluates. Natively two built-ins are stricter than
OPA's on purpose: \`object.subset(array, set)\` counts an item that stands twice in the array once, and \`net.cidr_contains_matches\` fails for a
number, a boolean or null, in which OPA finds no network.

## What to know

- **Test for what is trusted.** A condition on a value that is absent does not hold. In \`allow\` that keeps a door shut, in \`deny\` it
  opens one. So write a denial as \`not trusted\`, with a separate rule for what is trusted.
- **Put \`not\` before a helper, not before a look-up.** \`not input.context.country in _countries\` does *not* hold for an unknown country: OPA
  looks up \`input.context.country\` before the \`not\`, and the whole rule ends there. \`not _country_trusted\`, with \`_country_trusted if
  input.context.country in _countries\`, holds. The build refuses the first form in \`deny\`, \`elevate\`, their helpers and every rule outside
  \`countersign.policies\` wherever the schema says that the value may be absent, for every function and operator except \`==\` (example 3). If the
  value is never absent, waive it by name in the package's METADATA: \`custom: {negated_inputs: [input.context.country]}\`. It sees the value by its
  own name, by an import (\`import input.context as c\`), by a variable of the rule (\`d := input.context.device\`; there \`==\` and \`not d.managed\`
  are refused, too, because the rule has ended at \`:=\`), by a rule or function of any package of which each body looks up such a value, and as
  what a function is given that has the \`not\` (\`_foreign(input.context.country)\`, and \`_foreign(input.context)\` if it asks \`not ctx.country in …\`; not
  in a helper that \`deny\` and \`elevate\` ask behind \`not\` alone, where it denies). It does not see it by a variable of \`some … in\`.
- **In \`allow\`, test for what is trusted without \`not\`.** \`allow contains "x" if not _blocked\`, with \`_blocked if input.context.country in {…}\`, would
  allow while the country is unknown. The build refuses it, directly (\`not input.context.device.rooted\`) and through rules and functions of any
  package (\`not _blocked(input.context)\`, too), for all of \`input.context\` that may be absent. In \`deny\` and \`elevate\` such a \`not\` is right, but not
  a second one behind it (\`not _trusted\`, with \`_trusted if not _blocked\`). It is accepted where the same rule also looks the value up without \`not\`
  (\`input.context.country\` as a line of its own), where the bundle has \`custom: {requires: [country]}\`, and with a waiver in \`negated_inputs\`. The
  build does not see what a comparison makes of nothing (\`count(_incidents) == 0\`), a \`default\` or \`else\` that opens, the default of \`object.get\`, a
  variable given by \`some … in\`, rules looked up by a name that only an evaluation knows (\`_by[kind]\`), and, here and in the point above, what a
  function is given inside of an object or an array (\`_blocked({"of": input.context})\`).
- **The build reads three keys of \`custom\`**, \`requires\`, \`fallible_calls\` and \`negated_inputs\`, each a list, in METADATA with \`scope: package\`, and refuses
  them anywhere else and every other key that does not begin with \`x-\` (\`docs/bundles.md\`).
- **A failing built-in denies.** \`count\` of a number, \`object.get\` of a body that is not an object, \`startswith\` of a list, a division by zero: OPA
  leaves such a rule undefined, and an undefined denial opens a door. So the host notices and denies the request with \`policy_error\` (503),
  wherever it happens, also in \`allow\`; the decision record names call and rule. So test the type first (\`is_string(input.parsed_body.to)\`, examples 6
  and 8), in a denial with a separate rule: \`deny contains "not_readable" if not _readable\`; and instead of
  \`object.get(input.parsed_body, "dry_run", false) == false\` write \`not _dry_run\` with \`_dry_run if input.parsed_body.dry_run == true\`.
  \`opa test\` does not show this; \`self-test.json\` and \`npm run policy -- diff\` do.
- **Six built-ins are undefined when they fail**, because they parse text and a policy may want to know that it cannot be parsed:
  \`to_number\`, \`json.unmarshal\`, \`base64.decode\`, \`base64url.decode\`, \`net.cidr_contains\` and \`net.cidr_intersects\`. The build refuses them in \`deny\`,
  \`elevate\`, their helpers and every rule outside \`countersign.policies\` (a denial of your own in \`decision.rego\`, a refusal in approval), and in
  \`allow\` behind \`not\` and in a comprehension (\`not net.cidr_contains(…)\` holds for anything that is not an address).
  It says what to call instead. A package may declare in its METADATA that a failure opens nothing: \`custom: {fallible_calls: [to_number]}\`
  (example 11).
- **A path or query may contain bytes that are not UTF-8** (\`%ff\`). A policy sees them, as in OPA; if it returns them, for example in a scope or a
  header, the request is denied (\`policy_result_invalid\`).
- **What reviewers are shown is whole, or nothing.** The \`display\` of an elevation has at most 64 lines and 4 KiB, labels and values together. With more the
  call is denied (\`display_too_large\`, 403); record and log name the elevation. So take from a body what has a bound, and deny what has not.
- **A list of networks has a limit.** \`countersign.lib.net.from_any\` reads all of its networks at each call. Under the default budget 2,000 are fine; more
  than about 12,800, or more than 1 MiB of text, deny every call (\`policy_budget_exceeded\`). So merge networks before they go into the policy.
- **A policy has no data.** Files of data do not come into a bundle, and the build refuses them. Lists and tables stand in Rego
  (\`_blocked := {"dana", "kim"}\`), where they are signed with the rules that read them; a program may write such a file.
- **Use \`input.context.time\`**, not \`time.now_ns()\`: then a recorded input gives the same answer tomorrow.
- **\`scope\` or \`exact\`.** \`scope\` opens every call that the elevation's scope names; \`exact\`, the default, opens only the one call that was denied, body
  included. A question by API or a TCP connection has no exact form: write \`scope\` for these, or it is denied with \`exact_needs_http\`.
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
