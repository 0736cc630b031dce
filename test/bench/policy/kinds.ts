/**
 * The kinds of work by which a policy can run for ever, for rates.ts: a condition inside three nested loops over 400 numbers, `a`, `b` and
 * `c`. Nothing equals `input.never`.
 */

export type Kind = { readonly name: string; readonly condition: string };

const kind = ([name, condition]: readonly [string, string]): Kind => ({ name, condition });

/** Done by the module alone, whose instructions are counted. */
export const ORDINARY: readonly Kind[] = (
  [
    ["adding and comparing", "(a + b) + c == -1"],
    ["decimals", "((a * 1.1) * (b * 2.2)) * (c * 3.3) == -1"],
    ["numbers of 60 digits", "((huge * huge) * a) * b == c"],
    ["building and searching texts", 'contains(concat("-", [format_int(a, 10), format_int(b, 10)]), "xyz")'],
    ["upper case and replacing", 'replace(upper(text), "A", "c") == input.never'],
    ["trimming", 'startswith(trim(text, "a"), "x")'],
    ["splitting", 'split(text, "b") == input.never'],
    ["base64 and back", "base64.decode(base64.encode(text)) == input.never"],
    ["a regular expression", 'regex.match("(a|b)*c$", text)'],
    ["groups of a regular expression", 'regex.find_all_string_submatch_n("(a)(b)", text, -1) == input.never'],
    ["a glob", 'glob.match("a*b*c", ["."], "abababababc.d")'],
    ["JSON and back", "json.unmarshal(json.marshal(things)) == input.never"],
    ["looking up", "things[format_int(c, 10)][0] == -1"],
    ["uniting objects", 'object.union(things, {"a": b}) == input.never'],
    ["intersecting sets", "count(set & {x | some x in several; x > b}) == -1"],
    ["sorting", "sort(shuffled) == input.never"],
    ["walking a tree", "walk(tree, [_, value]); value == -1"],
  ] as const
).map(kind);

/** Served by the host, and priced: core/policy/builtins/prices.ts. */
export const HOSTED: readonly Kind[] = (
  [
    ["regex: looks ahead", 'regex.replace(text, "a(.*c)?", "x") == input.never'],
    ["regex: many short matches", 'regex.replace(text, "ab", "x") == input.never'],
    ["regex: classes", 'regex.find_n("[0-9]+", text, -1) == input.never'],
    ["regex: alternatives", 'regex.find_n("foo|bar|baz|qux", text, -1) == input.never'],
    ["regex: counted", 'regex.find_n("\\\\w{1,50}\\\\d", text, -1) == input.never'],
    ["regex: many places at once", 'regex.find_n("((a?){20}){20}b", text, -1) == input.never'],
    ["regex: on a short text", 'regex.find_n("[a-c]+", "abc def abc ghi abc", -1) == input.never'],
    ["regex: another pattern each time", 'regex.find_n(sprintf("x%d{1,3}y%d%d", [a, b, c]), "abc", -1) == input.never'],
    ["regex: two globs", 'regex.globs_match("a.a.[0-9]+z", "b.b.[0-9]+c")'],
    ["sprintf of numbers", 'sprintf("%d-%d", [a, b]) == input.never'],
    ["sprintf of a text", 'sprintf("%s-%v", [text, b]) == input.never'],
    ["sprintf of an object", 'sprintf("%v", [things]) == input.never'],
    ["a template", 'strings.render_template("hello {{range .l}}{{.}}{{end}}", {"l": several}) == input.never'],
    ["a template of plain text", 'strings.render_template(text, {"a": b}) == input.never'],
    ["searching all places", 'indexof_n(text, "a") == input.never'],
    ["counting a text in another", 'strings.count(text, "c") == input.never'],
    ["shifting long numbers", "bits.lsh(a, 10000 + b) == c"],
    ["prefixes", 'strings.any_prefix_match(names, ["x", "y"])'],
    ["prefixes of long texts", 'strings.any_prefix_match([text, text, text], ["x"])'],
    ["SHA-256 of a word", 'crypto.sha256("abc") == input.never'],
    ["SHA-256 of a text", "crypto.sha256(text) == input.never"],
    ["HMAC", 'crypto.hmac.sha256("abc", "key") == input.never'],
    ["hexadecimal", "hex.encode(text) == input.never"],
    ["built-ins that fail", 'time.parse_rfc3339_ns("today") == input.never'],
    ["dates", "time.format(a * b) == input.never"],
    ["dates in a zone", 'time.format([(a * b) * c, "America/New_York", "Mon 15:04 MST 2006"]) == input.never'],
    ["clocks in a zone", 'time.clock([(a * b) * c, "America/New_York"]) == input.never'],
    ["reading YAML", "yaml.unmarshal(yaml_text) == input.never"],
    ["writing YAML", "yaml.marshal(things) == input.never"],
    ["reading a query", "urlquery.decode_object(query) == input.never"],
    ["reading a query of many names", 'urlquery.decode_object(concat("&", names)) == input.never'],
    ["decoding escapes", "urlquery.decode(escapes) == input.never"],
    ["reading an URI", 'uri.parse("http://a.example/c?d=e") == input.never'],
    ["laying out JSON", 'json.marshal_with_options(things, {"pretty": true}) == input.never'],
    ["patching JSON", 'json.patch(things, [{"op": "add", "path": "/x", "value": 1}]) == input.never'],
    ["matching a schema", 'json.match_schema({"a": 1}, {"properties": {"a": {"type": "string"}}}) == input.never'],
    [
      "a large document by a schema",
      'json.match_schema(things, {"additionalProperties": {"type": "array"}}) == input.never',
    ],
    ["checking a large schema", "json.verify_schema(json_schema) == input.never"],
    ["a subset of an object", 'object.subset(things, {"1": [1, "x"]})'],
    ["a subset of a set", "object.subset(set, {1, 2, 500})"],
    ["paths of a graph", 'graph.reachable_paths(chain, ["1"]) == input.never'],
    ["networks in networks", "net.cidr_contains_matches(nets, nets) == input.never"],
    ["addresses of a network", 'net.cidr_expand("10.0.0.0/24") == input.never'],
    ["merging networks", "net.cidr_merge(nets) == input.never"],
    ["versions", 'semver.compare("1.2.3-rc.1", "1.2.4") == input.never'],
    ["units", 'units.parse_bytes("10GiB") == input.never'],
    ["UUIDs", "uuid.rfc4122(format_int((c + (400 * b)) + (160000 * a), 10)) == input.never"],
    ["a GraphQL query", 'graphql.parse_query("{ a { b c } }") == input.never'],
    ["a GraphQL query and schema", 'graphql.is_valid("{ a }", "type Query { a: String }") == input.never'],
    ["checking a GraphQL schema", "graphql.schema_is_valid(graphql_schema) == input.never"],
    ["decoding a JWT", "io.jwt.decode(token) == input.never"],
    ["verifying a JWT by a secret", 'io.jwt.decode_verify(token, {"secret": "secret"}) == input.never'],
    ["verifying a JWT by a key", "io.jwt.verify_es256(token, public_key) == input.never"],
    ["signing a JWT by a key", 'io.jwt.encode_sign({"alg": "ES256"}, {"a": b}, private_key) == input.never'],
    ["reading a private key", "crypto.parse_private_keys(private_pem) == input.never"],
    ["signing a request", "providers.aws.sign_req(request, aws, a) == input.never"],
  ] as const
).map(kind);
