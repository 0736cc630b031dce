import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { digest, id } from "../../core/domain/id.ts";
import { NO_PREVIOUS } from "../../core/domain/log-chain.ts";
import { instant } from "../../core/domain/time.ts";
import { type AuditEvent, republishedDecision, sealEvent, unsealedEvent } from "../../core/messages/audit-event.ts";
import { type DecisionLogRecord, decisionLogId, decisionRecordHash } from "../../core/messages/decision-record.ts";
import { leafHash } from "../../core/messages/hashing.ts";
import { readAuditEvent } from "./audit-record.ts";
import { createChainCheck, type Verdict } from "./chain.ts";
import { reportOf } from "./report.ts";

function uuid(n: number): string {
  return `01930000-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
}

function approvalLog(length: number): AuditEvent[] {
  const events: AuditEvent[] = [];
  for (let n = 0; n < length; n += 1) {
    const event = unsealedEvent(
      {
        type: "grant.revoked",
        by: { kind: "service", name: "test" },
        denialId: undefined,
        requestId: undefined,
        grantId: id("grant", uuid(n)),
        policyRevision: undefined,
        data: { reason: `reason ${n}` },
      },
      id("event", uuid(n)),
      instant(1_795_478_400_000 + n),
      { deployment: "example" },
    );
    const previous = digest(events.at(-1)?.leafhash ?? NO_PREVIOUS);
    events.push(sealEvent(event, { logId: "approval", index: BigInt(n), previous }));
  }
  return events;
}

function decisionLog(tail: "closed" | "open", revision: string | null = null): AuditEvent[] {
  const log = decisionLogId("pdp-a", uuid(170));
  const time = "2026-11-24T02:00:00.000Z";
  const opened: DecisionLogRecord = {
    v: 1,
    log,
    index: 0,
    prev: NO_PREVIOUS,
    time,
    kind: "log_opened",
    policy_revision: revision,
  };
  const records: DecisionLogRecord[] = [opened];
  if (tail === "closed")
    records.push({ v: 1, log, index: 1, prev: decisionRecordHash(opened), time, kind: "log_closed", tail: "complete" });
  return records.map((record) => republishedDecision(record, undefined, "example"));
}

function verdictOf(events: readonly unknown[], fromZero = false): Verdict {
  const check = createChainCheck({ fromZero });
  events.forEach((event, at) => {
    check.add(readAuditEvent(Buffer.from(JSON.stringify(event))), `line ${at + 1}`);
  });
  return check.verdict();
}

const LENGTH = 40;
const whole = approvalLog(LENGTH);

function edited(event: AuditEvent): AuditEvent {
  return { ...event, data: { ...event.data, reason: "edited" } };
}

function rehashed(event: AuditEvent): AuditEvent {
  const { leafhash: _old, ...rest } = event;
  return { ...rest, leafhash: leafHash(rest) };
}

function at(events: readonly AuditEvent[], index: number): AuditEvent {
  const event = events[index];
  if (event === undefined) throw new Error(`no event ${index}`);
  return event;
}

type Mutation = { readonly kind: string; readonly events: AuditEvent[]; readonly index: number };

/** A mutated log and the first index that is wrong in it. The last event is left alone: see the test about the tail. */
const mutation: fc.Arbitrary<Mutation> = fc
  .record({ n: fc.integer({ min: 1, max: LENGTH - 3 }), m: fc.integer({ min: 1, max: LENGTH - 2 }), kind: fc.nat(7) })
  .map(({ n, m, kind }) => {
    const events = [...whole];
    const other = m === n ? n + 1 : m;
    switch (kind) {
      case 0:
        events[n] = edited(at(whole, n));
        return { kind: "edit", events, index: n };
      case 1:
        events[n] = rehashed(edited(at(whole, n)));
        return { kind: "edit with a new hash", events, index: n + 1 };
      case 2:
        events.splice(n, 1);
        return { kind: "delete", events, index: n };
      case 3:
        events[n] = at(whole, other);
        events[other] = at(whole, n);
        return { kind: "swap", events, index: Math.min(n, other) };
      case 4:
        events.splice(n + 1, 0, rehashed(edited(at(whole, n))));
        return { kind: "insert a second event of an index", events, index: n };
      case 5:
        events.splice(n, 1, rehashed({ ...at(whole, n), prevhash: at(whole, 0).prevhash.replaceAll("0", "1") }));
        return { kind: "another predecessor", events, index: n };
      case 6:
        events.splice(n, LENGTH - 1 - n);
        return { kind: "cut out up to the last", events, index: n };
      default:
        events[n] = rehashed({ ...at(whole, n), leafindex: String(n + 1) });
        return { kind: "renumber", events, index: n };
    }
  });

describe("a log of the approval service", () => {
  test("1,000 random edits, deletions, swaps, insertions and cuts are each found, and the first wrong index is named", () => {
    fc.assert(
      fc.property(mutation, ({ events, index }) => {
        expect(verdictOf(events).logs).toEqual([expect.objectContaining({ kind: "broken", index })]);
      }),
      { numRuns: 1_000 },
    );
  });

  test("an edited duplicate that keeps its hash is found although its index and hash repeat", () => {
    expect(verdictOf([...whole, edited(at(whole, 7))]).logs).toMatchObject([{ kind: "broken", index: 7 }]);
  });

  test("a cut beginning is named, and is broken at 0 when the whole log was asked for", () => {
    const rest = whole.slice(5);
    expect(verdictOf(rest).logs).toMatchObject([{ kind: "whole", first: 5, last: LENGTH - 1 }]);
    expect(reportOf(verdictOf(rest)).text).toContain("not known before 5");
    expect(verdictOf(rest, true).logs).toMatchObject([{ kind: "broken", index: 0 }]);
  });

  test("a cut tail, or one rewritten with its hashes, is NOT found: that takes a head published elsewhere", () => {
    expect(verdictOf(whole.slice(0, -1)).logs).toMatchObject([{ kind: "whole", last: LENGTH - 2 }]);
    expect(verdictOf([...whole.slice(0, -1), rehashed(edited(at(whole, LENGTH - 1)))]).logs[0]?.kind).toBe("whole");
  });

  test("a first event that names a predecessor is broken at 0", () => {
    const forged = rehashed({ ...at(whole, 0), prevhash: "1".repeat(64) });
    expect(verdictOf([forged]).logs).toMatchObject([{ kind: "broken", index: 0 }]);
  });

  test("whole with duplicates at any distance, as a relay makes them that was killed before it marked", () => {
    const events = [...whole.slice(0, 20), ...whole.slice(10, 20), ...whole.slice(20), at(whole, 0)];
    expect(verdictOf(events).logs).toEqual([{ kind: "whole", log: "approval", first: 0, last: LENGTH - 1 }]);
  });
});

describe("a log of a decision service", () => {
  test("what stands around the record and is not hashed cannot say something else", () => {
    const [opened, closed] = decisionLog("closed");
    const changes: Partial<AuditEvent>[] = [
      { leafindex: "0" },
      { logid: decisionLogId("pdp-b", uuid(170)) },
      { time: "2026-11-24T03:00:00.000Z" },
      { type: "countersign.decision.v1" },
      { prevhash: NO_PREVIOUS },
      { subject: "decision/other" },
    ];
    for (const change of changes)
      expect(verdictOf([opened, { ...closed, ...change }]).logs.some(({ kind }) => kind === "broken")).toBe(true);
  });

  test("entries of a decision service's log that come late fill their place; one that never comes is missing", () => {
    const [opened, closed] = decisionLog("closed");
    expect(verdictOf([closed, opened], true).logs).toMatchObject([{ kind: "whole", first: 0, last: 1 }]);
    expect(verdictOf([closed], true).logs).toMatchObject([
      { kind: "broken", index: 0, reason: "missing: the next event found is 1" },
    ]);
  });

  test("what comes late from before the beginning is counted, and judged by its own hash alone; two of one index are a fork", () => {
    const [opened, closed] = decisionLog("closed");
    const [other] = decisionLog("open", "another policy");
    const late = verdictOf([closed, opened, opened]);
    expect(late.logs).toEqual([{ kind: "whole", log: opened?.logid, first: 1, last: 1, unjudged: 1 }]);
    expect(reportOf(late).text).toContain("not known before 1, where 1 came late and cannot be judged");
    expect(verdictOf([closed, opened, other]).logs).toMatchObject([{ kind: "broken", index: 0 }]);
    expect(verdictOf([closed, { ...opened, time: "2026-11-24T03:00:00.000Z" }]).logs).toMatchObject([
      { kind: "broken", index: 0 },
    ]);
    expect(verdictOf([...whole.slice(5), at(whole, 3)]).logs).toMatchObject([{ kind: "broken", index: 3 }]);
  });

  test("an event under a decision service's log that carries no decision record is broken", () => {
    const forged = rehashed({ ...at(whole, 0), logid: decisionLogId("pdp-a", uuid(170)) });
    expect(verdictOf([forged]).logs).toMatchObject([{ kind: "broken", index: 0 }]);
  });

  test("never closed is tail unknown, never whole", () => {
    expect(verdictOf(decisionLog("open")).logs[0]?.kind).toBe("tail_unknown");
  });

  test("closed and gap-free is whole, whatever the approval service added beside the record", () => {
    const [opened, closed] = decisionLog("closed");
    const enriched = { ...closed, data: { ...closed?.data, approval: { note: "added" } } };
    expect(verdictOf([opened, enriched]).logs[0]?.kind).toBe("whole");
  });
});

describe("the command", () => {
  const verify = (input: string, ...args: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, "../verify.ts"), ...args], { input, encoding: "utf8" });

  test("an unknown option and a file that is not there end with 2, garbage and nothing with 1, a whole log with 0", () => {
    expect(verify("", "--what").status).toBe(2);
    expect(verify("", "no-such-file").status).toBe(2);
    for (const [args, says] of [
      [["--config", "no-such-file.yaml"], "no-such-file.yaml: cannot be read (ENOENT)"],
      [["--config", "x.yaml", "--brokers", "a:1"], "one of them"],
      [["--config", "x.yaml", "--username", "u", "--password-file", "p"], "are for --brokers"],
    ] as const) {
      expect(verify("", ...args)).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining(says) });
    }
    expect(verify("").status).toBe(1);
    expect(verify('{"specversion":"1.0"}\n').status).toBe(1);
    const text = whole.map((event) => `${JSON.stringify(event)}\n`).join("");
    const broken = verify(text.replace("reason 3", "reason x"));
    expect([broken.status, broken.stdout]).toEqual([
      1,
      "approval: broken at index 3: the leaf hash does not follow from the content\n",
    ]);
    const good = verify(text);
    expect([good.status, good.stdout]).toEqual([0, `approval: whole (${LENGTH} events, 0..${LENGTH - 1})\n`]);
  }, 30_000);
});
