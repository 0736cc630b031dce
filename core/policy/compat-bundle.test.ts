import { expect, test } from "@jest/globals";
import { compatBundleOf } from "./compat-bundle.ts";

function bundle(files: Readonly<Record<string, string>>) {
  const all = { "policy.wasm": "\0asm", ...files };
  return new Map(Object.entries(all).map(([name, text]) => [name, Buffer.from(text)]));
}

test("data in folders is data at that path, beside that of the root: who is blocked there is blocked", async () => {
  const { dataJson } = await compatBundleOf(
    bundle({ "data.json": '{"limit": 9007199254740993}', "blocked/data.json": '{"dana": true}' }),
  );
  expect(dataJson).toBe('{"limit":9007199254740993,"blocked":{"dana":true}}');
  expect((await compatBundleOf(bundle({}))).dataJson).toBe("{}");
});

test("data that would be passed over refuses the bundle: YAML, what is there twice, what lies outside of the roots", async () => {
  for (const [files, says] of [
    [{ "blocked/data.yaml": "dana: true" }, "has to be JSON"],
    [{ "data.yml": "dana: true" }, "has to be JSON"],
    [{ "data.json": '{"a": {"b": 1}}', "a/data.json": '{"b": 2}' }, "another data.json"],
    [{ "blocked/data.json": "{}", ".manifest": '{"roots": ["envoy"]}' }, "outside of the manifest's roots"],
    [{ "blocked/data.json": "[" }, "is not JSON"],
    [{ "patch.json": "{}" }, "delta bundle"],
    [{ ".manifest": "[]" }, "manifest"],
  ] as const) {
    const detail: unknown = expect.stringContaining(says);
    await expect(compatBundleOf(bundle(files))).rejects.toMatchObject({ detail });
  }
  expect((await compatBundleOf(bundle({ ".manifest": '{"roots": null, "revision": "r1"}' }))).revision).toBe("r1");
});

test("half a surrogate pair in data is U+FFFD, as OPA reads it, and so two names of such are one; bytes that are not UTF-8 are refused by name", async () => {
  const text = String.raw`{"a": "\ud800", "b": {"\ud800": 1, "\udfff": 2}, "c": "\ud83d\ude00"}`;
  expect((await compatBundleOf(bundle({ "data.json": text }))).dataJson).toBe(
    '{"a":"\ufffd","b":{"\ufffd":2},"c":"\u{1f600}"}',
  );
  const files = new Map([...bundle({}), ["data.json", Buffer.from('{"a": "\xff"}', "latin1")]]);
  await expect(compatBundleOf(files)).rejects.toMatchObject({
    detail: expect.stringMatching(/^data\.json is not UTF-8; /),
  });
});

test("without a revision the bundle is called after what it holds, data in folders included", async () => {
  const one = (await compatBundleOf(bundle({ "blocked/data.json": '{"dana": true}' }))).revision;
  expect(one).toMatch(/^sha256-/);
  expect((await compatBundleOf(bundle({ "blocked/data.json": '{"erin": true}' }))).revision).not.toBe(one);
});
