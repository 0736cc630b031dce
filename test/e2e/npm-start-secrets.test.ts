/**
 * What `npm start` says, and what the programs that it started wrote into their logs (the decision service at every level): none of the secrets
 * that it made for them, and none that people brought, also when a program is killed under them and started again.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createCall } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { startAlone, startAsPerson, type StartedAlone, tokenOf } from "../harness/npm-start.ts";
import { processesWith } from "../harness/processes-with.ts";
import { keyIn, leaks, PLANTED, signatureOf } from "./planted-secrets.ts";

let alone: StartedAlone;
const tokens: string[] = [];

beforeAll(async () => {
  alone = await startAlone("npm-start-secrets");
}, 120_000);
afterAll(() => alone?.[Symbol.asyncDispose](), 60_000);

async function keptTokenOf(user: string, audience: "orders" | "countersign"): Promise<string> {
  const token = await tokenOf(user, alone.set, audience);
  tokens.push(token);
  return token;
}

/** Whatever comes of it: some of it meets programs that are not there. */
async function callWithSecrets(): Promise<void> {
  const { set } = alone;
  const [proxy, approvals] = [set.address("proxy"), set.address("approvals")];
  const carried = {
    ...{ cookie: `session=${PLANTED["a cookie"]}`, "x-api-key": PLANTED["a header"] },
    "x-forwarded-client-cert": `Hash=${PLANTED["the header of a client certificate"]}`,
    "idempotency-key": PLANTED["an idempotency key"],
  };
  const refund = { order: "42", amount: 40, note: PLANTED["a body"] };
  const none = PLANTED["a bearer token that is none"];
  for (const [forProxy, forApprovals] of [
    [await keptTokenOf("dana", "orders"), await keptTokenOf("dana", "countersign")],
    [none, none],
  ]) {
    const [call, ask] = [createCall(proxy, forProxy), createCall(approvals, forApprovals)];
    for (const asked of [
      () => call("GET", `/orders/42?api_key=${PLANTED["the value of a query"]}`, { headers: carried }),
      () => call("DELETE", "/orders/77", { headers: carried }),
      () => call("POST", "/refunds", { headers: carried, body: refund }),
      () => call("POST", "/refunds", { headers: carried, body: `{${PLANTED["a body"]}` }),
      () => ask("POST", "/v1/requests", { headers: carried, body: { denial_id: PLANTED["a value in a REST body"] } }),
      () => ask("GET", `/v1/requests?cursor=${PLANTED["the value of a REST query"]}`, { headers: carried }),
    ])
      await asked().catch(() => {});
  }
}

/** The whole files in `keys`, lines of PEM and what is in the addresses of databases. */
async function madeSecrets(): Promise<ReadonlyMap<string, string>> {
  const secrets = new Map<string, string>();
  const paths = (await readdir(alone.data, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("postgres"))
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const path of paths) {
    const text = await readFile(path, "utf8");
    if (text.includes("PRIVATE KEY")) secrets.set(path, keyIn(text));
    else if (/(token|secret|password)$/.test(path)) secrets.set(path, text.trim().replace(/^whsec_/, ""));
  }
  return secrets;
}

test("a database that cannot be reached is told without its password", async () => {
  const password = PLANTED["the password of the database"];
  const env = {
    COUNTERSIGN_DATA: join(alone.folder, "refused"),
    DATABASE_URL: `postgresql://somebody:${password}@127.0.0.1:1/x`,
  };
  const refused = startAsPerson({ cwd: alone.folder, env });
  expect(await refused.ended).toBe(1);
  expect(refused.said()).toContain("127.0.0.1");
  expect(leaks(new Map(Object.entries(PLANTED)), "the terminal", refused.said())).toEqual([]);
}, 60_000);

test("neither on the terminal nor in a log stands a secret that was made or brought", async () => {
  const { folder, data, set } = alone;
  await callWithSecrets();
  for (const name of ["approval", "decision"]) {
    const [pid] = await processesWith(folder, `${name}.yaml`);
    if (pid === undefined) throw new Error(`no process of ${name}`);
    process.kill(pid, "SIGKILL");
    await callWithSecrets();
    await waitUntil(`${name} to be started again`, 30_000, async () => {
      const [next] = await processesWith(folder, `${name}.yaml`);
      return next !== undefined && next !== pid;
    });
  }
  await waitUntil("an order to be read again", 30_000, async () => {
    const { status } = await createCall(set.address("proxy"), await keptTokenOf("dana", "orders"))("GET", "/orders/42");
    return status === 200;
  });
  await callWithSecrets();
  set.child.kill("SIGINT");
  expect(await set.ended).toBe(0);

  const made = await madeSecrets();
  // Two keys of messages, the issuer's, the service token and the webhook's secret at the least.
  expect(made.size).toBeGreaterThanOrEqual(5);
  const people = tokens.map((token, at) => [`token ${at} of a person`, signatureOf(token)] as const);
  const secrets = new Map([...Object.entries(PLANTED), ...made, ...people]);
  const names = (await readdir(data)).filter((name) => name.endsWith(".log"));
  const logs = await Promise.all(names.map(async (name) => [name, await readFile(join(data, name), "utf8")] as const));
  const places = [["the terminal", set.said()] as const, ...logs];
  expect(names.toSorted()).toEqual(expect.arrayContaining(["approval.log", "decision.log", "gateway.log"]));
  expect(set.said()).toContain("/orders/42");
  expect(logs.find(([name]) => name === "decision.log")?.[1]).toContain('"level":"debug"');
  expect(places.flatMap(([place, text]) => leaks(secrets, place, text))).toEqual([]);
}, 240_000);
