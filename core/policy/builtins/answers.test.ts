/** Answers that OPA 1.20.2 itself gave to these calls; `error` is an undefined expression. */
import { describe, expect, test } from "@jest/globals";
import { runBuiltin } from "../../../test/harness/run-builtin.ts";

const q = String.raw;

describe("what OPA refuses is an error, never a value", () => {
  test.each([
    ["net.cidr_expand", '["10.0.0.1"]'],
    ["net.cidr_merge", '["::1"]'],
    ["net.cidr_contains_matches", '["10.0.0.1", "10.0.0.1"]'],
    ["net.cidr_contains_matches", '[["11.0.0.0/8", "x"], "10.0.0.1"]'],
    ["net.cidr_contains_matches", '[[[]], "10.0.0.1"]'],
    ["net.cidr_contains_matches", "[[5], []]"],
    ["object.subset", "[{1}, [1]]"],
    ["regex.split", '["(", ""]'],
    ["regex.replace", '["a", "(?=a)", "b"]'],
    ["regex.template_match", '["{a", "a", "{", "}"]'],
    ["regex.globs_match", '["[a-", "a"]'],
    ["units.parse", '["."]'],
    ["units.parse_bytes", '["1B"]'],
    ["uri.parse", '["http://a:b:c/"]'],
    ["uri.parse", '["http://[1.2.3.4]/"]'],
    ["semver.compare", '["1.2", "1.2.3"]'],
    ["time.parse_ns", '["2006-002", "2021-366"]'],
    ["time.parse_rfc3339_ns", '["2021-02-29T00:00:00Z"]'],
    ["time.parse_ns", '["15:04:05", "10:11:12.5"]'],
    ["time.clock", '[[0, "utc"]]'],
    ["time.clock", '[[0, "us/pacific"]]'],
    ["time.clock", '[[0, "etc/utc"]]'],
    ["time.clock", '[[0, "gmt"]]'],
    ["time.clock", '[[0, "+05:00"]]'],
    ["time.clock", '[[0, "-0500"]]'],
    ["time.date", '[[0, "ACT"]]'],
    ["time.diff", '[0, [1, "a"]]'],
    ["regex.template_match", '["a", "a", "%", "ſ"]'],
    ["time.parse_duration_ns", '["1M"]'],
    ["time.parse_duration_ns", `["${"9".repeat(309)}d"]`],
    ["time.parse_duration_ns", `["1h1${"0".repeat(308)}y"]`],
    ["regex.template_match", '["x{a)|(b}", "xa", "{", "}"]'],
    ["regex.template_match", '["{a}{[}", "a", "{", "}"]'],
    ["strings.render_template", '["{{.a.b}}", {"a": "x"}]'],
    ["strings.render_template", '["{{if .a}}", {}]'],
    ["yaml.unmarshal", '["a: .nan"]'],
    ["yaml.unmarshal", q`["a: b: c"]`],
    ["json.match_schema", '[{}, {"type": "unknown"}]'],
    ["graphql.parse_query", '["{ a( }"]'],
    ["cast_string", "[1]"],
    ["hex.decode", '["abc"]'],
    ["providers.aws.sign_req", '[{"method": "get", "url": "http://a"}, {}, 0]'],
  ])("%s %s", (name, args) => {
    expect(runBuiltin(name, args)).toBe("error");
  });

  test("a text that is no UUID is undefined without being an error", () => {
    expect(runBuiltin("uuid.parse", '["x"]')).toBe("undefined");
  });
});

