/**
 * How much fuel a millisecond of different work burns: what `FUEL_PER_MS` (core/policy/budget.ts) has to stay below, so
 * that a budget is about what it says: each kind of work runs until it is stopped, which has to take between 0.2 and 2
 * times the budget. Processor time, since a budget is work and does not run while the process waits for a processor.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_BUDGET, FUEL_PER_MS } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { createPolicyHost } from "../../../core/policy/policy-host.ts";
import { makeBundle } from "../../harness/made-bundle.ts";
import { goal, median, shown, table } from "../figures.ts";

const REPEATS = 7;

/** Conditions inside three nested loops over 400 numbers, `a`, `b` and `c`. */
const WORK: readonly (readonly [name: string, condition: string])[] = [
  ["adding and comparing", "(a + b) + c == -1"],
  ["decimals", "((a * 1.1) * (b * 2.2)) * (c * 3.3) == -1"],
  ["numbers of 60 digits", "((huge * huge) * a) * b == c"],
  ["building and searching texts", 'contains(concat("-", [format_int(a, 10), format_int(b, 10)]), "xyz")'],
  ["a regular expression", 'regex.match("(a|b)*c$", text)'],
  ["upper case and replacing", 'replace(upper(text), "A", "c") == "x"'],
  ["JSON and back", "json.unmarshal(json.marshal(object)) == a"],
  ["walking a tree", "walk(tree, [_, value]); value == -1"],
  ["intersecting sets", "count(set & {x | some x in several; x > b}) == -1"],
  ["looking up", "object[format_int(c, 10)][0] == -1"],
  ["shifting long numbers", "bits.lsh(a, 100000 + b) == c"],
  ["a built-in of the host", 'sprintf("%d-%d", [a, b]) == "x"'],
  ["built-ins that fail", 'time.parse_rfc3339_ns("today") == a'],
  ["dates in a zone", 'time.format([(a * b) * c, "America/New_York", "Mon 15:04 MST 2006"]) == "x"'],
  ["a pattern that looks ahead", 'regex.replace(text, "a(.*c)?", "x") == "x"'],
  ["reading YAML", "yaml.unmarshal(yaml_text) == a"],
  ["reading a query", 'urlquery.decode_object(query) == {"a": [text]}'],
  ["signing a request", 'providers.aws.sign_req(request, aws, a) == {"a": b}'],
];

const POLICY = `package countersign

decision := {"outcome": "allow", "reasons": ["never"], "elevations": [], "responses": [], "context_missing": [], "malformed": []} if runs

several := numbers.range(1, 400)
huge := 123456789012345678901234567890123456789012345678901234567890
text := concat("", ["abababab" | some _ in several])
yaml_text := concat("", ["- {a: [1, 2, {b: c}]}\\n" | some _ in several])
query := concat("&", ["a=b&c=d" | some _ in several])
request := {"method": "get", "url": "http://a.example/c"}
aws := {"aws_access_key": "a", "aws_secret_access_key": "b", "aws_service": "s3", "aws_region": "r"}
object := {format_int(a, 10): [a, "text"] | some a in several}
set := {a | some a in several}
tree := [[[a, b] | some b in several] | some a in several; a < 50]
${WORK.map(([, condition], at) => `runs if { input.case == ${at}; some a in several; some b in several; some c in several; ${condition} }`).join("\n")}
`;
const APPROVAL = "package countersign.approval\n\nroute := {}\n\nmay_review := {}\n";

export async function fuelRates(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  try {
    await makeBundle(folder, [POLICY, APPROVAL], {});
    const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
    const host = createPolicyHost(deps, {
      defaultRealm: "corp",
      budget: DEFAULT_BUDGET,
      warmUps: 0,
    });
    const activation = await host.activate(await loadBundle(folder));
    if (activation.kind === "refused") throw new Error(activation.detail);
    const rows = WORK.map(([name], at) => {
      const runs = Array.from({ length: REPEATS }, () => {
        const begun = process.threadCpuUsage();
        const { verdict, fuelUsed } = host.decide(JSON.stringify({ case: at }), { nowNs: 0n });
        const { user, system } = process.threadCpuUsage(begun);
        return { verdict, fuelUsed, ms: (user + system) / 1_000 };
      });
      const ms = median(runs.map((run) => run.ms));
      const rate = median(runs.map((run) => run.fuelUsed / run.ms));
      const [first] = runs;
      const why = first?.verdict.kind === "fault" ? first.verdict.detail : "";
      const isNear = ms >= 0.2 * DEFAULT_BUDGET.timeMs && ms <= 2 * DEFAULT_BUDGET.timeMs;
      return [
        name,
        goal(ms, isNear, "10 to 100"),
        shown(rate / FUEL_PER_MS),
        why.includes("memory") ? "memory" : "fuel",
      ];
    });
    return [
      `How long evaluations without end last under the default budget of ${DEFAULT_BUDGET.timeMs} ms and ${DEFAULT_BUDGET.memoryMib} MiB, by what they do; medians of ${REPEATS} in processor time of the thread, the linking of a fresh instance included. A millisecond is counted as ${FUEL_PER_MS.toLocaleString("en")} units.`,
      table(["", "stopped after ms", "rate ÷ counted rate", "by"], rows),
    ].join("\n\n");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
