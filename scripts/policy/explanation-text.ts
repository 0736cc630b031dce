/** An explanation as people read it: the decision, what fired, and of each other rule the condition that kept it. */
import type { Explanation, RuleExplanation } from "../../core/policy/explain/explain.ts";

type Shown = {
  /** By the bundle, as the service decides. */
  readonly verdict: string;
  readonly fuelUsed: number;
  readonly revision: string;
  /** By OPA, from the source. */
  readonly bySource: string;
  /** Only this package of `countersign.policies`. */
  readonly only: string | undefined;
};

const MAX_VALUE = 120;

export function explanationText({ rules }: Explanation, shown: Shown): string {
  const { verdict, fuelUsed, revision, bySource, only } = shown;
  const wanted = rules.filter(({ rule }) => only === undefined || rule.package === `countersign.policies.${only}`);
  const fired = wanted.filter((one) => one.fired);
  const kept = wanted.filter((one) => !one.fired);
  const lines = [
    verdict,
    `  by bundle ${revision}, ${fuelUsed} fuel`,
    ...(bySource === verdict
      ? []
      : [
          `  NOT what the source says: ${bySource}`,
          "  (built from another source, or not what one clock says at another time)",
        ]),
    "",
    fired.length === 0 ? "No rule fired." : "Fired",
    ...fired.flatMap((one) => ruleLines(one, "  ")),
    "",
    ...(kept.length === 0 ? [] : ["Did not fire"]),
    ...kept.flatMap((one) => ruleLines(one, "  ")),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

function ruleLines({ rule, kept }: RuleExplanation, indent: string): readonly string[] {
  const { file, row } = rule.place;
  const title = rule.title === undefined ? "" : `  (${rule.title})`;
  const name = `${indent}${rule.package.replace("countersign.", "")}: ${headOf(rule.head)}${title}`;
  if (kept === undefined) return [`${name}  ${file}:${row}`];
  const what = kept.negated ? "kept by (what it denies holds)" : "kept by";
  const values = [...kept.values].map(([path, value]) => `${indent}      ${path} is ${shownValue(value)}`);
  const unasked = kept.unasked === 0 ? [] : [`${indent}      not asked: ${kept.unasked} more`];
  return [
    name,
    `${indent}    ${what}: ${shortened(kept.text)}  ${kept.place.file}:${kept.place.row}`,
    ...values,
    ...kept.because.flatMap((one) => ruleLines(one, `${indent}      `)),
    ...unasked,
  ];
}

/** NB: by its METADATA title an elevation is known better than by the first of its many keys. */
function headOf(head: string): string {
  return shortened(head.replace(/ contains \{.*$/, " contains {…}"));
}

function shownValue(value: unknown): string {
  return value === undefined ? "not there" : shortened(JSON.stringify(value));
}

function shortened(text: string): string {
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE)}…`;
}
