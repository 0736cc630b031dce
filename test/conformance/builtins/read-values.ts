/** What some built-ins read, well formed and not, as Rego text (compiled-builtins.test.ts): random mixtures of odd values hardly ever are. */

const quoted = (texts: readonly string[]) => texts.map((text) => JSON.stringify(text));
const ENCODED = [
  "aGk=",
  "aGk",
  "aGk=\n",
  "a Gk=",
  "_-8=",
  "_-8",
  "+/8=",
  "/w==",
  "==",
  "A",
  "AB==",
  "aGk=aGk=",
  "aGk==",
];
const NETWORKS = [
  ...[
    "10.0.0.0/8",
    "10.0.0.1",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "010.0.0.0/8",
    "10.0.0/8",
    "10.1.0.0/16",
    "10.0.0.0/7",
    "0.0.0.0/0",
  ],
  ...[
    "::/0",
    "::1/128",
    "2001:db8::/32",
    "2001:DB8::1",
    "::ffff:10.0.0.1",
    "::ffff:10.0.0.0/104",
    "::10.0.0.1",
    "::10.0.0.0/104",
  ],
  ...[
    "fe80::1%eth0",
    "10.0.0.1/8",
    "10.0.0.0/",
    "10.0.0.0/+8",
    "10.0.0.0/-1",
    "10.0.0.0/8 ",
    " 10.0.0.1",
    "10.0.0.256",
    "1.2.3.4.5",
  ],
  ...["1:2:3:4:5:6:7:8", "1::2::3", "0x0a.0.0.1", "10.0.0.0/8/8", "10.0.0.0/0", "12345::"],
];
const JSON_TEXTS = [
  ...[
    "1",
    "[1]]",
    "1 2",
    '{"a":1,"a":2}',
    "null",
    "01",
    "-",
    "-0",
    "1.",
    ".5",
    "1e400",
    "[1,]",
    String.raw`"\ud800"`,
    " 1 ",
    "1.0",
  ],
  ...["{a:1}", "'a'", String.raw`"\x"`, "NaN", '"a\nb"', "{1:2}", "[1 2]", '{"b":1,"a":2}', "1nullx"],
];
const NUMERALS = [
  ...[
    "+1",
    "1.5",
    "1.",
    ".5",
    "1E5",
    "1e",
    "e5",
    "0x1p-2",
    "1_0",
    "inf",
    "nan",
    "1e309",
    "1e400",
    "1e-400",
    "-0",
    "00",
    "1 ",
    "+",
  ],
  ...["--1", "1,5", "9007199254740993", "-.5", "1.7976931348623159e308"],
];
const PATTERNS = [
  "^a",
  "(",
  "[a",
  "(?<x>a)",
  "a{1001}",
  "(?i)A",
  String.raw`\pL`,
  "(?=a)",
  "a|",
  "x*",
  "*",
  String.raw`\Qa.\E`,
  "$",
];
const GLOBS = [
  "*",
  "**",
  "a*",
  "a?b",
  "[!a]",
  "{a,b}",
  "{a,b",
  "a/**",
  "**/c",
  "[]",
  "{}",
  "a\\",
  "{a*,b}",
  "a.b",
  "a/b/c",
];
const PATHS = [
  ...[
    '["a"]',
    '["a/b"]',
    '["/a/b"]',
    '[["a","b"]]',
    '[""]',
    '["/"]',
    '["a//b"]',
    '["a/1/b"]',
    '["~1"]',
    "[[]]",
    '{["a","b"]}',
  ],
  ...['[["a",1]]', '["a","a/b"]', '["a/b","a"]', '{"a/b"}', '["a/01"]', "[{}]"],
];
const OBJECTS = [
  ...[
    '{"a":{"b":1,"c":2},"d":3}',
    '{"a":[{"b":1},{"b":2}]}',
    '{"a/b":1}',
    '{"/":1}',
    '{"0":1}',
    '{"a":{"b"}}',
    '{"a":"b"}',
  ],
  ...['[{"a":1},{"a":2}]', '[{"a":{"b":1}},{"a":{"c":2}}]', '[{"a":{"b":1}},{"a":1},{"a":{"c":2}}]', '[{"a":1},1]'],
];

/** The first that a name begins with counts. */
const READ: readonly (readonly [prefix: string, values: readonly string[]])[] = [
  ["array[", ['["a","b"]', '{"a","b"}', "{1,2}", "{1.0}", "{1:2}", "0", "1", "-1", "0.0", "1.0", "1.5", "1e0", '"a"']],
  ...["plus", "minus", "mul", "div", "rem"].map(
    (name) => [name, ["0", "-0", "1", "-2", "10", "0.1", "0.3", "-0.5", "1e1"]] as const,
  ),
  ["base64", quoted(ENCODED)],
  ["net.", quoted(NETWORKS)],
  ["json.filter", [...PATHS, ...OBJECTS]],
  ["json.remove", [...PATHS, ...OBJECTS]],
  ["json.", quoted(JSON_TEXTS)],
  ["object.", [...PATHS, ...OBJECTS]],
  ["to_number", quoted(NUMERALS)],
  ["re", quoted(PATTERNS)],
  ["glob.match", quoted(GLOBS)],
  [
    "graph.",
    ['{"a":["b"],"b":["c"],"c":[]}', '{"a":{"b"},"b":{"a"}}', '{"a":"b"}', '{"a":["a"]}', '["a"]', '{"a","b"}'],
  ],
];

export function readBy(name: string): readonly string[] {
  return READ.find(([prefix]) => name.startsWith(prefix))?.[1] ?? [];
}

/** Of three arguments hardly any mixture is one that a function takes. */
const TRIPLES: ReadonlyMap<string, readonly (readonly string[])[]> = new Map([
  [
    "array.slice",
    [
      ["[1,2,3]", "[]"],
      ["0", "1", "-1", "1.0", "1.5", "1e1", "4294967296"],
      ["0", "2", "2.0", "-1", "1.5", "9223372036854775807"],
    ],
  ],
  [
    "substring",
    [
      ['"abc"', '""', '"a😀b"'],
      ["0", "1", "-1", "1.0", "1.5", "1e0", "-0", "4294967296"],
      ["0", "1", "-1", "2.0", "-1.0", "4294967297"],
    ],
  ],
  [
    "object.get",
    [
      ['{"a":{"b":1}}', "{1:2}", '{"a":[1,{"b":2}]}', '{"a":{"b"}}', '{"a":null}', "[1]"],
      ['"a"', '["a","b"]', "[]", '["a",1,"b"]', '["a",1.0,"b"]', '["a","1"]', "1.0", '["a",-1]', "null"],
      ["0", '"d"'],
    ],
  ],
  [
    "glob.match",
    [quoted(GLOBS), ["null", "[]", '["."]', '["/"]', '"."', '["ab"]', "[1]"], quoted(["a", "a.b", "a/b", "", "a/b/c"])],
  ],
  [
    "replace",
    [
      ['"abc"', '""', '"aaa"', '"é"'],
      ['""', '"a"', '"aa"', '"é"'],
      ['""', '"b"', '"😀"'],
    ],
  ],
  [
    "regex.find_all_string_submatch_n",
    [quoted(PATTERNS), ['"ab"', '""', '"😀a"'], ["-1", "0", "1", "1.0", "1.5", "1e0", "-2"]],
  ],
]);

export function triplesFor(name: string): readonly (readonly string[])[] {
  const [first = [], second = [], third = []] = TRIPLES.get(name) ?? [];
  return first.flatMap((a) => second.flatMap((b) => third.map((c) => [a, b, c])));
}