describe("answers", () => {
  test.each([
    ["regex.replace", '["aab", "a*", "X"]', '"XbX"'],
    ["regex.replace", '["foo", "(?P<x>o)", "<${x}$9$$>"]', '"f<o$><o$>"'],
    ["regex.find_n", '["(a|b)*", "ab", -1]', '["ab"]'],
    ["regex.globs_match", '["a.a.[0-9]+z", "b.b.[0-9]+z"]', "false"],
    ["regex.globs_match", '["ab*", "ac*"]', "false"],
    ["regex.globs_match", '["[a-c]+x", ".*x"]', "true"],
    ["strings.split_n", '["a,b,c", ",", -2]', '["b", "c"]'],
    ["units.parse", '["1.5Ki"]', "1536"],
    ["units.parse", '["100m"]', "0.1000000000"],
    ["units.parse_bytes", '["999999999999999999999"]', "1000000000000000000000"],
    [
      "uri.parse",
      '["http://u@h:80/a%2Fb?q#f"]',
      '{"fragment": "f", "hostname": "h", "path": "/a/b", "port": "80", "raw_path": "/a%2Fb", "raw_query": "q", "scheme": "http"}',
    ],
    ["uri.is_valid", '["//h/../p"]', "true"],
    ["semver.compare", '["v1.2.3-2", "1.2.3-11+x"]', "-1"],
    [
      "uuid.parse",
      '["000003e8-48b9-21ee-b200-325096b39f47"]',
      '{"clocksequence": 12800, "domain": "Person", "id": 1000, "macvariables": "local:unicast", "nodeid": "32-50-96-b3-9f-47", "time": 1693566990121469600, "variant": "RFC4122", "version": 2}',
    ],
    ["graph.reachable_paths", '[{"a": ["b"], "b": ["a"]}, ["a"]]', '{["a", "b"]}'],
    ["net.cidr_merge", '[["128.1.2.3", "10.0.0.0/25", "10.0.0.128/25"]]', '{"10.0.0.0/24", "128.1.2.3/16"}'],
    ["object.subset", '[{"a": [1, 2]}, {"a": {1}}]', "false"],
    ["object.subset", "[[1, 2], {2}]", "true"],
    ["object.subset", "[[1, 1], {1, 2}]", "true"],
    ["object.subset", "[[1, 2], {1.0, 3}]", "false"],
    ["object.subset", "[[], set()]", "false"],
    ["time.clock", "[[3600000000000]]", "[1, 0, 0]"],
    ["time.clock", '[[0, "US/Pacific"]]', "[16, 0, 0]"],
    ["time.clock", '[[0, "Etc/GMT-5"]]', "[5, 0, 0]"],
    ["time.clock", '[[0, "Asia/Kolkata"]]', "[5, 30, 0]"],
    ["time.clock", '[[0, "Asia/Calcutta"]]', "[5, 30, 0]"],
    ["regex.template_match", '["x{a|b}", "xb", "{", "}"]', "true"],
    ["json.patch", '[{}, [{"op": "add", "path": "//a", "value": 1}]]', '{"a": 1}'],
    ["net.cidr_contains_matches", '[8, "10.0.0.1"]', "set()"],
    ["net.cidr_contains_matches", '["10.0.0.0/33", []]', "set()"],
    ["net.cidr_contains_matches", "[{[1]}, 0.5]", "set()"],
    ["net.cidr_contains_matches", '[[["10.0.0.0/8", 3]], {"a": "10.0.0.1"}]', '{[0, "a"]}'],
    ["time.parse_ns", '["Monday, Jan 2 2006 3:04PM", "wednesday, may 6 2020 5:06PM"]', "1588784760000000000"],
    ["time.format", '[[1700000000123456789, "Europe/Berlin", "RFC1123"]]', '"Tue, 14 Nov 2023 23:13:20 CET"'],
    ["time.format", '[[0, "UTC", "_2006 Janet __2 Z07 .000"]]', '"_1970 Janet   1 Z .000"'],
    ["time.parse_duration_ns", '["1w1.5d"]', "734400000000000"],
    [
      "strings.render_template",
      '["{{range $i, $n := .l}}{{if $i}},{{end}}{{$n}}{{end}}|{{.nope}}", {"l": ["a", 2]}]',
      '"a,2|<undefined>"',
    ],
    [
      "yaml.unmarshal",
      q`["a: yes\nb: 0o17\nc: 1:30\nd: 2020-01-01"]`,
      '{"a": true, "b": 15, "c": "1:30", "d": "2020-01-01"}',
    ],
    [
      "yaml.marshal",
      q`[{"a10": ["yes", {"b": "x\ny"}], "a2": 1.50}]`,
      q`"a2: 1.5\na10:\n- \"yes\"\n- b: |-\n    x\n    y\n"`,
    ],
    ["cast_set", "[[1, 1]]", "{1}"],
    [
      "io.jwt.encode_sign",
      '[{"alg": "HS256"}, {"b": 1, "a": [2]}, {"kty": "oct", "k": "c2VjcmV0"}]',
      '"eyJhbGciOiJIUzI1NiJ9.eyJhIjpbMl0sImIiOjF9.gawQZSwxM372hZOmKTwhEt87f7c9MSqoH2ZjK-kxFl8"',
    ],
  ])("%s %s", (name, args, want) => {
    expect(runBuiltin(name, args)).toBe(want);
  });
});

describe("sprintf rounds and complains as Go does", () => {
  test.each([
    ["%+v %.2g %x", "[1, -2.25, 1.5]", "1 -2.2 0x1.8p+00"],
    ["%U %6.1f|%-5d|%05d", "[128512, 2.25, 7, -7]", "U+1F600    2.2|7    |-0007"],
    ["%[2]*[1]d|%[3]d", "[42, 6]", "    42|%!d(BADINDEX)"],
    ["%*d|%.*f", '["a", 1, "b", 2.5]', "%!(BADWIDTH)1|%!(BADPREC)2.500000"],
    ["%+d %d", "[12345678901234567890, true]", "+12345678901234567890 %!d(string=true)"],
    ["%!", "[]", "%!!(MISSING)"],
  ])("%s of %s", (format, values, want) => {
    expect(runBuiltin("sprintf", `[${JSON.stringify(format)}, ${values}]`)).toBe(JSON.stringify(want));
  });
});
