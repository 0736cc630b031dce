import { expect, test } from "@jest/globals";
import { bodyVariants, headerVariants, type Variant } from "./variants.ts";

/** How many of them are so, as Latin-1. */
const countOf = (variants: readonly Variant[], isSo: (text: string, variant: Variant) => boolean) =>
  variants.filter((one) => isSo(one.bytes.toString("latin1"), one)).length;

test.each<readonly [string, (text: string) => boolean]>([
  ["with an underscore", (text) => /^\w*_\w*:/m.test(text)],
  [
    "that are hop-by-hop, by name or because Connection names them",
    (text) => /^(?:te|connection|upgrade): ./im.test(text),
  ],
  ["that stand there twice", (text) => /^([\w-]+): .*\r\n\1:/im.test(text)],
  ["named __proto__", (text) => /^__proto__:/m.test(text)],
  ["of Envoy's own, also of a client behind another proxy", (text) => /^x-envoy-.*\r\nx-forwarded-for:/m.test(text)],
  ["whose values are not UTF-8", (text) => /: \xff\xfe/.test(text)],
])("there are headers %s", (_, isSo) => {
  expect(countOf(headerVariants, isSo)).toBeGreaterThanOrEqual(3);
});

test.each<readonly [string, (text: string, variant: Variant) => boolean]>([
  ["of one byte less than the limit", (text) => /content-length: 65535\r\n/.test(text)],
  ["of the limit", (text) => /content-length: 65536\r\n/.test(text)],
  ["of one byte more than the limit", (text) => /content-length: 65537\r\n/.test(text)],
  ["in chunks", (text) => text.includes("transfer-encoding: chunked")],
  ["without a length", (text) => !/content-length|transfer-encoding/.test(text)],
  ["that are compressed", (text) => text.includes("content-encoding: gzip")],
  ["of which a policy sees what they say", (text) => /content-type: application\/(?:json|x-www-form)/i.test(text)],
  ["that are cut off", (_, { isCutOff }) => isCutOff],
])("there are bodies %s", (_, isSo) => {
  expect(countOf(bodyVariants, isSo)).toBeGreaterThanOrEqual(2);
});
