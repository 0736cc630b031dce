import { expect, test } from "@jest/globals";
import { instant } from "../../../core/domain/time.ts";
import { createTopicView, type TopicView } from "./topic-view.ts";

const T = (n: number) => instant(1_795_478_400_000 + n);

/** A view in which `k` was published at version 2 and everything has been read and judged. */
function settled(): TopicView {
  const view = createTopicView();
  view.begin(new Map([["k", 2]]));
  view.seen("k", { kind: "signed", version: 2, readable: true });
  view.heartbeatSent(T(0));
  expect(view.heartbeatRead(T(0))).toEqual({ republish: [], remove: [], ahead: [] });
  return view;
}

test.each([
  ["an older signed record", { kind: "signed", version: 1, readable: true }],
  ["a forged null", { kind: "tombstone" }],
  ["a record that no reader takes", { kind: "refused" }],
  ["a record of the right version that no reader can read", { kind: "signed", version: 2, readable: false }],
] as const)("%s that stands last is repaired, once", (_name, record) => {
  const view = settled();
  view.seen("k", record);
  view.heartbeatSent(T(1));
  expect(view.heartbeatRead(T(1))).toEqual({ republish: ["k"], remove: [], ahead: [] });
  view.heartbeatSent(T(2));
  expect(view.heartbeatRead(T(2))).toEqual({ republish: [], remove: [], ahead: [] });
});

test("a version that was published and is still on its way is not taken for a rolled-back one", () => {
  const view = settled();
  view.heartbeatSent(T(1));
  view.published("k", 3);
  expect(view.heartbeatRead(T(1))).toEqual({ republish: [], remove: [], ahead: [] });
  view.heartbeatSent(T(2));
  view.seen("k", { kind: "signed", version: 3, readable: true });
  expect(view.heartbeatRead(T(2))).toEqual({ republish: [], remove: [], ahead: [] });
});

test("a published version that never appears is repaired at the first heartbeat after it", () => {
  const view = settled();
  view.published("k", 3);
  view.heartbeatSent(T(1));
  expect(view.heartbeatRead(T(1)).republish).toEqual(["k"]);
});

test("a record replayed after its tombstone is removed again, and an unsigned one is left to the readers", () => {
  const view = settled();
  view.published("k", undefined);
  view.seen("k", { kind: "tombstone" });
  view.seen("k", { kind: "signed", version: 2, readable: true });
  view.seen("stray", { kind: "refused" });
  view.heartbeatSent(T(1));
  expect(view.heartbeatRead(T(1))).toEqual({ republish: [], remove: ["k"], ahead: [] });
});

test("a key that is not ours to keep is judged by what stands last, whatever stood before it", () => {
  const view = settled();
  view.seen("other", { kind: "signed", version: 4, readable: true });
  view.seen("other", { kind: "tombstone" });
  view.heartbeatSent(T(1));
  expect(view.heartbeatRead(T(1))).toEqual({ republish: [], remove: [], ahead: [] });
  view.seen("other", { kind: "signed", version: 4, readable: true });
  view.heartbeatSent(T(2));
  expect(view.heartbeatRead(T(2))).toEqual({ republish: [], remove: ["other"], ahead: [] });
});

test("one who read a tombstone before it led asks for the key again when its set has it", () => {
  const view = createTopicView();
  view.seen("k", { kind: "signed", version: 2, readable: true });
  view.seen("k", { kind: "tombstone" });
  view.begin(new Map([["k", 2]]));
  view.heartbeatSent(T(0));
  expect(view.heartbeatRead(T(0))).toEqual({ republish: ["k"], remove: [], ahead: [] });
});

test("a topic that was made anew gets every key of the set again", () => {
  const view = settled();
  view.restart();
  view.heartbeatSent(T(1));
  expect(view.heartbeatRead(T(1)).republish).toEqual(["k"]);
});

test("a heartbeat that this term did not send, or one read before, judges nothing", () => {
  const view = settled();
  view.seen("k", { kind: "tombstone" });
  expect(view.heartbeatRead(T(9)).republish).toEqual([]);
  expect(view.heartbeatRead(T(0)).republish).toEqual([]);
});

test("a newer version than was published is named, and neither published over nor removed", () => {
  const view = settled();
  view.seen("k", { kind: "signed", version: 4, readable: true });
  view.heartbeatSent(T(1));
  expect(view.heartbeatRead(T(1))).toEqual({ republish: [], remove: [], ahead: [{ key: "k", version: 4 }] });
  view.published("k", 5);
  view.seen("k", { kind: "signed", version: 5, readable: true });
  view.heartbeatSent(T(2));
  expect(view.heartbeatRead(T(2))).toEqual({ republish: [], remove: [], ahead: [] });
});

const signed = (version: number) => ({ kind: "signed", version, readable: true }) as const;
const AHEAD = { republish: [], remove: [], ahead: [{ key: "k", version: 4 }] };

test.each([
  ["a null", { kind: "tombstone" }],
  ["a record that no reader takes", { kind: "refused" }],
  ["a replay of the version that the database knows", signed(2)],
] as const)("that the database is behind is not hidden by %s after the newer record", (_name, after) => {
  const view = settled();
  view.seen("k", signed(4));
  view.seen("k", after);
  view.heartbeatSent(T(1));
  expect(view.heartbeatRead(T(1))).toEqual(AHEAD);
  const standby = createTopicView();
  standby.seen("k", signed(4));
  standby.seen("k", after);
  standby.begin(new Map([["k", 2]]));
  standby.heartbeatSent(T(0));
  expect(standby.heartbeatRead(T(0))).toEqual(AHEAD);
});

test("that the database is behind is not hidden by a change before the first heartbeat, read before or after it is acknowledged", () => {
  for (const isReadFirst of [true, false]) {
    const view = createTopicView();
    view.seen("k", signed(4));
    view.begin(new Map([["k", 2]]));
    if (isReadFirst) view.seen("k", signed(3));
    view.published("k", 3);
    if (!isReadFirst) view.seen("k", signed(3));
    view.heartbeatSent(T(0));
    expect(view.heartbeatRead(T(0))).toEqual(AHEAD);
  }
});

test("that the database is behind is not hidden where the newer record was removed, or only published here, or the topic was made anew", () => {
  const removed = settled();
  removed.published("k", 4);
  removed.seen("k", signed(4));
  removed.published("k", undefined);
  removed.seen("k", { kind: "tombstone" });
  removed.heartbeatSent(T(1));
  removed.heartbeatRead(T(1));
  const published = settled();
  published.published("k", 4);
  const anew = settled();
  anew.seen("k", signed(4));
  anew.restart();
  for (const view of [removed, published, anew]) {
    view.begin(new Map([["k", 2]]));
    view.heartbeatSent(T(2));
    expect(view.heartbeatRead(T(2))).toEqual(AHEAD);
  }
});

test("a former leader's record that was not marked is not ahead, once this term has published the row", () => {
  const view = createTopicView();
  view.seen("k", signed(3));
  view.seen("k", { kind: "tombstone" });
  view.begin(new Map([["k", 2]]));
  view.published("k", 3);
  view.seen("k", signed(3));
  view.heartbeatSent(T(0));
  expect(view.heartbeatRead(T(0))).toEqual({ republish: [], remove: [], ahead: [] });
});
