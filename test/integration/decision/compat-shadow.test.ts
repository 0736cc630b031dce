/**
 * As shadow.test.ts where a policy of opa-envoy-plugin decides: another one beside it answers otherwise, never ends, or is none, and the
 * answers are those of the first. And such a policy beside one of ours, as after a migration, and one of ours beside it, as before.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parse, stringify } from "yaml";
import {
  AuthorizationService,
  CheckRequest,
  CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { writeArchive } from "../../../core/policy/bundles/write-archive.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { frame, sendFrames } from "../../harness/grpc-frames.ts";
import { hasOpa } from "../../harness/made-bundle.ts";
import { COMPAT_PATH, makeCompatBundle } from "../../harness/made-compat-bundle.ts";
import { metricLine } from "../../harness/metrics.ts";
import { sampleFiles } from "../../harness/signed-bundle.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { claims, startLoneDecision, token } from "./lone-decision.ts";

const ACTIVE = `package envoy.authz

default allow := false

allow := {"allowed": true, "headers": {"x-user": input.attributes.request.http.headers["x-user"]}}
`;
const CANDIDATE = `package envoy.authz

user := input.attributes.request.http.headers["x-user"]

allow := {"allowed": true, "headers": {"x-user": upper(user)}, "dynamic_metadata": {"who": user}} if user == "secret-dana"
allow := {"allowed": false, "http_status": 402, "body": "secret-body"} if user == "max"
allow if { user == "endless"; some a in numbers.range(1, 2000); some b in numbers.range(1, 2000); some c in numbers.range(1, 2000); (a + b) + c == 0 }
allow if { user == "nobody"; input.subject.id == "dana" }
`;

let folder: string;
let owned: AsyncDisposableStack;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "compat-shadow-"));
  owned = new AsyncDisposableStack();
});
afterAll(async () => {
  await owned.disposeAsync();
  await rm(folder, { recursive: true, force: true });
});

const archive = (name: string) => join(folder, `${name}.tar.gz`);

async function start(name: string, bundle: string, shadow: object, policy: object): Promise<Decision> {
  const trust = { unsigned: "accepted", shadow };
  const service = await startLoneDecision({ folder, name, bundle, trust, policy });
  owned.defer(() => service.kill());
  return service;
}

/** `raw`: as the native bootstrap has Envoy send headers. */
async function answerTo({ port }: Decision, headers: Record<string, string>, { raw = false } = {}) {
  const list = Object.entries(headers).map(([key, value]) => ({ key, value: "", rawValue: Buffer.from(value) }));
  const http = {
    ...{ id: "1", method: "GET", path: "/orders/42", host: "shop.example", scheme: "https", protocol: "HTTP/1.1" },
    ...{ query: "", fragment: "", size: 0, body: "", rawBody: Buffer.alloc(0) },
    headers: new Map(raw ? [] : Object.entries(headers)),
    headerMap: raw ? { headers: list } : undefined,
  };
  const request = { time: new Date(), http };
  const attributes = { source: undefined, destination: undefined, request, contextExtensions: new Map() };
  const body = frame(Buffer.from(CheckRequest.encode({ attributes }).finish()));
  const { message } = await sendFrames(port, { path: AuthorizationService.check.path, body });
  return CheckResponse.decode(message ?? Buffer.alloc(0));
}

/** What the active policy says to whoever has a name. */
const passed = (user: string) => ({
  status: { code: 0 },
  httpResponse: { $case: "okResponse", value: { headers: [{ header: { key: "x-user", value: user } }] } },
});

async function shown({ opsUrl }: Decision): Promise<unknown> {
  const bundle: unknown = await (await fetch(`${opsUrl}/v1/bundle`)).json();
  return typeof bundle === "object" && bundle !== null && "shadow" in bundle ? bundle.shadow : undefined;
}

async function untilShown(service: Decision, what: string, expected: object): Promise<void> {
  let last: unknown;
  await waitUntil(what, 20_000, async () => {
    last = await shown(service);
    try {
      expect(last).toMatchObject(expected);
      return true;
    } catch {
      return false;
    }
  }).catch(() => expect(last).toMatchObject(expected));
}

function metric({ opsUrl }: Decision, begin: string): Promise<string | undefined> {
  return metricLine(opsUrl, `countersign_decision_${begin}`);
}

async function told(service: Decision): Promise<readonly string[]> {
  return (await service.log()).split("\n").filter((line) => line.includes('"shadow_difference"'));
}

