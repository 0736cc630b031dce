/** Puts the planted secrets wherever one can stand, in good calls and bad ones, and while things are broken; keeps every answer. */
import { TOPICS } from "../../core/messages/topics.ts";
import { listAt } from "../../sample/story/see.ts";
import { createForger } from "../fault/forging.ts";
import type { RunningGateway } from "../harness/gateway.ts";
import { textAt } from "../../platform/programs/client.ts";
import type { System } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { type ApiPorts, askApiWithSecrets } from "./plant-in-api.ts";
import { submitBindingTokens } from "./plant-binding-tokens.ts";
import { refusedStarts, startWithSecrets } from "./plant-in-settings.ts";
import { checkWithCertificate, redeemWithAWrongToken } from "./plant-over-grpc.ts";
import { refusedTokens } from "./plant-tokens.ts";
import { PLANTED, signatureOf } from "./planted-secrets.ts";

export const ARRIVAL_MS = 60_000;

type Planting = {
  /** Everything that anybody was answered. */
  readonly answers: readonly string[];
  /** Beside those that are known beforehand. */
  readonly secrets: ReadonlyMap<string, string>;
  /** These are answered to one caller: they may be in no other place. */
  readonly answered: ReadonlyMap<string, string>;
  everything(): Promise<void>;
};

