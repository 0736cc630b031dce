import { describe, expect, test } from "@jest/globals";
import Value from "typebox/value";
import { chosenEnvironment, environmentFaults, EnvironmentSchema } from "./environment-config.ts";

const isOwn = (name: string) => name.startsWith("COUNTERSIGN_");
const variables = { REGION: "eu", HOME: "/root", EMPTY: "", COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: "hunter2" };
const faults = (...names: readonly string[]) =>
  environmentFaults([...names], variables, isOwn).map(({ problem }) => problem);

describe("the environment that a policy sees", () => {
  test("a variable that is not set, or that configures this process, is refused by name", () => {
    expect(faults("STAGE")).toEqual(["names STAGE, which is not set; set it or remove the name"]);
    expect(faults("COUNTERSIGN_REDEMPTION_SERVICE_TOKEN", "REGION")).toEqual([
      expect.stringContaining("COUNTERSIGN_REDEMPTION_SERVICE_TOKEN, which configures this process"),
    ]);
    expect(Value.Check(EnvironmentSchema, ["A=B"])).toBe(false);
  });

  test("is what is named and nothing else", () => {
    expect(faults("REGION", "EMPTY")).toEqual([]);
    const chosen = chosenEnvironment(["REGION", "EMPTY"], variables);
    expect([...chosen]).toEqual([
      ["REGION", "eu"],
      ["EMPTY", ""],
    ]);
  });
});