((await hasOpa()) ? describe : describe.skip)("beside a policy of opa-envoy-plugin, a candidate", () => {
  let service: Decision;
  beforeAll(async () => {
    await makeCompatBundle(archive("active"), ACTIVE, { revision: "first" });
    await makeCompatBundle(archive("candidate"), CANDIDATE, { revision: "second" });
    service = await start(
      "compat",
      archive("active"),
      { path: archive("candidate") },
      {
        compat: { path: COMPAT_PATH },
        budget: { timeMs: 500 },
      },
    );
    await untilShown(service, "the candidate", {
      active: { revision: "second" },
      compared: { agreed: 0, differed: 0 },
    });
  });

  test("that answers otherwise changes no answer; each difference is counted by its kind, and told without what requests held", async () => {
    for (const user of ["secret-dana", "max"])
      expect(await answerTo(service, { "x-user": user })).toMatchObject(passed(user));
    await untilShown(service, "the differences", { compared: { agreed: 0, differed: 2, dropped: 0, lost: 0 } });
    for (const kind of ["response", "metadata", "outcome"])
      expect(await metric(service, `shadow_differences_total{kind="${kind}"}`)).toMatch(/ 1$/);
    expect(await metric(service, "shadow_info")).toContain('revision="second"');
    const lines = await told(service);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { kinds: ["response", "metadata"], active: { outcome: "allow", reasons: [] }, candidate: { outcome: "allow" } },
      {
        kinds: ["outcome"],
        revision: "first",
        candidateRevision: "second",
        candidate: { outcome: "deny", status: 402 },
      },
    ]);
    expect(lines.join("\n")).not.toContain("secret");
  });

  test("that never ends delays no answer: they are all there before it is through with the first few", async () => {
    const users = Array.from({ length: 8 }, () => "endless");
    const answers = await Promise.all(users.map((user) => answerTo(service, { "x-user": user })));
    expect(await shown(service)).toMatchObject({ compared: { differed: 2 } });
    expect(answers).toMatchObject(users.map(passed));
    await untilShown(service, "the differences", { compared: { differed: 10 } });
    expect(await metric(service, 'shadow_differences_total{kind="fault"}')).toMatch(/ 8$/);
    expect((await told(service)).at(-1)).toContain('"candidate":{"outcome":"policy_budget_exceeded","reasons":[]}');
    expect(await metric(service, "policy_evaluation_seconds_count")).toMatch(/ 10$/);
  });

  test.each<[string, () => Promise<void>, object]>([
    ["is no bundle", () => writeFile(archive("candidate"), "nothing"), { failing: { reason: expect.anything() } }],
    [
      "has no entrypoint on the path",
      () =>
        makeCompatBundle(archive("candidate"), "package envoy.other\n\nallow := true\n", {
          entrypoint: "envoy/other/allow",
        }),
      { refused: { reason: "invalid_bundle", detail: expect.stringContaining("build it with -e envoy/authz/allow") } },
    ],
    [
      "is one of ours",
      async () => writeFile(archive("candidate"), await writeArchive(await sampleFiles())),
      {
        refused: {
          reason: "invalid_bundle",
          detail: expect.stringContaining("it is a bundle of countersign.policies"),
        },
      },
    ],
  ])("that %s leaves the active policy alone", async (_, replace, expected) => {
    await replace();
    service.reload();
    await untilShown(service, "the refusal", { active: null, ...expected });
    expect(await answerTo(service, { "x-user": "max" })).toMatchObject(passed("max"));
  });

  test("that is taken out of the configuration ends", async () => {
    const configuration: unknown = parse(await readFile(service.configPath, "utf8"));
    const without = { ...Object(configuration), bundle: { ...Object(configuration).bundle, shadow: undefined } };
    await writeFile(service.configPath, stringify(without));
    service.reload();
    await waitUntil("no candidate", 20_000, async () => (await shown(service)) === null);
    expect(await answerTo(service, { "x-user": "max" })).toMatchObject(passed("max"));
  });
});

((await hasOpa()) ? test : test.skip)(
  "a policy of opa-envoy-plugin beside one of ours is asked by the same request, as after a migration",
  async () => {
    await makeCompatBundle(archive("former"), CANDIDATE, { revision: "former" });
    const shadow = { path: archive("former"), compatPath: COMPAT_PATH };
    const service = await start("ours", join(import.meta.dirname, "../../../rego/bundle"), shadow, {});
    await untilShown(service, "the candidate", { active: { revision: "former" } });
    const headers = { authorization: `Bearer ${token()}` };
    for (const user of ["max", "nobody"])
      expect(await answerTo(service, { ...headers, "x-user": user }, { raw: true })).toMatchObject({
        status: { code: 0 },
      });
    await untilShown(service, "what it says", { compared: { agreed: 1, differed: 1 } });
    expect(JSON.parse((await told(service))[0] ?? "")).toMatchObject({
      kinds: ["outcome"],
      active: { outcome: "allow", reasons: ["orders_read"] },
      candidate: { outcome: "deny", status: 402 },
    });
  },
);

((await hasOpa()) ? test : test.skip)(
  "one of ours beside a policy of opa-envoy-plugin is told who calls, as before a migration; what it says changes no answer",
  async () => {
    await makeCompatBundle(archive("present"), ACTIVE, { revision: "present" });
    const shadow = { path: join(import.meta.dirname, "../../../rego/bundle"), native: true };
    const service = await start("native", archive("present"), shadow, { compat: { path: COMPAT_PATH } });
    await untilShown(service, "the candidate", { active: { revision: expect.stringMatching(/^[0-9a-f]{32}$/) } });
    const stranger = token({ payload: claims({ sub: "sam", groups: [] }) });
    for (const bearer of [token(), stranger, `${token()}x`, undefined]) {
      const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
      expect(await answerTo(service, { ...authorization, "x-user": "max" })).toMatchObject(passed("max"));
    }
    const response = { agreed: 0, differed: 3, not_identified: 1, not_described: 0, dropped: 0, lost: 0 };
    await untilShown(service, "what it says", { compared: response });
    expect((await told(service)).map((line) => JSON.parse(line))).toMatchObject([
      { kinds: ["response"], active: { outcome: "allow" }, candidate: { outcome: "allow", reasons: ["orders_read"] } },
      { kinds: ["outcome"], active: { outcome: "allow" }, candidate: { outcome: "deny", reasons: [] } },
      { kinds: ["outcome"], active: { outcome: "allow" }, candidate: { outcome: "deny", reasons: [] } },
    ]);
    expect(await metric(service, 'shadow_not_compared_total{why="not_identified"}')).toMatch(/ 1$/);
    expect(await service.log()).not.toContain(stranger);
  },
);