export function createPlanting(system: System, gateway: RunningGateway, api: ApiPorts): Planting {
  const answers: string[] = [];
  const [secrets, answered] = [new Map<string, string>(), new Map<string, string>()];
  let refused: readonly string[] = [];

  async function say(url: string, method: string, headers: Record<string, string>, body?: string): Promise<number> {
    const init = { method, headers, ...(body === undefined ? {} : { body }) };
    const response = await fetch(url, init);
    answers.push(`${JSON.stringify(Object.fromEntries(response.headers))} ${await response.text()}`);
    return response.status;
  }

  /** Calls through both enforcers that carry a secret wherever one can stand. */
  async function callWithSecrets(): Promise<void> {
    const dana = `Bearer ${await system.token("dana")}`;
    const carried = {
      ...{ cookie: `session=${PLANTED["a cookie"]}`, "x-api-key": PLANTED["a header"] },
      "x-forwarded-client-cert": `Hash=${PLANTED["the header of a client certificate"]};URI=spiffe://x/y`,
    };
    const query = `?api_key=${PLANTED["the value of a query"]}&${PLANTED["the value of a query"]}0000000000000000000`;
    const refund = JSON.stringify({ order: "42", amount: 40, note: PLANTED["a body"] });
    const json = { "content-type": "application/json" };
    for (const enforcer of [system.proxyUrl, `http://127.0.0.1:${gateway.port}`]) {
      for (const authorization of [
        dana,
        `Bearer ${PLANTED["a bearer token that is none"]}`,
        `Basic ${PLANTED["a basic credential"]}`,
        ...refused.map((token) => `Bearer ${token}`),
      ]) {
        const headers = { ...carried, authorization };
        await say(`${enforcer}/orders/42${query}`, "GET", headers);
        await say(`${enforcer}/orders/77${query}`, "DELETE", headers);
        await say(`${enforcer}/refunds`, "POST", { ...headers, ...json }, refund);
        await say(`${enforcer}/orders/78`, "DELETE", { ...headers, ...json }, `{${PLANTED["a body"]}`);
      }
    }
  }

  /** What REST is not made for: values that are wrong, in every place that takes one. */
  async function askWithSecrets(): Promise<void> {
    const authorization = `Bearer ${await system.token("dana")}`;
    const json = { authorization, "content-type": "application/json" };
    const [body, cursor] = [PLANTED["a value in a REST body"], PLANTED["the value of a REST query"]];
    const { url } = system.approval;
    for (const text of [
      JSON.stringify({ denial_id: body, justification: 7, requested: { duration: body, not_before: body } }),
      JSON.stringify({
        denial_id: "01930000-0000-7000-8000-0000000000ff",
        requested: { duration: "9999999h" },
        x: body,
      }),
      JSON.stringify({
        denial_id: "01930000-0000-7000-8000-0000000000ff",
        justification: "of a key that is kept secret",
      }),
      `{"${body}`,
      body,
    ])
      await say(`${url}/v1/requests`, "POST", { ...json, "idempotency-key": PLANTED["an idempotency key"] }, text);
    for (const path of [
      `requests?cursor=${cursor}`,
      `requests?entitlement=${cursor}`,
      `grants/${cursor}`,
      `${cursor}?x`,
    ])
      await say(`${url}/v1/${path}`, "GET", { authorization });
    for (const wrong of [
      `Bearer ${PLANTED["a bearer token that is none"]}`,
      `Basic ${PLANTED["a basic credential"]}`,
      ...refused.map((token) => `Bearer ${token}`),
    ])
      await say(`${url}/v1/requests`, "GET", { authorization: wrong });
  }

  async function askApi(): Promise<void> {
    answers.push(...(await askApiWithSecrets(api, await system.token("dana"))));
  }

  async function plantTokens(): Promise<void> {
    const tokens = await refusedTokens(system);
    refused = [...tokens.values()];
    for (const [what, token] of tokens) secrets.set(what, signatureOf(token));
    const submitted = await submitBindingTokens(system, api.http);
    answers.push(...submitted.answers);
    for (const [what, token] of submitted.tokens) answered.set(what, signatureOf(token));
  }

  async function plantInSettings(): Promise<void> {
    const { texts, keys } = await startWithSecrets(system);
    answers.push(...texts, ...(await refusedStarts(system)));
    for (const [what, key] of keys) secrets.set(what, key);
  }

  async function askOverGrpc(): Promise<void> {
    answers.push(...(await checkWithCertificate(system)), await redeemWithAWrongToken(system));
  }

  async function forge(): Promise<void> {
    await using forger = createForger(system.openStream());
    const [value, member] = [PLANTED["a record that nobody can read"], PLANTED["a member of such a record"]];
    const key = PLANTED["the key of such a record"];
    const headers = new Map([
      ["cs-kid", "nobody"],
      ["cs-sig", PLANTED["a header of such a record"]],
      ["cs-version", "0"],
      [PLANTED["a header of such a record"], "x"],
    ]);
    const text = JSON.stringify({ v: 1, [member]: value, denial_id: value, subject: { claims: { [member]: value } } });
    for (const topic of [TOPICS.denials.name, TOPICS.decisions.name, TOPICS.state.name]) {
      await forger.write({ topic, key, value: Buffer.from(text), headers }, { topic, key, value: Buffer.from(value) });
    }
    const sam = (await system.as("sam")).approvals;
    const { body } = await waitUntil("the forged records to be set aside", ARRIVAL_MS, async () => {
      const list = await sam("GET", "/v1/quarantine?limit=200");
      return listAt(list.body, "items").length >= 4 && list;
    });
    for (const item of listAt(body, "items")) {
      const path = `/v1/quarantine/${textAt(item, "id")}`;
      for (const answer of [await sam("GET", path), await sam("POST", `${path}/replay`)])
        answers.push(JSON.stringify(answer.body));
    }
    answers.push(JSON.stringify(body));
  }

  /** Faults that are logged with what caused them. */
  async function breakThings(): Promise<void> {
    await system.database.kill();
    await callWithSecrets();
    await askWithSecrets();
    await askApi();
    await system.database.start();
    await system.kafka.stop();
    await callWithSecrets();
    await askApi();
    await system.kafka.start();
    await Promise.all(system.decisions.map((decision) => decision.untilFresh()));
    await waitUntil("the approval service to be well", ARRIVAL_MS, async () => {
      const ready = await fetch(`${system.approval.opsUrl}/readyz`);
      return (await ready.text()).startsWith('{"status":"ok"');
    });
  }

  return {
    ...{ answers, secrets, answered },
    async everything() {
      await plantTokens();
      await callWithSecrets();
      await askWithSecrets();
      await askApi();
      await askOverGrpc();
      await forge();
      await breakThings();
      await plantInSettings();
      await callWithSecrets();
    },
  };
}
