/**
 * The whole set with mutual TLS from Envoy to the decision services and from there to the approval service, each by its own
 * configuration. Two decision services, of which the second holds a certificate of another authority: it decides, but spends
 * nothing.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createAuthority, pairFiles, pemFile } from "../harness/certificates.ts";
import { DECISION_NAME, mtlsCluster } from "../harness/envoy-mtls-cluster.ts";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { type Answer, textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { answerOf } from "../../sample/story/ask.ts";

const possible = await canStartSystem();
const STRANGER = "decision-2";
let folder: string;
let system: System;

beforeAll(async () => {
  if (!possible) return;
  folder = await mkdtemp(join(tmpdir(), "over-tls-"));
  const ours = await createAuthority("ours");
  const foreign = await createAuthority("foreign");
  const ca = await pemFile(folder, "ca", ours.ca);
  const issue = async (name: string, use: "server" | "client", by = ours) =>
    pairFiles(folder, name, await by.issue({ name, use, hosts: ["127.0.0.1", DECISION_NAME] }));
  const envoy = await issue("envoy", "client");
  const decision = await issue("decision", "server");
  const approval = await issue("approval", "server");
  const known = await issue("redeemer", "client");
  const stranger = await issue("stranger", "client", foreign);

  system = await startSystem({
    decisions: 2,
    envoyClusters: [await mtlsCluster({ ...envoy, ca })],
    decisionSettings(settings) {
      const { cert, key } = settings.instance === STRANGER ? stranger : known;
      return {
        ...settings,
        listen: { ...settings.listen, certPath: decision.cert, keyPath: decision.key, clientCaPath: ca },
        redemption: { ...settings.redemption, tls: true, caPath: ca, certPath: cert, keyPath: key },
      };
    },
    approvalSettings: (settings) => ({
      ...settings,
      redemption: { ...settings.redemption, certPath: approval.cert, keyPath: approval.key, clientCaPath: ca },
    }),
  });
}, 180_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  if (possible) await rm(folder, { recursive: true, force: true });
}, 60_000);

(possible ? describe : describe.skip)("with mutual TLS everywhere", () => {
  test("dana's grant of three uses is spent by the decision service that is known, and never by the other", async () => {
    const dana = await system.as("dana");
    const max = await system.as("max");
    const remove = () => dana.proxy("DELETE", "/orders/42");
    const denialId = textAt((await answerOf(remove)).body, "denial_id");
    const submitted = await waitUntil("the denial to arrive", 30_000, async () => {
      const body = { denial_id: denialId, justification: "the customer cancelled it", requested: { max_uses: 3 } };
      const answer = await dana.approvals("POST", "/v1/requests", { body });
      return answer.status !== 404 && answer;
    });
    const review = { vote: "approve", digest: textAt(submitted.body, "request", "digest") };
    const reviews = `/v1/requests/${textAt(submitted.body, "request", "id")}/reviews`;
    const approved = await max.approvals("POST", reviews, { body: review });
    expect(approved).toMatchObject({ status: 200, body: { grant: { max_uses: 3 } } });

    // Envoy takes turns: until both have answered with the grant in hand.
    const answers: Answer[] = [];
    await waitUntil("both decision services to have used the grant, or tried to", 30_000, async () => {
      const answer = await remove();
      if (answer.status !== 403) answers.push(answer);
      return new Set(answers.map(({ status }) => status === 503)).size === 2;
    });
    const refused = answers.filter(({ status }) => status === 503);
    for (const { body } of refused)
      expect(body).toMatchObject({ outcome: "deny", reasons: ["redemption_unavailable"] });

    const passed = answers.filter(({ status }) => status !== 503);
    expect(passed[0]).toMatchObject({ status: 200, body: { deleted: "42" } });
    const grant = await dana.approvals("GET", `/v1/grants/${textAt(approved.body, "grant", "id")}`);
    expect(grant).toMatchObject({ status: 200, body: { uses: passed.length } });
  }, 60_000);
});
