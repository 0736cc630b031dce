import { describe, expect, test } from "@jest/globals";
import Value from "typebox/value";
import { chosenEnvironment, compatFaults, CompatSchema, environmentFaults } from "./compat-config.ts";

const config = (section: object) => Value.Parse(CompatSchema, Value.Default(CompatSchema, section));
const OWN = { prefix: "COUNTERSIGN_", section: "policy.compat" };
const variables = { REGION: "eu", HOME: "/root", EMPTY: "", COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: "hunter2" };
const faults = (...names: readonly string[]) =>
  environmentFaults(config({ path: "a/allow", environment: names }), variables, OWN).map(({ problem }) => problem);

describe("the environment that a policy sees", () => {
  test("a variable that is not set, or that configures this process, is refused by name", () => {
    expect(faults("STAGE")).toEqual(["names STAGE, which is not set; set it or remove the name"]);
    expect(faults("COUNTERSIGN_REDEMPTION_SERVICE_TOKEN", "REGION")).toEqual([
      expect.stringContaining("COUNTERSIGN_REDEMPTION_SERVICE_TOKEN, which configures this process"),
    ]);
    expect(() => config({ path: "a/allow", environment: ["A=B"] })).toThrow();
  });

  test("names without a path would do nothing, which is said", () => {
    const [fault] = compatFaults(config({ environment: ["REGION"] }), "policy.compat");
    expect(fault).toMatchObject({ key: "policy.compat.path", problem: expect.stringContaining("is missing") });
  });

  test("is what is named and nothing else", () => {
    expect(faults("REGION", "EMPTY")).toEqual([]);
    const chosen = chosenEnvironment(config({ path: "a/allow", environment: ["REGION", "EMPTY"] }), variables);
    expect(Object.fromEntries(chosen)).toEqual({ REGION: "eu", EMPTY: "" });
    expect(chosenEnvironment(config({ path: "a/allow" }), variables).size).toBe(0);
  });
});
