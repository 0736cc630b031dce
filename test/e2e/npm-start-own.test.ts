/** `npm start` as a small team runs it: before its own upstream, with its own identity provider, by the example that it starts from. */
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createCall, textAt } from "../../platform/programs/client.ts";
import { SAMPLE_ACCOUNTS } from "../../sample/token-issuer/accounts.ts";
import { startTokenIssuer } from "../../sample/token-issuer/server.ts";
import { signingKeyIn } from "../../sample/token-issuer/signing-key.ts";
import { startAsPerson } from "../harness/npm-start.ts";
import { processesWith } from "../harness/processes-with.ts";

const ROOT = join(import.meta.dirname, "../..");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "npm-start-own-"));
  await chmod(folder, 0o711);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const start = (settings: string) =>
  startAsPerson({ cwd: folder, env: { COUNTERSIGN_DATA: join(folder, "data"), COUNTERSIGN_SETTINGS: settings } });

describe("npm start with settings of one's own", () => {
  test.each([
    [
      "decision: { listen: { port: 1 }, state: {} }\nportal: {}",
      /decision: listen, state cannot be set, .*; portal is no program of the set/,
    ],
    ["- a list", /holds no sections; it has to have gateway, decision or approval/],
    ["a: b: c", /cannot be read: /],
  ])("%j is refused in one line, and nothing is started", async (text, why) => {
    const path = join(folder, "refused.yaml");
    await writeFile(path, text);
    const set = start(path);
    expect(await set.ended).toBe(1);
    expect(set.said().trimEnd()).toMatch(new RegExp(`^COUNTERSIGN_SETTINGS: ${path} .*${why.source}.*$`));
    expect(await processesWith(folder)).toEqual([]);
  });

  test("what the program of a section refuses is said by that program", async () => {
    const path = join(folder, "misspelt.yaml");
    await writeFile(path, "gateway: { rutes: [] }");
    const set = start(path);
    expect(await set.ended).toBe(1);
    expect(set.said()).toMatch(/rutes/);
  });

  test("the example stands before one's upstream and takes one's tokens; nothing of the sample runs", async () => {
    const upstream = createServer((_, response) => response.end(JSON.stringify({ from: "our own" })));
    await once(upstream.listen(0, "127.0.0.1"), "listening");
    const address = upstream.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const deps = {
      key: await signingKeyIn(join(folder, "idp")),
      accounts: SAMPLE_ACCOUNTS,
      now: () => Date.now(),
      newId: () => crypto.randomUUID(),
    };
    const terms = { audience: ["orders", "countersign"], lifetimeSeconds: 600 };
    await using idp = await startTokenIssuer(deps, { port: 0, issuer: "https://login.example.com", ...terms });
    const example = await readFile(join(ROOT, "deploy/small-team.yaml"), "utf8");
    const path = join(folder, "settings.yaml");
    await writeFile(
      path,
      example
        .replaceAll("http://127.0.0.1:3000", `http://127.0.0.1:${port}`)
        .replaceAll("https://login.example.com/keys", `http://127.0.0.1:${idp.port}/jwks.json`)
        .replaceAll("/srv/policies/bundle", join(ROOT, "rego/bundle"))
        .replaceAll("RS256", "EdDSA"),
    );
    const set = start(path);
    try {
      await set.ready();
      expect(set.said()).not.toMatch(/✓ (issuer|orders)|tokens /);
      const tokenFor = async (audience?: string) => {
        const asked = { body: { user: "dana", ...(audience === undefined ? {} : { audience }) } };
        const { body } = await createCall(`http://127.0.0.1:${idp.port}`, undefined)("POST", "/token", asked);
        return textAt(body, "access_token");
      };
      expect((await createCall(set.address("proxy"), undefined)("GET", "/orders/42")).status).toBe(403);
      const proxy = createCall(set.address("proxy"), await tokenFor("orders"));
      expect(await proxy("GET", "/orders/42")).toMatchObject({ status: 200, body: { from: "our own" } });
      const denied = await proxy("DELETE", "/orders/42");
      expect(textAt(denied.body, "outcome")).toBe("needs_approval");
      // What the upstream receives, or could receive, opens nothing here.
      for (const token of [await tokenFor("orders"), await tokenFor()]) {
        const upstream = createCall(set.address("approvals"), token);
        const refused = { status: 401, body: { code: "credential_audience_wrong" } };
        expect(await upstream("GET", "/v1/denials")).toMatchObject(refused);
      }
      const approvals = createCall(set.address("approvals"), await tokenFor("countersign"));
      expect((await approvals("GET", "/v1/denials")).status).toBe(200);
    } finally {
      set.child.kill("SIGINT");
      expect(await set.ended).toBe(0);
      upstream.close();
    }
  });
});
