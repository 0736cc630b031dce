import { expect, test } from "@jest/globals";
import { Type } from "typebox";
import { ownVariables } from "./keys.ts";

test("a variable configures a program by its prefix, by a name of its own, or by the file of either", () => {
  const url = Type.String({ "x-env-variable": "DATABASE_URL" });
  const isOwn = ownVariables(Type.Object({ url, port: Type.Number() }, { additionalProperties: false }), "P_");
  expect(["REGION", "DATABASE", "DATABASE_URL_OLD"].filter(isOwn)).toEqual([]);
  const own = ["DATABASE_URL", "DATABASE_URL_FILE", "P_PORT", "P_URL"];
  expect(own.filter(isOwn)).toEqual(own);
});
