/**
 * What a call of a built-in costs in fuel (FUEL_PER_MS in budget.ts): an amount for each call and one for each character
 * of its arguments, which are written and read to get here, taken before it runs. So measured that a microsecond of it
 * costs what a microsecond of ordinary instructions does, about 4,400, give or take a half: `npm run bench -- policy` lists
 * each kind. What grows faster than its arguments, or depends on what they say, has bounds of its own or pays on its way
 * (`BuiltinCall.pay`).
 */

/** In fuel, of each value inside of an argument: to make them takes longer than to read a text. */
export const PER_NESTED_VALUE = 300;

/** In fuel, of each character of an answer: written, read and parsed. */
export const PER_RESULT_CHARACTER = 10;

export type Price = { readonly call: number; readonly perCharacter: number };

const USUAL: Price = { call: 9_000, perCharacter: 25 };

/** The longest name that a built-in begins with counts. */
const PRICES: readonly (readonly [prefix: string, Price])[] = [
  ["crypto.hmac.", { call: 135_000, perCharacter: 30 }],
  ["crypto.hmac.equal", USUAL],
  ["crypto.x509.", { call: 500_000, perCharacter: 200 }],
  ["crypto.x509.parse_and", { call: 800_000, perCharacter: 200 }],
  ["crypto.x509.parse_certificates", { call: 1_200_000, perCharacter: 200 }],
  ["crypto.x509.parse_rsa_private_key", { call: 900_000, perCharacter: 100 }],
  ["crypto.x509.parse_keypair", { call: 2_300_000, perCharacter: 200 }],
  ["crypto.parse_private_keys", { call: 700_000, perCharacter: 100 }],
  ["graph.", { call: 20_000, perCharacter: 25 }],
  ["graphql.", { call: 350_000, perCharacter: 3_500 }],
  ["graphql.parse_schema", { call: 40_000, perCharacter: 3_500 }],
  ["graphql.schema_is_valid", { call: 150_000, perCharacter: 1_500 }],
  ["graphql.parse_query", { call: 25_000, perCharacter: 3_800 }],
  ["hex.", { call: 9_000, perCharacter: 15 }],
  ["indexof_n", { call: 9_000, perCharacter: 35 }],
  ["io.jwt.decode", { call: 30_000, perCharacter: 90 }],
  ["io.jwt.decode_verify", { call: 110_000, perCharacter: 60 }],
  ["io.jwt.encode_sign", { call: 190_000, perCharacter: 60 }],
  ["io.jwt.verify_", { call: 650_000, perCharacter: 60 }],
  ["io.jwt.verify_hs", { call: 85_000, perCharacter: 35 }],
  ["json.marshal_with_options", { call: 12_000, perCharacter: 215 }],
  ["json.match_schema", { call: 38_000, perCharacter: 100 }],
  ["json.patch", { call: 22_000, perCharacter: 195 }],
  ["json.verify_schema", { call: 8_000, perCharacter: 100 }],
  ["net.", { call: 12_000, perCharacter: 150 }],
  ["net.cidr_contains_matches", { call: 12_000, perCharacter: 525 }],
  ["net.cidr_expand", { call: 24_000, perCharacter: 150 }],
  ["net.cidr_merge", { call: 12_000, perCharacter: 525 }],
  ["object.subset", { call: 15_000, perCharacter: 40 }],
  ["providers.aws.", { call: 620_000, perCharacter: 15 }],
  ["rand.", { call: 18_000, perCharacter: 50 }],
  ["regex.", { call: 15_000, perCharacter: 25 }],
  ["regex.globs_match", { call: 8_000, perCharacter: 450 }],
  ["semver.", { call: 11_000, perCharacter: 120 }],
  ["sprintf", { call: 10_000, perCharacter: 10 }],
  ["strings.count", { call: 9_000, perCharacter: 18 }],
  ["strings.render_template", { call: 14_000, perCharacter: 15 }],
  ["strings.split_n", { call: 16_000, perCharacter: 25 }],
  ["time.", { call: 16_000, perCharacter: 150 }],
  ["time.clock", { call: 19_000, perCharacter: 250 }],
  ["time.format", { call: 30_000, perCharacter: 650 }],
  ["time.now_ns", { call: 1_500, perCharacter: 0 }],
  ["units.", { call: 12_000, perCharacter: 200 }],
  ["uri.", { call: 24_000, perCharacter: 200 }],
  ["urlquery.encode", { call: 6_000, perCharacter: 170 }],
  ["urlquery.encode_object", { call: 7_000, perCharacter: 200 }],
  ["urlquery.decode_object", { call: 5_000, perCharacter: 50 }],
  ["uuid.", { call: 18_000, perCharacter: 100 }],
  ["yaml.", { call: 20_000, perCharacter: 150 }],
  ["yaml.marshal", { call: 8_000, perCharacter: 150 }],
];

export function priceOf(name: string): Price {
  const fitting = PRICES.filter(([prefix]) => name.startsWith(prefix));
  return fitting.toSorted(([a], [b]) => b.length - a.length)[0]?.[1] ?? USUAL;
}
