import { generateKeyPairSync } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "@jest/globals";
import type { Elevation } from "../../../core/domain/elevation.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { readDenial } from "../../../core/messages/denial-record.ts";
import { createSigner } from "../../../core/messages/signing.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { OutgoingRecord, PublishOutcome } from "../../../platform/stream/port.ts";
import type { Ask, Deadline, GrantQuery } from "../ports.ts";
import { offersFor } from "./mint.ts";
import { createDenials } from "./publish.ts";
import { createTokenBuckets } from "../../../platform/token-buckets.ts";
import { ELEVATION } from "../../../test/samples/domain.ts";
import { evaluationOf, HTTP } from "../../../test/samples/evaluation.ts";

const NOW = instant(1_795_478_400_000);
const { privateKey } = generateKeyPairSync("ed25519");
const signer = createSigner("pdp-a", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const subject = { issuer: "i", id: "dana", groups: [], claims: {}, actors: [] };
const deadline: Deadline = { leftMs: () => 150, within: () => deadline };
const elevation = ELEVATION;
type Http = NonNullable<GrantQuery["http"]>;
const http: Http = {
  ...HTTP,
  ...{ method: "POST", scheme: "https", path: "/refunds", query: "?amount=40" },
  body: { kind: "bytes", bytes: Buffer.from("secret") },
};

type Changed = { elevations?: Elevation[]; http?: Http; justification?: string; actors?: Ask["subject"]["actors"] };

function ask(changed: Changed = {}): Ask {
  const request = changed.http ?? http;
  const offered = offersFor({ subject, elevations: changed.elevations ?? [elevation], http: request });
  if (offered.kind !== "requestable") throw new Error(offered.reason);
  const { justification, actors = [] } = changed;
  const evaluation = evaluationOf({ decisionId: id("decision", uuidv7()), http: request, justification });
  return { evaluation, subject: { ...subject, actors }, offers: offered.offers, policyRevision: "r1" };
}

function denialsOver(answer: () => PublishOutcome = () => ({ kind: "acked" }), burst = 5) {
  const sent: OutgoingRecord[] = [];
  const denials = createDenials(
    {
      stream: {
        publish(records) {
          sent.push(...records);
          return Promise.resolve(answer());
        },
      },
      signer,
      buckets: createTokenBuckets({ burst, refillMs: 6_000 }),
      newDenialId: () => id("denial", uuidv7()),
      sourceAddress: () => undefined,
      log: createLog({ name: "test", level: "silent" }),
      metrics: createMetrics({ prefix: "t_" }),
    },
    { deployment: "test" },
  );
  return { denials, sent };
}

describe("not named", () => {
  test("a denial that is not acknowledged, until it is, under the same id", async () => {
    let answer: PublishOutcome = { kind: "unknown", cause: new Error("down") };
    const { denials, sent } = denialsOver(() => answer);
    expect(await denials.publish(ask(), NOW, deadline)).toEqual({ kind: "unavailable" });
    answer = { kind: "acked" };
    const issued = await denials.publish(ask(), NOW, deadline);
    expect(issued.kind).toBe("issued");
    const ids = sent.map(({ value }) => readDenial(value ?? Buffer.alloc(0)));
    expect(ids[0]).toEqual(ids[1]);
  });

  test("one over 64 KiB", async () => {
    const { denials, sent } = denialsOver();
    const large = { ...elevation, title: "x".repeat(70_000) };
    expect(await denials.publish(ask({ elevations: [large] }), NOW, deadline)).toEqual({ kind: "not_requestable" });
    expect(sent).toEqual([]);
  });

  test("one more than the subject may mint, with the time until the next; a known one still is", async () => {
    const { denials } = denialsOver(undefined, 1);
    const first = await denials.publish(ask(), NOW, deadline);
    const other = ask({ justification: "another reason" });
    expect(await denials.publish(other, NOW, deadline)).toEqual({ kind: "too_many", retryAfterMs: 6_000 });
    expect(await denials.publish(ask(), NOW, deadline)).toEqual(first);
    expect((await denials.publish(other, instant(NOW + 6_000), deadline)).kind).toBe("issued");
  });
});

describe("the same denial key", () => {
  test("is another one for each chain of actors: an agent is not handed what the person was denied, nor what another agent was", async () => {
    const { denials } = denialsOver();
    const chains = [[], ["bot"], ["max"], ["bot", "max"], ["max", "bot"]].map((ids) =>
      ids.map((name) => ({ issuer: "i", id: name })),
    );
    const outcomes = await Promise.all(chains.map((actors) => denials.publish(ask({ actors }), NOW, deadline)));
    const ids = outcomes.map((outcome) => (outcome.kind === "issued" ? outcome.denial.id : outcome.kind));
    expect(new Set(ids).size).toBe(chains.length);
    expect(await denials.publish(ask({ actors: chains[1] ?? [] }), NOW, deadline)).toEqual(outcomes[1]);
  });

  test("gives the same id for five minutes, and is published once, also for callers at the same moment", async () => {
    const { denials, sent } = denialsOver();
    const [one, two] = await Promise.all([
      denials.publish(ask(), NOW, deadline),
      denials.publish(ask(), NOW, deadline),
    ]);
    const later = await denials.publish(ask(), instant(NOW + 299_999), deadline);
    expect(one).toEqual(two);
    expect(later).toEqual(one);
    expect(sent).toHaveLength(1);
    expect(await denials.publish(ask(), instant(NOW + 300_000), deadline)).not.toEqual(one);
  });
});

describe("offers", () => {
  test("an exact elevation that shows nothing of a body is none, one of scope is, without a digest", () => {
    const exact: Elevation = { ...elevation, binding: "exact" };
    expect(offersFor({ subject, elevations: [exact], http })).toEqual({ kind: "unbindable", reason: "not_reviewable" });
    expect(offersFor({ subject, elevations: [exact, elevation], http })).toMatchObject({
      kind: "requestable",
      offers: [{ elevation, binding: { kind: "unbindable", reason: "not_reviewable" } }],
    });
  });

  test("of what is no HTTP request an exact elevation is none and says that the policy has to change, one of scope is", () => {
    const exact: Elevation = { ...elevation, binding: "exact" };
    expect(offersFor({ subject, elevations: [exact], http: undefined })).toEqual({
      ...{ kind: "unbindable", reason: "exact_needs_http" },
    });
    expect(offersFor({ subject, elevations: [exact, elevation], http: undefined })).toMatchObject({
      kind: "requestable",
      offers: [{ elevation, binding: { kind: "unbindable", reason: "body_not_bindable" } }],
    });
  });

  test("a published denial proves its digests and holds neither body nor query values", async () => {
    const { denials, sent } = denialsOver();
    const display = [{ label: "Order", value: "42" }];
    const offered: Elevation[] = [
      { ...elevation, binding: "exact", display, bindHeaders: ["x-currency"] },
      { ...elevation, entitlement: "other", display },
      { ...elevation, entitlement: "unseen" },
    ];
    await denials.publish(ask({ elevations: offered }), NOW, deadline);
    const value = sent[0]?.value ?? Buffer.alloc(0);
    expect(readDenial(value)).toMatchObject({
      kind: "parsed",
      value: { call: { maskedQuery: "amount=***", bodyBytes: 6 } },
    });
    expect(value.toString()).not.toMatch(/secret|=40/);
  });
});

test("what is remembered of a published denial holds nothing of its request", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const heap = () => (collect(), process.memoryUsage().heapUsed);
  const MANY = 200;
  const { denials, sent } = denialsOver(() => ({ kind: "acked" }), MANY + 1);
  const publish = async (at: number) => {
    const query = `?${"name=1&".repeat(5_000)}`;
    const asked = ask({ http: { ...http, query }, justification: `for the ${at}. time` });
    expect(await denials.publish(asked, NOW, deadline)).toMatchObject({ kind: "issued" });
    sent.length = 0;
  };
  await publish(0);
  const before = heap();
  for (let at = 1; at <= MANY; at += 1) await publish(at);
  expect(heap() - before).toBeLessThan((MANY * 35_000) / 4);
});
