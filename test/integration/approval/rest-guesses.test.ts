/** Whoever sees a request cannot find by trying what its masked query was: no answer holds a hash that the right guess would give. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { layOutBinding } from "../../../core/domain/binding.ts";
import type { Denial } from "../../../core/domain/denial.ts";
import { requestDigestParts } from "../../../core/domain/request-digest.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import { bindingDigest, fieldHash } from "../../../core/messages/binding-digest.ts";
import { hashJson } from "../../../core/messages/hashing.ts";
import { SAMPLE_ELEVATION, sampleDenial } from "../../../core/messages/samples.ts";
import { ASKED } from "./approval-fixture.ts";
import { textAt } from "./rest-answer.ts";
import { createRestApproval, type RestApproval, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

/** What an account is denied by a query that is soon guessed, bound exactly. */
function guessable({ issuer, id: subject }: Subject): Pick<Denial, "call" | "offers"> {
  const { call } = sampleDenial();
  const { method, authority, path } = call;
  const body = { kind: "bytes", bytes: new Uint8Array() } as const;
  const http = { method, scheme: "https", authority, path, query: "?card=4711&pin=8305", headers: new Map(), body };
  const layout = layOutBinding({ issuer, subject, http, bindHeaders: [], hasDisplay: true });
  if (layout.kind !== "bindable") throw new Error(layout.reason);
  const { fields } = layout;
  const elevation = { ...SAMPLE_ELEVATION, bindHeaders: [] };
  return {
    call: {
      ...{ ...call, maskedQuery: "card=***&pin=***", bodyBytes: 0 },
      fieldHashes: Object.fromEntries(fields.map((field) => [field.name, fieldHash(field)])),
    },
    offers: [{ elevation, binding: { kind: "digest", digest: bindingDigest(fields) } }],
  };
}

/** A denial of the account that the token speaks of. */
async function denied(token: string): Promise<Denial> {
  const { subject } = await rest.denyTo(token);
  return rest.deny(subject, guessable(subject));
}

function hashesOf({ call, offers }: Denial): readonly string[] {
  const digests = offers.map(({ binding }) => (binding.kind === "digest" ? binding.digest : ""));
  return [...Object.values(call.fieldHashes), ...digests];
}

test("no answer to requester or reviewer holds a hash of a field, or one of all of them", async () => {
  const [dana, max] = [tokenOf("dana"), tokenOf("max", ["managers"])];
  const denial = await denied(dana);
  const body = { denial_id: denial.id, justification: ASKED.justification };
  const asked = await rest.call("POST", "/v1/requests", { token: dana, body });
  const request = { id: textAt(asked, "request.id"), digest: textAt(asked, "request.digest") };
  const seen = [
    await rest.call("GET", "/v1/denials", { token: dana }),
    await rest.call("GET", `/v1/denials/${denial.id}`, { token: dana }),
    await rest.call("GET", "/v1/requests?awaiting=me", { token: max }),
    await rest.call("GET", `/v1/requests/${request.id}`, { token: max }),
    await rest.vote(max, request),
    await rest.call("GET", "/v1/grants", { token: dana }),
  ];
  expect(seen.map(({ status }) => status)).toEqual(seen.map(() => 200));
  expect(textAt(seen[5] ?? asked, "items.0.binding.kind")).toBe("exact");
  for (const answer of [asked, ...seen]) {
    for (const hash of hashesOf(denial)) expect(JSON.stringify(answer.body)).not.toContain(hash);
  }
  expect(JSON.stringify(seen[0]?.body)).toContain(denial.call.maskedQuery);
});

test("the right guess does not give a request's digest, and what is on record does", async () => {
  const denial = await denied(tokenOf("gia"));
  const submitted = await rest.submit({ denialId: denial.id, by: denial.subject, asked: ASKED, automatic: false });
  if (submitted.kind !== "submitted") throw new Error(`not submitted: ${submitted.kind}`);
  const { request } = submitted;
  expect(hashJson(requestDigestParts({ ...request, call: denial.call }, request))).not.toBe(request.digest);
  const stored = await rest.store.reads.request(request.id);
  if (stored === undefined) throw new Error("it is not there");
  expect(hashJson(requestDigestParts(stored, stored))).toBe(request.digest);
});
