/** `npm run policy` as an author types it, with the real OPA and the committed policies. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { once } from "node:events";
import { resolveTool } from "../tools/resolve-tool.ts";

const root = path.resolve(import.meta.dirname, "../..");
const opa = await resolveTool("opa");
/** Each call is a process of its own. */
jest.setTimeout(60_000);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "policy-command-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const policy = (...args: readonly string[]) => script("scripts/policy.ts", ...args);

async function script(...args: readonly string[]) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, out, err };
}

async function input(method: string, parsedPath: readonly string[], groups: readonly string[], more: object = {}) {
  const file = path.join(folder, "input.json");
  const context = { time: "2026-11-24T10:00:00Z", source_address: "10.1.2.3", state: { fresh: true } };
  const subject = { type: "user", id: "dana", properties: { groups } };
  const document = { action: { name: method }, parsed_path: parsedPath, parsed_body: null, subject, context, ...more };
  await writeFile(file, JSON.stringify(document));
  return file;
}

test("what it needs and what it does stand in its help; nonsense ends with 2", async () => {
  expect(await policy("explain", "--help")).toMatchObject({ code: 0, out: expect.stringContaining("Example:") });
  expect(await policy("nonsense")).toMatchObject({ code: 2 });
  expect(await policy("explain")).toMatchObject({ code: 2, err: expect.stringContaining("give --input or --id") });
  expect(await policy("diff", "rego/bundle", "nowhere", "x")).toMatchObject({ code: 2 });
});

