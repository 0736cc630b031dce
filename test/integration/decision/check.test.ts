/**
 * The decision service's edge over real gRPC (check-fixture.ts). Whatever is sent, the answer is a CheckResponse, and nothing that is not
 * understood is an allow.
 */
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Verdict } from "../../../core/domain/decision.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { readDenial } from "../../../core/messages/denial-record.ts";
import { stateRecordHash } from "../../../core/messages/record-keys.ts";
import { grantKey } from "../../../core/messages/state-record.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { type CheckEdge, ISSUER, readClocks, startCheckEdge } from "./check-fixture.ts";
import { deniedAs } from "./check-messages.ts";

let edge: CheckEdge;
/** Of all grants that `edge` was told. */
let sum = 0n;
beforeAll(async () => {
  edge = await startCheckEdge();
});
afterAll(() => edge[Symbol.asyncDispose]());

const dana: [string, string] = ["authorization", "dana"];
const verdict = (verdict: Verdict) => () => ({ verdict, revision: "r", fuelUsed: 1 });

describe("denied", () => {
  test("bytes that are no message, and messages without content, are denied by an answer, never by a gRPC error", async () => {
    expect(deniedAs(await edge.send(Buffer.from([0xff, 0xff, 0xff])))).toMatchObject({
      status: 400,
      reasons: ["request_parse_error"],
    });
    expect(deniedAs(await edge.send(Buffer.alloc(0)))).toMatchObject({ status: 400 });
    expect(deniedAs(await edge.send(Buffer.alloc(100_000)))).toMatchObject({ status: 400 });
  });

  test("whatever bytes arrive, none is an allow and the server stays up", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect((await edge.send(bytes)).status?.code).not.toBe(status.OK);
      }),
      { numRuns: 300 },
    );
  });

  test("a header that is not UTF-8 is denied", async () => {
    expect(deniedAs(await edge.call({ headers: [dana], raw: [["x-note", Buffer.from([0x61, 0xff])]] }))).toMatchObject({
      status: 400,
    });
  });

  test("a path that cannot be decoded is denied as the plugin does, with 400", async () => {
    expect(deniedAs(await edge.call({ headers: [dana], path: "/orders/%zz" }))).toMatchObject({ status: 400 });
  });

  test("a malformed credential is 401 with a challenge, never anonymous", async () => {
    const answer = deniedAs(await edge.call({ headers: [["authorization", "bad"]] }));
    expect(answer).toMatchObject({ status: 401, reasons: ["credential_malformed"] });
    expect(answer.headers.get("www-authenticate")).toContain("Bearer");
  });

  test("an undefined policy result is an explicit deny that says when to come back", async () => {
    const fault = { kind: "fault", reason: "policy_result_invalid", detail: "secret detail" } as const;
    const answer = deniedAs(await edge.withPolicy(verdict(fault), () => edge.call({ headers: [dana] })));
    expect(answer).toMatchObject({ status: 503, outcome: "deny", reasons: ["policy_result_invalid"] });
    expect(answer.headers.get("retry-after")).toBe("5");
    expect(JSON.stringify(answer)).not.toContain("secret detail");
  });

  test("a policy that sets a header with a line break allows nothing", async () => {
    const response = {
      headers: [["x-a", "1\r\nx-b: 2"]] as const,
      responseHeadersToAdd: [],
      requestHeadersToRemove: [],
    };
    const allow = { kind: "allow", reasons: ["r"], response } as const;
    const answer = await edge.withPolicy(verdict(allow), () => edge.call({ headers: [dana] }));
    expect(deniedAs(answer)).toMatchObject({ status: 503, reasons: ["policy_result_invalid"] });
  });

  test("without a heartbeat elevations are unavailable while the baseline is served", async () => {
    expect(deniedAs(await edge.call({ method: "DELETE", headers: [dana] }))).toMatchObject({
      status: 503,
      reasons: ["grants_stale"],
    });
    expect((await edge.call({ headers: [dana] })).status?.code).toBe(status.OK);
  });

  test("what no rule knows is denied, to nobody in particular too", async () => {
    expect(deniedAs(await edge.call({ path: "/unknown" }))).toMatchObject({
      status: 403,
      reasons: ["no_rule_matched"],
    });
  });

  test("an exact approval of a body that the enforcer does not promise to buffer cannot be asked for", async () => {
    edge.beat(sum);
    const body = '{"order":42,"amount":40}';
    const headers: [string, string][] = [dana, ["content-type", "application/json"]];
    const answer = deniedAs(await edge.call({ method: "POST", path: "/refunds", headers, body }));
    expect(answer.status).toBe(403);
    expect(answer.denial_id).toBeUndefined();
  });
});

