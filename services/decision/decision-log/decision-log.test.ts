import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { deny } from "../../../core/domain/decision.ts";
import type { DecisionLogRecord } from "../../../core/messages/decision-record.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { entry, expectWhole, memoryStream, nextSigner, started } from "../../../test/harness/decision-log.ts";
import { segmentPath } from "./spool-files.ts";

/** In place of what could not be recorded. */
const DENIED = { subject: undefined, policyRevision: "r1", decision: deny("audit_unavailable") };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spool-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("decision log", () => {
  test("a full spool records nothing more, uses no index, and under audit: required is denied, and nothing else of it is told", async () => {
    const stream = memoryStream(() => ({ kind: "unknown", cause: new Error("down") }));
    const running = started(folder, stream, { required: true, maxSpoolBytes: 2_000, drainMs: 500 });
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => running.append(entry())));
    expect(outcomes[0]).toBeUndefined();
    expect(outcomes.at(-1)).toEqual(DENIED);
    expect(running.health().status).toBe("failed");
    await running[Symbol.asyncDispose]();
  });

  test("decisions of one turn are on the file before any of them is answered, and chained in the order they were made", async () => {
    const stream = memoryStream();
    const running = started(folder, stream);
    const linesNow = () =>
      readdirSync(folder)
        .filter((name) => name.endsWith(".log"))
        .flatMap((name) => readFileSync(join(folder, name), "utf8").trim().split("\n")).length;
    const seen = await Promise.all(
      Array.from({ length: 5 }, async (_, at) => ({
        outcome: await running.append(entry(`/${at}`)),
        lines: linesNow(),
      })),
    );
    expect(seen).toEqual(Array.from({ length: 5 }, () => ({ outcome: undefined, lines: 6 })));
    await running[Symbol.asyncDispose]();
    expectWhole(stream.records);
    const paths = stream.records.flatMap((record) => (record.kind === "decision" ? [record.path] : []));
    expect(paths).toEqual(["/0", "/1", "/2", "/3", "/4"]);
  });

  test("no secret of a call enters the spool", async () => {
    await using running = started(
      folder,
      memoryStream(() => ({ kind: "unknown", cause: new Error("down") })),
      { drainMs: 500 },
    );
    await running.append(entry());
    const text = readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), "utf8"))
      .join("");
    expect(text).toContain("token=***");
    expect(text).not.toContain("secret");
  });

  test("what is spooled is its owner's alone to read, whatever the umask", async () => {
    const spool = join(folder, "spool");
    const umask = process.umask(0);
    try {
      await using running = started(spool, memoryStream());
      await running.append(entry());
      await waitUntil(
        "a mark",
        30_000,
        () => existsSync(spool) && readdirSync(spool).some((name) => name.endsWith(".ack")),
      );
      const modes = ["", ...readdirSync(spool)].map((name) => statSync(join(spool, name)).mode & 0o777);
      expect(modes).toEqual([0o700, ...modes.slice(1).map(() => 0o600)]);
    } finally {
      process.umask(umask);
    }
  });

  test("everything is shipped in order, chained, over several segments, and the spool is empty after the end", async () => {
    const stream = memoryStream();
    const running = started(folder, stream);
    for (let count = 0; count < 300; count++) await running.append(entry(`/${"x".repeat(count)}`));
    await running[Symbol.asyncDispose]();
    expect(stream.records).toHaveLength(302);
    expect(stream.records[0]?.kind).toBe("log_opened");
    expect(stream.records.at(-1)).toMatchObject({ kind: "log_closed", tail: "complete" });
    expectWhole(stream.records);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("what the stream did not acknowledge is sent again, and nothing is missing", async () => {
    let calls = 0;
    const stream = memoryStream(() =>
      ++calls % 2 === 1 ? { kind: "unknown", cause: new Error("lost") } : { kind: "acked" },
    );
    const running = started(folder, stream, { required: true });
    expect(await running.append(entry())).toBeUndefined();
    await waitUntil("the decision to arrive", 30_000, () => stream.records.length >= 2);
    await running[Symbol.asyncDispose]();
    expectWhole(stream.records);
  });

  test("a spool that could not be read for a while is shipped from when it can, and meanwhile health says so", async () => {
    const stream = memoryStream();
    const boot = uuidv7();
    await using running = started(folder, stream, { boot });
    const inTheWay = segmentPath(folder, boot, 999_999);
    mkdirSync(inTheWay);
    await running.append(entry());
    await waitUntil("the spool to be found unreadable", 30_000, () => running.health().status === "degraded");
    await running.append(entry());
    expect(running.health()).toEqual({ status: "degraded", detail: "the spool cannot be read" });
    rmdirSync(inTheWay);
    await waitUntil("the second decision to arrive", 30_000, () => stream.records.length === 3);
    expectWhole(stream.records);
  });

  test("a decision that comes after the log was closed is not recorded, and not told", async () => {
    let acknowledges = false;
    const stream = memoryStream(() =>
      acknowledges ? { kind: "acked" } : { kind: "unknown", cause: new Error("down") },
    );
    const running = started(folder, stream, { required: true });
    const ending = running[Symbol.asyncDispose]();
    const spooled = () =>
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), "utf8"))
        .join("");
    await waitUntil("the log to be closed", 30_000, () => spooled().includes('"log_closed"'));
    expect(await running.append(entry())).toEqual(DENIED);
    acknowledges = true;
    await ending;
    expect(stream.records.map(({ kind }) => kind)).toEqual(["log_opened", "log_closed"]);
  });

  test("a decision that has no form is denied alone: the others of its turn are on record, in their order", async () => {
    const stream = memoryStream();
    const running = started(folder, stream, { required: true });
    const formless = { ...entry("/formless"), policyRevision: "\ud800" };
    const answers = [entry("/before"), formless, entry("/behind")].map((one) => running.append(one));
    expect(await Promise.all(answers)).toEqual([undefined, { ...DENIED, policyRevision: "\ud800" }, undefined]);
    expect(running.health().status).toBe("failed");
    await running[Symbol.asyncDispose]();
    const told = stream.records.map((one) => (one.kind === "decision" ? one.path : one.kind));
    expect(told).toEqual(["log_opened", "/before", "/behind", "log_closed"]);
    expectWhole(stream.records);
  });

  test("another key signs the decisions from then on in a log of their own; the one before is closed under its own and loses nothing", async () => {
    let isUp = false;
    const stream = memoryStream(() => (isUp ? { kind: "acked" } : { kind: "unknown", cause: new Error("down") }));
    const [first, second] = [uuidv7(), uuidv7()];
    const running = started(folder, stream, { boot: first, required: true });
    const before = [running.append(entry("/before")), running.append(entry("/before-too"))];
    running.replaceSigner(nextSigner, second);
    expect(await Promise.all([...before, running.append(entry("/behind"))])).toEqual(Array(3).fill(undefined));
    isUp = true;
    const logOf = (kid: string, boot: string) => stream.records.filter((one) => one.log === `pdp/${kid}/${boot}`);
    await waitUntil("the former log to be shipped to its end", 30_000, () => logOf("pdp-a", first).length === 4);
    await running[Symbol.asyncDispose]();
    const pathsIn = (records: readonly DecisionLogRecord[]) =>
      records.map((one) => (one.kind === "decision" ? one.path : one.kind));
    expect(pathsIn(logOf("pdp-a", first))).toEqual(["log_opened", "/before", "/before-too", "log_closed"]);
    expect(pathsIn(logOf("pdp-b", second))).toEqual(["log_opened", "/behind", "log_closed"]);
    for (const records of [logOf("pdp-a", first), logOf("pdp-b", second)]) expectWhole(records);
    expect(stream.records).toHaveLength(7);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("another key whose log cannot be begun is refused, and decisions go on under the one before", async () => {
    const stream = memoryStream();
    const [first, second] = [uuidv7(), uuidv7()];
    const running = started(folder, stream, { boot: first });
    mkdirSync(segmentPath(folder, second, 0));
    expect(() => running.replaceSigner(nextSigner, second)).toThrow();
    expect(await running.append(entry())).toBeUndefined();
    rmdirSync(segmentPath(folder, second, 0));
    await running[Symbol.asyncDispose]();
    expect(stream.records.map(({ log: one, kind }) => `${one} ${kind}`)).toEqual(
      ["log_opened", "decision", "log_closed"].map((kind) => `pdp/pdp-a/${first} ${kind}`),
    );
  });
});
