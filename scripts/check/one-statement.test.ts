import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { severalStatements, strayStatements } from "./one-statement.ts";

const STORE = "services/approval/store";
let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "one-statement-"));
  await mkdir(path.join(root, STORE), { recursive: true });
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function found(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(root, STORE, name), text);
  return severalStatements(root);
}

const ONE = "export async function one(db) { await db.query('select 1'); }";

test.each([
  ["two after one another", "export async function f(db) { await db.query(A); await db.query(B); }"],
  [
    "a second one where the first had no effect",
    "async function f(db) { return (await db.query(A)) ?? db.query<Row>(B); }",
  ],
  ["one in a loop", "export async function f(db) { for (const one of all) await db.query(A); }"],
  [
    "one in a transaction and one before",
    "async function f(db) { await db.query(A); db.transaction((tx) => tx.query(B)); }",
  ],
  ["one of its own and one of another file", "async function f(db) { await db.query(A); await one(db); }"],
  ["one of another file, twice", "async function f(db) { await one(db); return one(db); }"],
  ["two in a method", "export function rows() { return { async f(db) { await db.query(A); await db.query(B); } }; }"],
])("%s are found", async (_what, text) => {
  expect(await found({ "a.ts": text, "one.ts": ONE })).toEqual([
    `${STORE}/a.ts:1: f issues 2 statements; each function of the store is one`,
  ]);
});

test.each([
  ["one", ONE],
  ["one of another file", "export async function f(db) { return one(db); }"],
  [
    "one in each of two methods",
    "function rows() { return { async f(db) { db.query(A); }, async g(db) { db.query(B); } }; }",
  ],
  ["none", "export function f(row) { return g(row); }\nfunction g(row) { return f(row); }"],
])("%s is not", async (_what, text) => {
  expect(await found({ "a.ts": text, "one.ts": ONE })).toEqual([]);
});

test("the file that puts the others together may take several and hold none", async () => {
  const takes = "export function bind(db) { return { f: async () => { await one(db); await one(db); } }; }";
  expect(await found({ "store.ts": takes, "one.ts": ONE })).toEqual([]);
  expect(await found({ "store.ts": ONE })).toEqual([
    `${STORE}/store.ts:1: one holds a statement; this file puts together`,
  ]);
});

test("a statement beside the store is found, wherever it stands in its file; a test may ask for itself", async () => {
  const publish = path.join(root, "services/approval/publish");
  await mkdir(publish);
  const relay = [
    "export const ask = (db) => db.query(A);",
    "function rows() { return { async run(on) { await on.query(B); } }; }",
    "await database.query(C);",
  ];
  await writeFile(path.join(publish, "relay.ts"), relay.join("\n"));
  await writeFile(path.join(publish, "relay.test.ts"), "await database.query(A);");
  expect(await found({ "one.ts": ONE })).toEqual([]);
  expect(await strayStatements(root)).toEqual(
    [1, 2, 3].map((line) => `services/approval/publish/relay.ts:${line}: a statement, which belongs to ${STORE}`),
  );
});
