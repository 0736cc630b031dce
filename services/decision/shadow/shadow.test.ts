import { describe, expect, test } from "@jest/globals";
import { NO_RESPONSE_FIELDS } from "../../../core/domain/decision.ts";
import { id } from "../../../core/domain/id.ts";
import type { Replies } from "../../../core/policy/asks.ts";
import { inputReadsOf } from "../../../core/policy/input-reads.ts";
import type { Asked } from "./ports.ts";
import type { Job } from "./candidate-messages.ts";
import { createShadow, type NotCompared, type ShadowDeps, SHADOW_LIMITS } from "./shadow.ts";

const nextTurn = () => new Promise<void>((done) => setImmediate(done));

function asked(name: string, changes: Partial<Asked> = {}): Asked {
  return {
    ...{
      decisionId: id("decision", `018f4e5a-0000-7000-8000-00000000000${name}`),
      nowNs: 1n,
      revision: "active",
      reads: inputReadsOf([["subject"]]),
      bytes: 10,
    },
    said: { mode: "native", verdict: { kind: "allow", reasons: ["read"], response: NO_RESPONSE_FIELDS } },
    input: { kind: "input", json: '{"written":"for the active one"}' },
    inputFor: () => ({ kind: "input", json: '{"written":"for the candidate"}' }),
    ...changes,
  };
}

/** A candidate that answers when the test says. */
function shadowOf(limits: Partial<typeof SHADOW_LIMITS> = {}, candidate: Partial<ShadowDeps["candidate"]> = {}) {
  const sent: (readonly Job[])[] = [];
  const answers: PromiseWithResolvers<{ revision: string; agreed: number; differing: [] } | undefined>[] = [];
  const notCompared: [NotCompared, number][] = [];
  const agreed: number[] = [];
  const shadow = createShadow(
    {
      candidate: {
        isActive: () => true,
        inputReads: () => inputReadsOf([["subject"]]),
        compare(jobs) {
          sent.push(jobs);
          const answer = Promise.withResolvers<{ revision: string; agreed: number; differing: [] } | undefined>();
          answers.push(answer);
          return answer.promise;
        },
        ...candidate,
      },
      onCompared: (compared) => agreed.push(compared.agreed),
      onNotCompared: (why, count) => notCompared.push([why, count]),
    },
    { ...SHADOW_LIMITS, ...limits },
  );
  const ids = () => sent.map((jobs) => jobs.map(({ decisionId }) => decisionId.slice(-1)));
  return { shadow, sent, ids, answers, notCompared, agreed };
}

describe("not asked", () => {
  test("nothing is kept while there is no candidate", async () => {
    const { shadow, sent, notCompared } = shadowOf({}, { isActive: () => false });
    expect(shadow.isAsked()).toBe(false);
    shadow.offer(asked("1"));
    await nextTurn();
    expect(sent).toEqual([]);
    expect(notCompared).toEqual([]);
  });

  test("beyond the queue's length or its bytes questions are dropped and counted, and those in it are asked", async () => {
    const long = shadowOf({ waiting: 2 });
    for (const name of ["1", "2", "3", "4"]) long.shadow.offer(asked(name));
    expect(long.notCompared).toEqual([
      ["dropped", 1],
      ["dropped", 1],
    ]);
    await nextTurn();
    expect(long.ids()).toEqual([["1", "2"]]);
    const large = shadowOf({ bytes: 25 });
    for (const name of ["1", "2", "3"]) large.shadow.offer(asked(name));
    await nextTurn();
    expect(large.ids()).toEqual([["1", "2"]]);
    large.shadow.offer(asked("4"));
    large.answers[0]?.resolve(undefined);
    await nextTurn();
    expect(large.ids()).toEqual([["1", "2"], ["4"]]);
  });

  test("what the network replied counts for the bytes", async () => {
    const { shadow, notCompared } = shadowOf({ bytes: 100 });
    const replies: Replies = new Map([["http.send x", { kind: "failed", code: "network", message: "x".repeat(90) }]]);
    shadow.offer(asked("1", { replies }));
    shadow.offer(asked("2"));
    await nextTurn();
    expect(notCompared).toEqual([["dropped", 1]]);
  });

  test("what a thread took with it is counted, and the next questions are asked", async () => {
    const { shadow, answers, notCompared, ids } = shadowOf({ atOnce: 2 });
    for (const name of ["1", "2", "3"]) shadow.offer(asked(name));
    await nextTurn();
    answers[0]?.resolve(undefined);
    await nextTurn();
    expect(notCompared).toEqual([["lost", 2]]);
    answers[1]?.reject(new Error("cannot be cloned"));
    await nextTurn();
    expect(notCompared).toEqual([
      ["lost", 2],
      ["lost", 1],
    ]);
    expect(ids()).toEqual([["1", "2"], ["3"]]);
  });

  test("a request that cannot be described to the candidate is counted", async () => {
    const { shadow, sent, notCompared } = shadowOf({}, { inputReads: () => undefined });
    shadow.offer(asked("1", { inputFor: () => ({ kind: "fault", detail: "the body" }) }));
    await nextTurn();
    expect(sent).toEqual([]);
    expect(notCompared).toEqual([["not_described", 1]]);
  });

  test("whose caller is not identified is counted apart, and what has an input of its own for it is asked by no other", async () => {
    const { shadow, sent, notCompared } = shadowOf();
    const own = { input: undefined, reads: undefined };
    shadow.offer(asked("1", { ...own, inputFor: async () => ({ kind: "not_identified" }) }));
    shadow.offer(asked("2", { ...own, inputFor: async () => ({ kind: "input", json: '{"own":true}' }) }));
    for (const _turn of ["begun", "first described", "second described"]) await nextTurn();
    expect(notCompared).toEqual([["not_identified", 1]]);
    expect(sent.flat().map(({ inputJson }) => inputJson)).toEqual(['{"own":true}']);
  });
});

describe("asked", () => {
  test("never within the check, a few at once, and the next ones when those are answered", async () => {
    const { shadow, ids, answers, agreed } = shadowOf({ atOnce: 2 });
    for (const name of ["1", "2", "3"]) shadow.offer(asked(name));
    expect(ids()).toEqual([]);
    await nextTurn();
    await nextTurn();
    expect(ids()).toEqual([["1", "2"]]);
    answers[0]?.resolve({ revision: "next", agreed: 2, differing: [] });
    await nextTurn();
    expect(ids()).toEqual([["1", "2"], ["3"]]);
    expect(agreed).toEqual([2]);
  });

  test.each([
    { what: "reads no more", reads: inputReadsOf([["subject", "id"]]), written: "for the active one" },
    { what: "reads more", reads: inputReadsOf([["subject"], ["attributes"]]), written: "for the candidate" },
    { what: "may read all", reads: undefined, written: "for the candidate" },
  ])("by the input of the active policy, or one that is written anew where it $what", async ({ reads, written }) => {
    const { shadow, sent } = shadowOf({}, { inputReads: () => reads });
    shadow.offer(asked("1"));
    await nextTurn();
    expect(sent[0]?.[0]?.inputJson).toContain(written);
  });
});
