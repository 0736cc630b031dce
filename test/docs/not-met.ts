/**
 * What docs/performance.md says NOT MET of, or has said lately, and what no figure of it may be worse than: the figure as it stood there when it was
 * written down here, and about a sixth of it as room for another machine; more for what a single pause decides. What has come close
 * to its goal and meets it has that as its floor; whoever makes a figure better makes its floor better.
 */
import { withGoals } from "../bench/figures.ts";

type Floor = {
  /** What the rows begin with that are looked at; undefined: all that have this goal. */
  readonly row?: RegExp;
  /** As its benchmark writes it. */
  readonly goal: string;
  /** How many figures have that goal. */
  readonly times: number;
  /** How many of them may miss it; undefined: all. */
  readonly missed?: number;
} & ({ readonly least: number; readonly most?: number } | { readonly least?: number; readonly most: number });

/** `section`: of the page. */
type NotMet = Floor & { readonly what: string; readonly section: string };

const RUNAWAY = { section: "policy", goal: "10 to 100", times: 67, missed: 6, least: 28, most: 168 };
const PRICE = { section: "policy", goal: "0.5 to 1.5", times: 50, missed: 10, least: 0.35, most: 1.85 };
const NEW_TOKENS = { section: "identity", goal: "≥ 0.6", times: 1 };

export const NOT_MET: readonly NotMet[] = [
  { what: "fuel against none", section: "policy", goal: "≤ 1.10", times: 4, most: 1.1 },
  {
    ...{ what: "our host, given the whole input, against the stock SDK", section: "policy", row: /\w+, whole/ },
    ...{ goal: "≥ 1.5", times: 2, least: 1.05 },
  },
  { what: "the decision log on against off", section: "serving", goal: "≥ 0.92", times: 1, least: 0.7 },
  { ...NEW_TOKENS, what: "new tokens by RS256 against known ones", row: /new tokens, RS256/, least: 0.6 },
  { ...NEW_TOKENS, what: "new tokens by ES256 against known ones", row: /new tokens, ES256/, least: 0.43 },
  { ...NEW_TOKENS, what: "new tokens by EdDSA against known ones", row: /new tokens, EdDSA/, least: 0.4 },
  { what: "valid checks beside bad tokens", section: "identity", goal: "≤ 2", times: 2, most: 2 },
  { what: "an AuthZEN evaluation against a null route", section: "authzen", goal: "≥ 0.5", times: 1, least: 0.41 },
  { ...RUNAWAY, what: "milliseconds until a runaway of 50 is stopped" },
  { ...PRICE, what: "the price of a built-in against that of the module's instructions" },
];

/** How a text falls short of the floor, in words: each figure beyond it as it is written, figures that are missing, goals missed too often. */
export function shortOf({ row, goal, times, missed = times, least = -Infinity, most = Infinity }: Floor, text: string) {
  const lines = row === undefined ? text : linesOf(text, row);
  const figures = withGoals(lines).filter(({ wanted }) => wanted === goal);
  const misses = figures.filter(({ isMet }) => !isMet).length;
  return [
    ...figures.filter(({ value }) => !(value >= least && value <= most)).map(({ whole }) => whole),
    ...(figures.length < times ? [`${figures.length} figures of ${times}`] : []),
    ...(misses > missed ? [`${misses} missed, more than ${missed}`] : []),
  ];
}

/** The rows of tables whose first cell is that and nothing else. */
function linesOf(text: string, row: RegExp): string {
  const first = new RegExp(`^\\| ${row.source} \\|`);
  return text
    .split("\n")
    .filter((line) => first.test(line))
    .join("\n");
}
