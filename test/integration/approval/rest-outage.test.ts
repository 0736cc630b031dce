/** REST without its database: 503 that says when to come back, nothing of the database in it, and well again by itself. */
import net from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { listening } from "../../harness/listening.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { inLocks } from "./redeeming.ts";
import { type Answer, at } from "./rest-answer.ts";
import { operationsOf } from "./rest-document.ts";
import { createRestApproval, type RestApproval, tokenOf } from "./rest-fixture.ts";

/** Stands between the service and its database, by port or by socket file; while it refuses, nothing passes. */
const links = new Set<net.Socket>();
let target: net.NetConnectOpts | undefined;
let refusing = false;
const between = net.createServer((client) => {
  if (refusing || target === undefined) return void client.destroy();
  const server = net.connect(target);
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    links.add(one);
    one.on("error", () => {});
    one.on("close", () => {
      links.delete(one);
      other.destroy();
    });
    one.pipe(other);
  }
});

function refuse(value: boolean): void {
  refusing = value;
  if (value) for (const link of links) link.destroy();
}

let rest: RestApproval;
beforeAll(async () => {
  const port = await listening(between);
  rest = await createRestApproval({
    connection(own) {
      const [, authority = "", database = "", query = ""] =
        /^postgres(?:ql)?:\/\/([^/]*)\/([^?]*)\??(.*)$/.exec(own) ?? [];
      const settings = new URLSearchParams(query);
      const folder = settings.get("host");
      if (folder === null) {
        const url = new URL(own);
        target = { host: url.hostname, port: Number(url.port === "" ? 5432 : url.port) };
        url.host = `127.0.0.1:${port}`;
        return url.href;
      }
      target = { path: `${folder}/.s.PGSQL.${settings.get("port") ?? "5432"}` };
      const user = settings.get("user") ?? authority.split("@")[0] ?? "";
      return `postgresql://${encodeURIComponent(user)}@127.0.0.1:${port}/${database}`;
    },
  });
});
afterAll(async () => {
  refuse(false);
  await rest.close();
  refuse(true);
  await new Promise((resolve) => between.close(resolve));
});

const sam = tokenOf("sam", ["security"]);

function expectUnavailable(answer: Answer): void {
  expect([answer.status, at(answer, "code"), answer.headers["retry-after"]]).toEqual([503, "unavailable", "2"]);
  expect(JSON.stringify(answer.body)).not.toMatch(/select|insert|127\.0\.0\.1|ECONN|terminated|postgres/i);
}

test("no database: every route is 503 unavailable, and well again once it is back", async () => {
  const request = await rest.askAs(tokenOf("dana"));
  refuse(true);
  for (const { method, url, body } of operationsOf(rest.app)) {
    expectUnavailable(await rest.call(method, url, { token: sam, body }));
  }
  expect((await rest.call("GET", "/v1/openapi.json")).status).toBe(200);
  refuse(false);
  await waitUntil(
    "REST to answer again",
    30_000,
    async () => (await rest.call("GET", "/v1/audit", { token: sam })).status === 200,
  );
  expect((await rest.vote(tokenOf("max", ["managers"]), request)).status).toBe(200);
});

test("connections cut in the middle of votes: 200 or 503, and each request is whole", async () => {
  const requests: { id: string; digest: string }[] = [];
  for (let n = 0; n < 12; n += 1) requests.push(await rest.askAs(tokenOf("dana")));
  const max = tokenOf("max", ["managers"]);
  const locked = await rest.database.openSession("holds the votes");
  const votes = await locked.transaction("test", async (tx) => {
    await tx.query("select 1 from requests for update");
    const begun = requests.map((request) => rest.vote(max, request));
    await waitUntil("votes to wait for their rows", 30_000, async () => (await inLocks(rest.database)) >= 8);
    await rest.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and wait_event_type = 'Lock'`,
    );
    return begun;
  });
  await locked.close();
  const answers = await Promise.all(votes);
  expect(answers.filter(({ status }) => status === 503).length).toBeGreaterThanOrEqual(8);
  for (const answer of answers) if (answer.status !== 200) expectUnavailable(answer);
  const { rows } = await rest.database.query(
    `select 1 from requests r left join grants g on g.request_id = r.id
      where (r.status = 'approved') <> (g.id is not null)`,
  );
  expect(rows).toEqual([]);
  for (const request of requests) expect([200, 409]).toContain((await rest.vote(max, request)).status);
});
