/** That a change comes where it is meant to come, and nowhere else: a test that sends changed messages proves nothing without that. */
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "@jest/globals";
import { CheckRequest } from "../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { sampleCheck } from "../bench/check/sample-check.ts";
import { decodedChange } from "./decoded-change.ts";
import { fieldPaths, lastOf, nameOf, type Path, plainRecord, withRecord } from "./wire-mutation.ts";

const file = new URL("../../proto/descriptor/check.binpb", import.meta.url);
const desc = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file))).getMessage(
  "envoy.service.auth.v3.CheckRequest",
);
if (desc === undefined) throw new Error("no descriptor of CheckRequest");
const whole = desc;
const paths = fieldPaths(whole);
const sample = sampleCheck("DELETE", "a.b.c");

/** The first path whose last steps have names that end so. */
function pathTo(...names: readonly string[]): Path {
  const found = paths.find((path) => {
    const last = path.slice(-names.length).map(nameOf);
    return names.every((name, at) => last[at]?.endsWith(name));
  });
  if (found === undefined) throw new Error(`no path to ${names.join(" > ")}`);
  return found;
}

function plainly(path: Path, random = () => 0): Uint8Array {
  return withRecord(sample, path, plainRecord(lastOf(path)), random);
}

const VALUE_OF_HEADER = pathTo("HeaderValue.raw_value");
const IN_METADATA = pathTo(
  ...["metadata_context", "filter_metadata", "filter_metadata.value", "Struct.fields", "Struct.fields.value"],
  "Value.string_value",
);
const HEADERS = "attributes > request > http > header_map > headers";

test("a list that lost what stood beside the changed element has lost it, and a key that was changed is no change of the value", () => {
  const { attributes } = CheckRequest.decode(plainly(VALUE_OF_HEADER));
  attributes?.request?.http?.headerMap?.headers.splice(1);
  const alone = CheckRequest.encode({ attributes }).finish();
  const { changed, lost } = decodedChange(whole, VALUE_OF_HEADER, sample, alone);
  expect(changed).toContain(`${HEADERS}[0] > raw_value`);
  expect(lost).toContain(`${HEADERS}[1] > key`);
  const key = plainly(pathTo("metadata_context", "filter_metadata", "filter_metadata.key"));
  expect(decodedChange(whole, IN_METADATA, sample, key)).toEqual({ changed: [], lost: [] });
});

test("of a list one element is changed, whichever chance says, and the others stay in their places", () => {
  const seen = Array.from({ length: 15 }, (_, n) =>
    decodedChange(
      whole,
      VALUE_OF_HEADER,
      sample,
      plainly(VALUE_OF_HEADER, () => (n + 0.5) / 15),
    ),
  );
  expect(seen).toEqual(seen.map((_, n) => ({ changed: [`${HEADERS}[${n}] > raw_value`], lost: [] })));
});

test.each(["key", "value"])("of a map's entry the %s is changed alone", (part) => {
  const path = pathTo("context_extensions", `context_extensions.${part}`);
  const changed = [`attributes > context_extensions[0] > ${part}`];
  expect(decodedChange(whole, path, sample, plainly(path))).toEqual({ changed, lost: [] });
});

test("what stands inside a value of a map is changed there, in an entry that is made for it", () => {
  const { attributes } = CheckRequest.decode(plainly(IN_METADATA));
  expect(attributes?.metadataContext?.filterMetadata).toEqual(new Map([["", { "": "changed" }]]));
});

test("every field of the descriptor can be reached: what is decoded has another value there, in one place, and all else as it was", () => {
  expect(paths.length).toBeGreaterThan(100);
  for (const path of paths) {
    const { changed, lost } = decodedChange(whole, path, sample, plainly(path));
    const name = path.map(nameOf).join(" > ");
    expect({ name, places: changed.length, lost }).toEqual({ name, places: 1, lost: [] });
  }
});