test("inputs come from the decision service; one that keeps none is told apart from an id that it does not keep", async () => {
  let keeps = true;
  const server = createServer(({ url = "" }, response) => {
    if (!keeps || url.includes("unknown")) response.writeHead(404);
    response.end(keeps ? '{"n":9007199254740993}\n' : "");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const ops = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  try {
    expect((await policy("inputs", "--ops", ops)).out).toBe('{"n":9007199254740993}\n');
    expect((await policy("inputs", "unknown", "--ops", ops)).err).toContain("not kept (any more)");
    keeps = false;
    expect((await policy("inputs", "--ops", ops)).err).toContain("set development.keepInputs");
  } finally {
    server.close();
  }
});

test("diff: 0 where two bundles decide alike", async () => {
  const file = await input("GET", ["orders"], ["engineers"]);
  const told = await policy("diff", "rego/bundle", "rego/bundle", file);
  expect(told).toMatchObject({ code: 0, out: expect.stringContaining("1 inputs, 0 differ") });
});

(opa.kind === "found" ? test : test.skip)(
  "diff: 1 where a changed policy, built as its author would, decides otherwise: what it said, what it says, by input",
  async () => {
    const [source, built, file] = [
      path.join(folder, "source"),
      path.join(folder, "built"),
      path.join(folder, "recorded.ndjson"),
    ];
    await cp(path.join(root, "rego/countersign"), source, { recursive: true });
    const orders = path.join(source, "policies/orders/orders.rego");
    const before = await readFile(orders, "utf8");
    const closed = 'deny contains "orders_are_closed" if http.reads\n';
    await writeFile(
      orders,
      `${before.replace('"max_uses": 5', '"max_uses": 2')}\n# METADATA\n# title: Closed\n${closed}`,
    );
    for (const name of ["policies/orders/orders_test.rego", "self-test.json"])
      await rm(path.join(source, name), { force: true });
    expect(await script("scripts/build-bundle.ts", "--source", source, "--out", built)).toMatchObject({ code: 0 });
    const recorded: string[] = [];
    for (const method of ["GET", "DELETE", "PUT"])
      recorded.push(await readFile(await input(method, ["orders", "42"], ["engineers"]), "utf8"));
    await writeFile(file, `${recorded.join("\n")}\n`);
    const told = await policy("diff", "rego/bundle", built, file);
    expect(told.err).toBe("");
    expect(told.code).toBe(1);
    expect(told.out.split("\n")).toEqual([
      expect.stringMatching(/^--- rego\/bundle [0-9a-f]{32}$/),
      expect.stringMatching(/^\+\+\+ .*built [0-9a-f]{32}$/),
      "line 1",
      "- allow: orders_read",
      "+ deny: orders_are_closed",
      "line 2",
      "  elevate: orders-delete order/42",
      "  elevations.0.maxUses: 5 → 2",
      expect.stringMatching(/^3 inputs, 2 differ; most fuel \d+ → \d+$/),
      "",
    ]);
    expect(await policy("diff", built, built, file)).toMatchObject({
      code: 0,
      out: expect.stringContaining("3 inputs, 0 differ"),
    });
  },
);

(opa.kind === "found" ? describe : describe.skip)("explain, by OPA", () => {
  test("of a rule that did not fire: the condition, what was there, and what the condition rests on", async () => {
    const { code, out } = await policy(
      "explain",
      "--package",
      "orders",
      "--input",
      await input("DELETE", ["orders", "42"], ["sales"]),
    );
    expect(code).toBe(0);
    expect(out).toContain("deny: no_rule_matched\n");
    expect(out).toMatch(/by bundle [0-9a-f]{32}, [1-9]\d* fuel/);
    const elevation = /elevate contains[^]*?(?=\n {2}policies)/.exec(out)?.[0];
    expect(elevation).toContain('kept by: http.in_group("engineers")  rego/countersign/policies/orders/orders.rego:');
    expect(elevation).toContain('order is "42"');
    expect(elevation).toContain("kept by: group in input.subject.properties.groups  rego/countersign/lib/http.rego:");
    expect(elevation).toContain('input.subject.properties.groups is ["sales"]');
    expect(out).not.toContain("NOT what the source says");
    expect(out).not.toContain("policies.admin");
  });

  test("a package that does not exist is no package of which nothing fired", async () => {
    const file = await input("GET", ["orders"], ["managers"]);
    const { code, err } = await policy("explain", "--package", "order", "--input", file);
    expect(code).toBe(2);
    expect(err).toContain("no package countersign.policies.order in the source; it has: admin, ");
  });

  test("a helper is explained wherever it is asked, also when OPA has remembered its answer", async () => {
    const { out } = await policy(
      "explain",
      "--package",
      "admin",
      "--input",
      await input("GET", ["orders"], ["managers"]),
    );
    expect(out.match(/kept by: input\.parsed_path\[0\] == "admin"/g)).toHaveLength(2);
  });

  test("of a denial by `not`: that what it denies held; of what fired: its name", async () => {
    const { out } = await policy(
      "explain",
      "--package",
      "admin",
      "--input",
      await input("GET", ["admin", "x"], ["managers"]),
    );
    expect(out).toMatch(/^allow: admin$/m);
    expect(out).toMatch(/Fired\n {2}policies\.admin: allow contains "admin" {2}\(Managers administer\)/);
    expect(out).toContain("kept by (what it denies holds): not network.from_any(_networks)");
  });

  test("of a value that is not there: that it is not there", async () => {
    const file = await input("POST", ["refunds"], ["engineers"], { parsed_body: { order: 7 } });
    const { out } = await policy("explain", "--package", "refunds", "--input", file);
    expect(out).toContain("deny: refund_not_readable");
    expect(out).toContain("input.parsed_body.amount is not there");
  });

  test("a bundle that was not built from the source is said to be none of its", async () => {
    const source = path.join(folder, "other");
    const other = path.join(source, "orders.rego");
    const file = await input("GET", ["orders"], ["engineers"]);
    await mkdir(source, { recursive: true });
    await writeFile(
      other,
      'package countersign.policies.orders\n\ndeny contains "closed" if input.action.name == "GET"\n',
    );
    const { out } = await policy("explain", "--input", file, "--source", "rego/countersign/decision.rego", other);
    expect(out).toContain("allow: orders_read");
    expect(out).toContain("NOT what the source says: deny: closed");
  });
});
