/**
 * Where a compiled module answers otherwise than OPA and is left to, and why. compiled-builtins.test.ts fails at any difference that does
 * not stand here, and at any line here that it does not meet. None of them makes an answer of what OPA leaves undefined.
 */

/** `none`: undefined, a failure or a trap where OPA has an answer. `answer`: one where OPA has none. */
export type Kind = "none" | "answer" | "other" | "digits";

type Told = {
  readonly mode: "native" | "compat" | "both";
  readonly names: readonly string[];
  readonly kind: Kind;
  readonly why: string;
};

export const TOLD: readonly Told[] = [
  { mode: "both", names: ["max", "min"], kind: "digits", why: "of equal numbers the first one, and not the last" },
  {
    mode: "both",
    names: ["array[index]"],
    kind: "digits",
    why: "what is in the set, and not what was looked for; they are equal",
  },
  {
    mode: "both",
    names: ["to_number"],
    kind: "none",
    why: "`1_000` and `0x1p-2` become a number to OPA that no JSON can say",
  },
  {
    mode: "both",
    names: ["array.slice", "substring"],
    kind: "none",
    why: "of 2^63-1, at which OPA itself may break off (`substring`)",
  },
  { mode: "native", names: ["json.filter", "json.remove"], kind: "none", why: "a path of no parts traps: denied" },
  { mode: "native", names: ["div"], kind: "digits", why: "`0 / -1` is `-0` to OPA" },
];
