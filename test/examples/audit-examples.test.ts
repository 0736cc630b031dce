/** The committed examples of the audit topic: complete, whole each by itself, and of the shape that the code makes today. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { readAuditEvent } from "../../cli/verify/audit-record.ts";
import { digest, id } from "../../core/domain/id.ts";
import { instant } from "../../core/domain/time.ts";
import {
  type AuditEvent,
  recomputedLeafHash,
  republishedDecision,
  sealEvent,
  unsealedEvent,
} from "../../core/messages/audit-event.ts";
import { type DecisionLogRecord, DecisionLogRecordSchema } from "../../core/messages/decision-record.ts";
import { createParser } from "../../core/messages/parse.ts";
import { members } from "../../sample/story/see.ts";
import { AUDIT_TYPES } from "./event-types.ts";
import { SAMPLE_APPROVAL, SAMPLE_EVENTS } from "./sample-events.ts";

const text = readFileSync(new URL("../../examples/audit.ndjson", import.meta.url), "utf8");
const examples = new Map(
  text
    .trimEnd()
    .split("\n")
    .map((line): [string, { readonly line: string; readonly event: AuditEvent }] => {
      const event: AuditEvent = JSON.parse(line);
      return [event.type, { line, event }];
    }),
);
const parseRecord = createParser(DecisionLogRecordSchema);

/** Where two values differ in their members, whatever stands in these; null may stand for anything. */
function differences(made: unknown, shown: unknown, place = ""): readonly string[] {
  if (made === null || shown === null) return [];
  if (Array.isArray(made) && Array.isArray(shown)) {
    return made.length === 0 || shown.length === 0 ? [] : differences(made[0], shown[0], `${place}[0]`);
  }
  if (typeof made !== "object" || typeof shown !== "object" || Array.isArray(made) || Array.isArray(shown)) {
    return typeof made === typeof shown ? [] : [`${place}: ${typeof made} is made, ${typeof shown} is shown`];
  }
  const [mine, theirs] = [new Map(Object.entries(made ?? {})), new Map(Object.entries(shown ?? {}))];
  const names = [...new Set([...mine.keys(), ...theirs.keys()])];
  return names.flatMap((name) => {
    if (!mine.has(name)) return [`${place}.${name} is shown and no longer made`];
    if (!theirs.has(name)) return [`${place}.${name} is made and not shown`];
    return differences(mine.get(name), theirs.get(name), `${place}.${name}`);
  });
}

function exampleOf(type: string): { readonly line: string; readonly event: AuditEvent } {
  const found = examples.get(type);
  if (found === undefined) throw new Error(`no example of ${type}`);
  return found;
}

test("a member too many, one too few and one of another type are differences; another value is none", () => {
  expect(differences({ a: 1 }, { a: 2 })).toEqual([]);
  expect(differences({ a: 1, b: [{ c: 1 }] }, { a: "1", b: [{ d: 1 }] })).toHaveLength(3);
});

test("every type of event is there, once, and nothing else", () => {
  expect(text.endsWith("\n")).toBe(true);
  expect(text.trimEnd().split("\n")).toHaveLength(AUDIT_TYPES.length);
  expect([...examples.keys()]).toEqual(AUDIT_TYPES);
});

describe.each(AUDIT_TYPES)("%s", (type) => {
  test("carries the leaf hash that follows from it, and does not contradict itself", () => {
    const { line, event } = exampleOf(type);
    expect(recomputedLeafHash(event)).toBe(event.leafhash);
    expect(readAuditEvent(Buffer.from(line))).toMatchObject({ kind: "event", fault: undefined });
    const edited = line.replace(/"time":"2/, '"time":"3');
    expect(edited).not.toBe(line);
    expect(readAuditEvent(Buffer.from(edited))).not.toMatchObject({ fault: undefined });
  });
});

/** What the code makes today; of a decision service's log what the examples show. */
function dataOf(type: string): object {
  const event = Object.values(SAMPLE_EVENTS).find((one) => `countersign.${one.type}.v1` === type);
  if (event === undefined) return exampleOf(type).event.data;
  return unsealedEvent(event, id("event", "01930000-0000-7000-8000-000000000001"), instant(0), { deployment: "d" })
    .data;
}

test("the table of the page has each type once, in this order, and names every member of its data", () => {
  const page = readFileSync(new URL("../../examples/README.md", import.meta.url), "utf8");
  const table = [...page.matchAll(/^\| `(countersign\.[\w.]+\.v1)` \| (.*) \| .+ \|$/gm)];
  expect(table.map(([, type]) => type)).toEqual(AUDIT_TYPES);
  const inAll = ["by", "denial_id", "request_id", "grant_id", "policy_revision"];
  for (const [, type = "", named = ""] of table) {
    const own = Object.keys(dataOf(type)).filter((name) => !inAll.includes(name));
    expect([type, own.filter((name) => !named.includes(`\`${name}\``))]).toEqual([type, []]);
    const words = named.replaceAll(/\([^)]*\)/g, "").matchAll(/`(\w+)`/g);
    const shown = [...words].flatMap(([, name = ""]) => (name === "actors" ? [] : [name]));
    expect([type, shown.filter((name) => !own.includes(name))]).toEqual([type, []]);
  }
});

test.each(Object.values(SAMPLE_EVENTS).map((event) => ({ event })))(
  "$event.type is of the shape that is made today",
  ({ event }) => {
    const made = unsealedEvent(event, id("event", "01930000-0000-7000-8000-000000000001"), instant(0), {
      deployment: "d",
    });
    const sealed = sealEvent(made, { logId: "approval", index: 0n, previous: digest("0".repeat(64)) });
    expect(differences(sealed, exampleOf(made.type).event)).toEqual([]);
  },
);

test.each(["log_opened", "decision", "log_closed"])("%s is of the shape that is made today", (kind) => {
  const { event } = exampleOf(`countersign.${kind}.v1`);
  const record = parseRecord(Buffer.from(JSON.stringify(event.data["record"])));
  if (record.kind === "malformed") throw new Error(record.detail);
  const value: DecisionLogRecord = record.value;
  const approval = kind === "decision" ? SAMPLE_APPROVAL : undefined;
  const made = republishedDecision(value, approval, event.source.split("/")[2] ?? "");
  expect(differences(made, event)).toEqual([]);
  expect({ ...event, data: { record: value } }).toEqual({ ...made, data: { record: value } });
  expect(members(event.data, "approval")["approval"] === null).toBe(kind !== "decision");
});
