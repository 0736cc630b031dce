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
  ["graphql.", { call: 10_000, perCharacter: 500 }],
  ["indexof_n", { call: 1_500, perCharacter: 200 }],
  ["io.jwt.decode", { call: 8_000, perCharacter: 80 }],
  ["io.jwt.decode_verify", { call: 200_000, perCharacter: 450 }],
  ["io.jwt.encode_sign", { call: 1_000_000, perCharacter: 50 }],
  ["io.jwt.verify_", { call: 200_000, perCharacter: 50 }],
  ["json.marshal_with_options", { call: 4_000, perCharacter: 50 }],
  ["json.match_schema", { call: 10_000, perCharacter: 200 }],
  ["json.patch", { call: 5_000, perCharacter: 100 }],
  ["json.verify_schema", { call: 10_000, perCharacter: 700 }],
  ["net.", { call: 6_000, perCharacter: 150 }],
  ["object.subset", { call: 1_500, perCharacter: 100 }],
  ["providers.aws.", { call: 200_000, perCharacter: 700 }],
  ["rand.", { call: 12_000, perCharacter: 50 }],
  ["regex.", { call: 10_000, perCharacter: 300 }],
  ["semver.", { call: 6_000, perCharacter: 50 }],
  ["sprintf", { call: 7_000, perCharacter: 150 }],
  ["strings.render_template", { call: 10_000, perCharacter: 150 }],
  ["time.", { call: 16_000, perCharacter: 150 }],
  ["time.format", { call: 60_000, perCharacter: 300 }],
  ["time.now_ns", USUAL],
  ["units.", { call: 10_000, perCharacter: 200 }],
  ["uri.", { call: 4_000, perCharacter: 150 }],
  ["urlquery.", { call: 2_000, perCharacter: 100 }],
  ["urlquery.decode_object", { call: 4_000, perCharacter: 1_000 }],
  ["uuid.", { call: 8_000, perCharacter: 50 }],
  ["yaml.", { call: 40_000, perCharacter: 2_000 }],
  ["yaml.marshal", { call: 20_000, perCharacter: 400 }],
];

export function priceOf(name: string): Price {
  const fitting = PRICES.filter(([prefix]) => name.startsWith(prefix));
  return fitting.toSorted(([a], [b]) => b.length - a.length)[0]?.[1] ?? USUAL;
}
