/**
 * Tokens of a megabyte at every edge of the running service: ext_authz below and above its message limit, AuthZEN over HTTP, DecisionService.
 * Each is refused in so many words, none is remembered, and an honest call is served after each. A room of its own beside hostile-tokens.test.ts
 * since the service is configured as it is by default, where such a token reaches identification.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { credentials, Metadata, status } from "@grpc/grpc-js";
import { DecisionServiceClient, Mode, Outcome } from "../../../proto/gen/countersign/v1/decision.ts";
import { metricTotal } from "../../harness/metrics.ts";
import { freePort } from "../../harness/free-port.ts";
import { HEAP_AFTER_GC, heldBytes } from "../../harness/held-bytes.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { createEnforcer } from "./ask-check.ts";
import { claims, ISSUER, startLoneDecision, token } from "./lone-decision.ts";

const MEGABYTE = 1_048_576;
/** What a token may have beside it in a message that is just within the limit. */
const ROOM = 1_024;
const REPEATED = 150;
/** What is held of `REPEATED` megabytes that came one after another. */
const MOST_HELD = 64 * MEGABYTE;

const owned = new AsyncDisposableStack();
const ports = { http: 0, grpc: 0 };
let service: Decision;
let check: (bearer: string) => Promise<string>;
let asker: DecisionServiceClient;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "huge-tokens-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const tokenPath = join(folder, "asker");
  await writeFile(tokenPath, "service-token-of-the-asker");
  [ports.http, ports.grpc] = [await freePort(), await freePort()];
  const clients = [{ name: "asker", tokenPath, subjects: { user: ISSUER } }];
  const api = { baseUrl: "https://pdp.example", httpPort: ports.http, grpcPort: ports.grpc, clients };
  const listen = { maxMessageBytes: MEGABYTE };
  service = owned.use(
    await startLoneDecision({ folder, name: "decision", listen, further: { api }, preload: [HEAP_AFTER_GC] }),
  );
  const enforcer = createEnforcer(service.port);
  owned.defer(() => enforcer.close());
  check = enforcer.outcome;
  asker = new DecisionServiceClient(`127.0.0.1:${ports.grpc}`, credentials.createInsecure());
  owned.defer(() => asker.close());
});
afterAll(() => owned.disposeAsync());

afterEach(async () => {
  expect(service.isRunning()).toBe(true);
  expect(await check(token())).toBe("allow");
  expect(await evaluate(token())).toBe(Outcome.OUTCOME_DENY);
  expect(await post(token())).toMatch(/^HTTP\/1\.1 200 /);
});

/** A token of so many characters: with an honest signature, or cut out of nothing. */
function ofLength(length: number, kind: "signed" | "noise"): string {
  if (kind === "noise") return "x".repeat(length);
  const empty = token({ payload: claims({ padding: "" }) }).length;
  return token({ payload: claims({ padding: "x".repeat(Math.floor(((length - empty) * 3) / 4)) }) });
}

const DANA = { subject: { type: "user", id: "dana" }, action: { name: "read" }, resource: { type: "file", id: "f1" } };

/** The outcome, or the status of a gRPC error. */
function evaluate(bearer: string): Promise<Outcome | string> {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${bearer}`);
  const named = { properties: undefined };
  const question = {
    subject: { ...DANA.subject, ...named },
    action: { ...DANA.action, ...named },
    resource: { ...DANA.resource, ...named },
    ...{ context: undefined, mode: Mode.MODE_ASK },
  };
  return new Promise((resolve) => {
    asker.evaluate(question, metadata, { deadline: Date.now() + 30_000 }, (error, answer) =>
      resolve(error === null ? answer.outcome : `grpc ${status[error.code]}`),
    );
  });
}

/** The first line of what AuthZEN answers, or how it closed the connection while the token was still on its way. */
function post(bearer: string): Promise<string> {
  const body = JSON.stringify(DANA);
  const head = [
    ...["POST /access/v1/evaluation HTTP/1.1", "host: pdp.example", "connection: close"],
    ...["content-type: application/json", `content-length: ${body.length}`, `authorization: Bearer ${bearer}`],
  ];
  return new Promise((resolve) => {
    const socket = net.connect(ports.http, "127.0.0.1");
    socket.once("data", (data) => {
      resolve(data.toString("latin1").split("\r\n")[0] ?? "");
      socket.destroy();
    });
    socket.once("error", ({ message }) => resolve(message));
    socket.once("end", () => resolve("closed without an answer"));
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  });
}

test.each(["signed", "noise"] as const)(
  "ext_authz: 401 within the limit of a message, an explicit 400 beyond it (%s)",
  async (kind) => {
    expect(await check(ofLength(MEGABYTE - ROOM, kind))).toBe("401 credential_malformed");
    expect(await check(ofLength(MEGABYTE + ROOM, kind))).toBe("400 request_parse_error");
  },
);

test("ext_authz: far beyond the limit the transport refuses it, which a proxy takes for a denial", async () => {
  expect(await check(ofLength(6 * MEGABYTE, "noise"))).toBe("grpc RESOURCE_EXHAUSTED");
});

test.each(["signed", "noise"] as const)(
  "AuthZEN over HTTP: 431, or closed before it is read, and nothing is asked (%s)",
  async (kind) => {
    const before = await metricTotal(service.opsUrl, "countersign_decision_decisions_total");
    expect(await post(ofLength(20_000, kind))).toMatch(/^HTTP\/1\.1 431 /);
    expect(await post(ofLength(MEGABYTE, kind))).toMatch(/^HTTP\/1\.1 431 |ECONNRESET|EPIPE/);
    expect(await metricTotal(service.opsUrl, "countersign_decision_decisions_total")).toBe(before);
  },
);

test.each(["signed", "noise"] as const)("DecisionService: an error and never an outcome (%s)", async (kind) => {
  expect(await evaluate(ofLength(MEGABYTE, kind))).toMatch(/^grpc /);
});

test(`${REPEATED} of them, each another one, are not held`, async () => {
  const held = () => heldBytes(service);
  const refuse = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      const huge = `${n}.${"x".repeat(MEGABYTE - ROOM)}`;
      expect(await check(huge)).toBe("401 credential_malformed");
      if (n % 10 === 0) await Promise.all([post(huge), evaluate(huge)]);
    }
  };
  await refuse(REPEATED / 3);
  const before = await held();
  expect(before).toBeGreaterThan(0);
  await refuse(REPEATED);
  expect((await held()) - before).toBeLessThan(MOST_HELD);
  expect(await metricTotal(service.opsUrl, "countersign_decision_tokens_remembered", { outcome: "refused" })).toBe(0);
}, 300_000);
