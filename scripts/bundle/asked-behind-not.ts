/**
 * Helpers that `deny` and `elevate` ask behind `not`, and nothing else asks at all: `deny contains "x" if not _trusted`. Where one of these ends
 * because something is absent, what should be denied is denied. Not one with an `else` or a `default` that holds: where its body ends, that says.
 */
import { callOf, field, list } from "./ast.ts";
import { isPolicy, type PlacedRule, type RulesAt } from "./places.ts";
import { isDefault, isSet, saysFalse, withElse } from "./rule-forms.ts";
import { isName, meaningOf, type Place, placeInside } from "./what-is-meant.ts";

export function askedBehindNot(rules: readonly PlacedRule[], rulesAt: RulesAt): ReadonlySet<PlacedRule> {
  const behind = new Set<PlacedRule>();
  const elsewhere = new Set<PlacedRule>();
  const note = (into: Set<PlacedRule>, name: unknown, place: Place): void => {
    const meaning = meaningOf(name, place);
    if (meaning.kind === "rules") for (const rule of meaning.rules) into.add(rule);
  };
  /** `into`: for what stands behind `not` itself. What a call there is given is looked up before the `not`. */
  const visit = (node: unknown, place: Place, into: Set<PlacedRule>): void => {
    if (Array.isArray(node)) for (const item of node) visit(item, place, into);
    if (typeof node !== "object" || node === null || Array.isArray(node)) return;
    if (isName(node)) note(elsewhere, node, place);
    const terms = field(node, "negated") === true ? field(node, "terms") : undefined;
    const asked = Array.isArray(terms) ? callOf(node)[0] : terms;
    if (isName(asked)) note(into, asked, place);
    for (const [key, item] of Object.entries(node)) {
      if (key === "annotations") continue;
      const rest =
        isName(asked) && key === "terms" ? [list(field(asked, "value")).slice(1), callOf(node).slice(1)] : item;
      visit(rest, place, into);
    }
  };
  for (const rule of rules) {
    const closes = isPolicy(rule.place) && ["deny", "elevate"].includes(rule.place[3] ?? "");
    const { head, ...others } = Object(rule.rule);
    const said = [field(head, "key"), field(head, "value"), field(head, "args")];
    visit([said, others], placeInside(rule, rulesAt), closes ? behind : elsewhere);
  }
  const mayOpen = (rule: PlacedRule) =>
    rulesAt(rule.place).some(
      ({ rule: one }) => isSet(one) || withElse(one).length > 1 || (isDefault(one) && !saysFalse(one)),
    );
  return new Set([...behind].filter((rule) => !elsewhere.has(rule) && !mayOpen(rule)));
}
