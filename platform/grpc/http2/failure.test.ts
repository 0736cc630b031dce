import { status } from "@grpc/grpc-js";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { statusOf } from "./failure.ts";

test.each([
  ["100 % of “it”\r\n", "100 %25 of %E2%80%9Cit%E2%80%9D%0D%0A"],
  ["plain, ~text~ & $more", "plain, ~text~ & $more"],
  ["half a pair \ud83d", "half a pair %EF%BF%BD"],
  ["\u0000\u007f", "%00%7F"],
])("%j travels as %j", (message, encoded) => {
  expect(statusOf({ code: status.UNKNOWN, message })).toEqual({ "grpc-status": "2", "grpc-message": encoded });
});

test("whatever the text, a header carries it and decoding gives it back", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (message) => {
      const encoded = statusOf({ code: status.INTERNAL, message })["grpc-message"];
      expect(encoded).toMatch(/^[ -~]*$/);
      expect(decodeURIComponent(encoded)).toBe(message.slice(0, 2_000).toWellFormed());
    }),
  );
});

test.each([status.OK, 17, -1, Number.NaN])("a failure of code %s is INTERNAL, never OK", (code) => {
  expect(statusOf({ code, message: "" })["grpc-status"]).toBe(String(status.INTERNAL));
});
