import { expect, test } from "@jest/globals";
import type { Caller } from "../../../core/domain/subject.ts";
import { inputReadsOf } from "../../../core/policy/input-reads.ts";
import { ISSUER, NOW, party } from "../../../test/samples/domain.ts";
import { CONNECTION, evaluationOf } from "../../../test/samples/evaluation.ts";
import { createNativeQuestion } from "./native-question.ts";

const clocks = { wall: NOW, monoMs: 1 };
const { subject } = party("dana", "dana", ["engineers"]);
const dana: Caller = { kind: "subject", subject, expiresAt: NOW + 1 };
const nothing = { isHttp: true, body: () => Buffer.alloc(0) };

function questionOf(caller: Caller | Promise<Caller> = dana) {
  return createNativeQuestion({
    identity: { identify: () => caller },
    context: { gather: (_, { wall }, who) => ({ time: String(wall), who: who?.id ?? "nobody" }) },
  });
}

async function inputOf(
  evaluation = evaluationOf(),
  request = nothing,
  { caller, reads }: { caller?: Caller | Promise<Caller>; reads?: readonly string[][] } = {},
): Promise<unknown> {
  const described = await questionOf(caller)(evaluation, request, clocks)(reads && inputReadsOf(reads));
  return described.kind === "input" ? JSON.parse(described.json) : described;
}

test("who is refused, or whose request cannot be read, is not described: native mode would have asked no policy", async () => {
  const caller = { kind: "refused", reason: "credential_expired", issuer: ISSUER } as const;
  expect(await inputOf(evaluationOf(), nothing, { caller })).toEqual({ kind: "not_identified" });
  expect(await inputOf(CONNECTION, nothing)).toMatchObject({ kind: "fault" });
  for (const http of [{ method: "" }, { path: "" }, { path: "/%zz" }])
    expect(await inputOf(evaluationOf({ http }), nothing)).toMatchObject({ kind: "fault" });
});

test("it is told who calls and what is known of the moment of the check, and no more than it reads", async () => {
  expect(await inputOf()).toMatchObject({
    subject: { type: "user", id: "dana", properties: { issuer: ISSUER, groups: ["engineers"] } },
    action: { name: "DELETE" },
    parsed_path: ["orders", "42"],
    context: { time: String(NOW), who: "dana" },
  });
  expect(await inputOf(evaluationOf(), nothing, { caller: Promise.resolve({ kind: "anonymous" }) })).toMatchObject({
    subject: { type: "anonymous" },
    context: { who: "nobody" },
  });
  expect(await inputOf(evaluationOf(), nothing, { reads: [["subject", "id"]] })).toEqual({ subject: { id: "dana" } });
});

test("a body that came as text, or without the word that it is whole, is read as native mode reads its bytes", async () => {
  const body = Buffer.from('{"amount":40}');
  const headers = new Map([["content-type", ["application/json"]]]);
  const request = { isHttp: true, body: () => body };
  for (const kind of ["text", "not_buffered"] as const)
    expect(await inputOf(evaluationOf({ http: { headers, body: { kind } } }), request)).toMatchObject({
      parsed_body: { amount: 40 },
      truncated_body: false,
      attributes: { request: { http: { rawBody: body.toString("base64") } } },
    });
  const cut = new Map([...headers, ["x-envoy-auth-partial-body", ["true"]]]);
  const reads = [["parsed_body"], ["truncated_body"]];
  expect(await inputOf(evaluationOf({ http: { headers: cut } }), request, { reads })).toMatchObject({
    parsed_body: null,
    truncated_body: true,
  });
  expect(await inputOf(evaluationOf({ http: { headers: cut } }), request)).toMatchObject({ kind: "fault" });
});

test("a connection is described as one", async () => {
  expect(await inputOf(CONNECTION, { ...nothing, isHttp: false })).toMatchObject({
    action: { name: "connect" },
    resource: { type: "tcp_connection" },
  });
});
