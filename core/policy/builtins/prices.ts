/**
 * What a call of a built-in costs in fuel (FUEL_PER_MS in budget.ts): an amount for each call and one for each character
 * of its arguments, taken before it runs. Measured as the slowest that was found for each family, and rounded up. What
 * grows faster than its arguments has bounds of its own, or pays on its way (`BuiltinCall.pay`).
 */

export type Price = { readonly call: number; readonly perCharacter: number };

const USUAL: Price = { call: 3_000, perCharacter: 20 };

/** The longest name that a built-in begins with counts. */
const PRICES: readonly (readonly [prefix: string, Price])[] = [
  ["crypto.x509.", { call: 300_000, perCharacter: 200 }],
  ["crypto.parse_private_keys", { call: 100_000, perCharacter: 100 }],
  ["graphql.", { call: 10_000, perCharacter: 300 }],
  ["indexof_n", { call: 1_500, perCharacter: 200 }],
  ["io.jwt.decode", { call: 5_000, perCharacter: 50 }],
  ["io.jwt.decode_verify", { call: 200_000, perCharacter: 50 }],
  ["io.jwt.encode_sign", { call: 1_000_000, perCharacter: 50 }],
  ["io.jwt.verify_", { call: 200_000, perCharacter: 50 }],
  ["json.match_schema", { call: 10_000, perCharacter: 200 }],
  ["json.patch", { call: 5_000, perCharacter: 100 }],
  ["json.verify_schema", { call: 10_000, perCharacter: 200 }],
  ["net.", { call: 4_000, perCharacter: 100 }],
  ["object.subset", { call: 1_500, perCharacter: 100 }],
  ["regex.", { call: 10_000, perCharacter: 300 }],
  ["sprintf", { call: 5_000, perCharacter: 150 }],
  ["strings.render_template", { call: 10_000, perCharacter: 150 }],
  ["time.", { call: 4_000, perCharacter: 150 }],
  ["uri.", { call: 2_000, perCharacter: 100 }],
  ["urlquery.", { call: 2_000, perCharacter: 100 }],
  ["yaml.", { call: 20_000, perCharacter: 400 }],
];

export function priceOf(name: string): Price {
  const fitting = PRICES.filter(([prefix]) => name.startsWith(prefix));
  return fitting.toSorted(([a], [b]) => b.length - a.length)[0]?.[1] ?? USUAL;
}
