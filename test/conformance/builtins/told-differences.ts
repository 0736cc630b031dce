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
  ...(["none", "other"] as const).map(
    (kind): Told => ({
      ...{ mode: "both", names: [kind === "none" ? "array[index]" : "object.get"], kind },
      why: "`1.0` as an index of an array is looked up by a function of the module that every reference goes through",
    }),
  ),
  {
    mode: "both",
    names: ["some … in"],
    kind: "other",
    why: "the order of a hash table; what can be seen of it is in the migration guide",
  },
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
  {
    ...{ mode: "native", names: ["json.marshal", "internal.template_string"], kind: "other" },
    why: "the module writes it, with keys and members in the order of a hash table, which is quicker by far",
  },
  { mode: "native", names: ["product", "sum"], kind: "digits", why: "the module adds up, in decimals" },
  { mode: "native", names: ["div"], kind: "digits", why: "`0 / -1` is `-0` to OPA" },
];
