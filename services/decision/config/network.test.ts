import { describe, expect, test } from "@jest/globals";
import Value from "typebox/value";
import { fine, refusal } from "../../../test/samples/decision-config.ts";
import { networkFaults, NetworkSchema } from "./network.ts";

const config = (section: object) => Value.Parse(NetworkSchema, Value.Default(NetworkSchema, section));
const said = (section: object) => networkFaults(config(section), 450, "policy.network").map(({ problem }) => problem);

test("nobody may be asked unless the configuration says so", () => {
  expect(config({})).toMatchObject({ hosts: [], allowedRanges: [] });
});

describe("refused is", () => {
  test.each([
    ["more time than a decision has", { hosts: ["a"], timeoutMs: 450 }, "is not below listen.deadlineMs (450)"],
    ["a range that is none", { hosts: ["a"], allowedRanges: ["10.0.0.1"] }, "has 10.0.0.1, which is no CIDR range"],
    [
      "a range in which nobody is asked",
      { allowedRanges: ["10.0.0.0/8"] },
      "is set, and policy.network.hosts names nobody",
    ],
  ])("%s", (_, section, problem) => {
    expect(said(section)).toEqual([expect.stringContaining(problem)]);
  });

  test.each(["http://a.example", "A.example", "a.example/path", "*.example", "a:0", "::1", "user@a.example"])(
    "the host %s",
    (host) => {
      expect(() => config({ hosts: [host] })).toThrow();
    },
  );

  test("each with its variable", async () => {
    const policy = { network: { hosts: ["a.example"], timeoutMs: 1_000 } };
    expect(await refusal({ ...fine, policy })).toContain(
      "policy.network.timeoutMs (COUNTERSIGN_POLICY_NETWORK_TIMEOUT_MS)",
    );
  });
});

test.each(["a.example", "a.example:8443", "localhost", "directory", "10.1.2.3:80", "[fd00::1]:80", "my_service.svc"])(
  "%s is a host",
  (host) => {
    expect(said({ hosts: [host] })).toEqual([]);
  },
);
