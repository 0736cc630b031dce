/** The policy of rates.ts: a rule for each kind of work, and what they work on. */
import { generateKeyPairSync } from "node:crypto";
import type { Kind } from "./kinds.ts";

export function policyOf(kinds: readonly Kind[]): string {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: "dana", iss: "https://id.example", exp: 1_900_000_000, groups: ["engineers"] };
  const token = [part({ alg: "HS256", typ: "JWT" }), part(claims), Buffer.alloc(32, 7).toString("base64url")].join(".");
  const quoted = (value: unknown) => JSON.stringify(value);
  return `package countersign

decision := {"outcome": "allow", "reasons": ["never"], "elevations": [], "responses": [], "context_missing": [], "malformed": []} if runs

several := numbers.range(1, 400)
shuffled := [x | some a in several; x := (a * 7919) % 401]
huge := 123456789012345678901234567890123456789012345678901234567890
text := concat("", ["abababab" | some _ in several])
names := [concat("", ["ab", format_int(a, 10)]) | some a in several]
yaml_text := concat("", ["- {a: [1, 2, {b: c}]}\\n" | some _ in several])
query := concat("&", ["a=b&c=d" | some _ in several])
escapes := concat("", ["%41%42" | some _ in several])
request := {"method": "get", "url": "http://a.example/c"}
aws := {"aws_access_key": "a", "aws_secret_access_key": "b", "aws_service": "s3", "aws_region": "r"}
things := {format_int(a, 10): [a, "text"] | some a in several}
set := {a | some a in several}
tree := [[[a, b] | some b in several] | some a in several; a < 50]
chain := {format_int(a, 10): [format_int(a + 1, 10)] | some a in several; a < 60}
nets := [concat("", ["10.1.", format_int(a, 10), ".0/24"]) | some a in several; a < 200]
json_schema := {"properties": {format_int(a, 10): {"type": "string", "enum": ["a", "b"]} | some a in several}}
graphql_schema := concat(" ", array.concat(["type Query { a: String }"], [concat("", ["type T", format_int(a, 10), " { a: String b(c: Int): [T1!] }"]) | some a in several]))
token := ${quoted(token)}
public_key := ${quoted(publicKey.export({ format: "pem", type: "spki" }))}
private_key := ${quoted(privateKey.export({ format: "jwk" }))}
private_pem := ${quoted(privateKey.export({ format: "pem", type: "pkcs8" }))}
${kinds.map(({ condition }, at) => `runs if { input.case == ${at}; some a in several; some b in several; some c in several; ${condition} }`).join("\n")}
`;
}