describe("needs approval", () => {
  test("names a denial that was published whole, the same one when tried again, and no query value travels", async () => {
    edge.beat(sum);
    const sent = { method: "DELETE", path: "/orders/42?why=private", headers: [dana] };
    const first = deniedAs(await edge.call(sent));
    const again = deniedAs(await edge.call(sent));
    expect(first).toMatchObject({ status: 403, outcome: "needs_approval" });
    expect(again.denial_id).toBe(first.denial_id);
    const record = edge.published.at(-1);
    const denial = readDenial(record?.value ?? Buffer.alloc(0));
    expect(denial).toMatchObject({ kind: "parsed", value: { id: first.denial_id, call: { maskedQuery: "why=***" } } });
    expect(record?.value?.toString()).not.toContain("private");
  });

  test("an exact offer carries a digest that follows from the published hashes", async () => {
    edge.beat(sum);
    const body = '{"order":42,"amount":40}';
    const headers: [string, string][] = [dana, ["content-type", "application/json"]];
    const answer = deniedAs(await edge.call({ method: "POST", path: "/refunds", headers, body, buffered: true }));
    expect(answer.outcome).toBe("needs_approval");
    const denial = readDenial(edge.published.at(-1)?.value ?? Buffer.alloc(0));
    expect(denial).toMatchObject({ kind: "parsed", value: { offers: [{ binding: { kind: "digest" } }] } });
  });
});

describe("allowed", () => {
  test("identity headers are overwritten, and a client's own are removed in every spelling", async () => {
    const spoofed: [string, string][] = [
      ["Countersign-Subject", "root"],
      ["countersign_subject", "root"],
      ["countersign-decision_id", "1"],
      ["COUNTERSIGN_GRANT_ID", "1"],
      ["countersign.subject", "root"],
    ];
    const response = await edge.call({ headers: [dana, ...spoofed] });
    expect(response.status?.code).toBe(status.OK);
    if (response.httpResponse?.$case !== "okResponse") throw new Error("not an ok response");
    const { headers, headersToRemove } = response.httpResponse.value;
    expect(headers.map(({ header }) => [header?.key, header?.value])).toContainEqual(["countersign-subject", "dana"]);
    expect(headers.map(({ header }) => [header?.key, header?.value])).toContainEqual(["countersign-issuer", ISSUER]);
    expect(headers.every(({ appendAction }) => appendAction === 2)).toBe(true);
    expect(headersToRemove).toEqual(
      expect.arrayContaining([
        "countersign_subject",
        "countersign.subject",
        "countersign-decision_id",
        "countersign_grant_id",
        "countersign-grant-id",
      ]),
    );
    expect(headersToRemove).not.toContain("countersign-subject");
  });

  test("the upstream is told the issuer of this caller, not of another one of the same name who came before", async () => {
    const told = async (authorization: string) => {
      const { httpResponse } = await edge.call({ headers: [["authorization", authorization]] });
      if (httpResponse?.$case !== "okResponse") throw new Error("not an ok response");
      const headers = new Map(httpResponse.value.headers.map(({ header }) => [header?.key, header?.value]));
      return [headers.get("countersign-subject"), headers.get("countersign-issuer")];
    };
    expect(await told("kim")).toEqual(["kim", ISSUER]);
    expect(await told("kim of https://other.example")).toEqual(["kim", "https://other.example"]);
    expect(await told("kim")).toEqual(["kim", ISSUER]);
  });

  test("by a window on exactly this scope, and by no other", async () => {
    const now = readClocks().wall;
    const grant: Grant = {
      ...{
        id: id("grant", uuidv7()),
        version: 1,
        requestId: id("request", uuidv7()),
        denialId: id("denial", uuidv7()),
      },
      ...{ person: undefined, issuer: ISSUER, subject: "dana", actors: [] },
      ...{ entitlement: "orders-delete", scope: "order/42" },
      ...{ binding: { kind: "scope" }, state: "active", uses: 0, maxUses: "unlimited" },
      notBefore: instant(now - 1_000),
      expiresAt: instant(now + 600_000),
    };
    const key = grantKey(grant.id);
    edge.view.apply({ key, version: 1, value: { kind: "grant", grant } });
    sum = stateRecordHash(key, 1);
    edge.beat(sum);
    expect((await edge.call({ method: "DELETE", headers: [dana] })).status?.code).toBe(status.OK);
    edge.beat(sum);
    const other = deniedAs(await edge.call({ method: "DELETE", path: "/orders/43", headers: [dana] }));
    expect(other).toMatchObject({ outcome: "needs_approval", grant_reason: "outside" });
    const sam = deniedAs(await edge.call({ method: "DELETE", headers: [["authorization", "sam"]] }));
    expect(sam.grant_reason).toBeUndefined();
    const revoked: Grant = { ...grant, version: 2, state: "revoked" };
    edge.view.apply({ key, version: 2, value: { kind: "grant", grant: revoked } });
    sum = stateRecordHash(key, 2);
    edge.beat(sum);
    expect(deniedAs(await edge.call({ method: "DELETE", headers: [dana] }))).toMatchObject({ grant_reason: "revoked" });
    const times = { notBefore: instant(now + 3_600_000), expiresAt: instant(now + 4_200_000) };
    const later: Grant = { ...grant, ...times, version: 3, state: "scheduled" };
    edge.view.apply({ key, version: 3, value: { kind: "grant", grant: later } });
    sum = stateRecordHash(key, 3);
    edge.beat(sum);
    const early = deniedAs(await edge.call({ method: "DELETE", headers: [dana] }));
    const begins = new Date(times.notBefore).toISOString();
    expect(early).toMatchObject({ status: 403, grant_reason: "not_yet_active", grant_begins_at: begins });
  });
});
