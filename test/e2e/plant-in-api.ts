/**
 * The planted secrets in what the API of a decision service is asked, AuthZEN over HTTP and DecisionService over gRPC alike: by its client, by
 * a person, and with credentials that nobody believes; in questions that are answered and in bodies that are none.
 */
import { credentials, Metadata } from "@grpc/grpc-js";
import { DecisionServiceClient, Mode } from "../../proto/gen/countersign/v1/decision.ts";
import { PLANTED } from "./planted-secrets.ts";

export type ApiPorts = { readonly http: number; readonly grpc: number };

type Answered = { readonly status: number | string; readonly text: string };

const CREDENTIALS = [
  `Bearer ${PLANTED["the token of a client of the API"]}`,
  `Bearer ${PLANTED["a bearer token that is none"]}`,
  `Basic ${PLANTED["a basic credential"]}`,
];

/** Everything that was answered. @throws when nothing was evaluated: then a search for secrets shows nothing */
export async function askApiWithSecrets(ports: ApiPorts, personsToken: string): Promise<readonly string[]> {
  const answers: Answered[] = [];
  for (const authorization of [`Bearer ${personsToken}`, ...CREDENTIALS])
    answers.push(...(await askOverHttp(ports.http, authorization)), ...(await askOverGrpc(ports.grpc, authorization)));
  const seen = new Set(answers.map(({ status }) => status));
  for (const status of [200, 400, 401, "answered", "refused"])
    if (!seen.has(status)) throw new Error(`no call of the API was ${status}, only ${[...seen].join(", ")}`);
  return answers.map(({ text }) => text);
}

/** NB: nothing in the properties of the subject: what a client says there are its claims, and a denial carries them to the approvers. */
function questionWith(secret: string) {
  const stated = { note: secret, [secret]: secret };
  return {
    subject: { type: "user", id: "dana" },
    action: { name: "DELETE", properties: stated },
    resource: { type: "order", id: "42", properties: stated },
    context: stated,
  };
}

async function askOverHttp(port: number, authorization: string): Promise<readonly Answered[]> {
  const question = questionWith(PLANTED["a value in a question over HTTP"]);
  const search = { ...question, resource: { type: "order" } };
  const calls: readonly (readonly [path: string, body: string])[] = [
    ["evaluation", JSON.stringify(question)],
    ["evaluation", JSON.stringify({ ...question, options: { countersign_mode: "enforce" } })],
    [`evaluation?token=${PLANTED["the value of a query"]}`, JSON.stringify(question)],
    ["evaluation", JSON.stringify({ ...question, context: PLANTED["a value in a question over HTTP"] })],
    ["evaluation", `{"${PLANTED["a value in a question over HTTP"]}`],
    ["evaluations", JSON.stringify({ ...question, evaluations: [{}, { context: question.context }] })],
    ["search/resource", JSON.stringify(search)],
  ];
  const headers = {
    ...{ authorization, "content-type": "application/json" },
    ...{ cookie: `session=${PLANTED["a cookie"]}`, "x-api-key": PLANTED["a header"] },
  };
  const answers: Answered[] = [];
  for (const [path, body] of calls) {
    const answer = await fetch(`http://127.0.0.1:${port}/access/v1/${path}`, { method: "POST", headers, body });
    const text = `${JSON.stringify(Object.fromEntries(answer.headers))} ${await answer.text()}`;
    answers.push({ status: answer.status, text });
  }
  return answers;
}

async function askOverGrpc(port: number, authorization: string): Promise<readonly Answered[]> {
  const question = questionWith(PLANTED["a value in a question over gRPC"]);
  const subject = { ...question.subject, properties: undefined };
  const metadata = new Metadata();
  metadata.set("authorization", authorization);
  metadata.set("x-api-key", PLANTED["a header"]);
  const client = new DecisionServiceClient(`127.0.0.1:${port}`, credentials.createInsecure());
  const answers: Answered[] = [];
  for (const mode of [Mode.MODE_ASK, Mode.MODE_ENFORCE])
    answers.push(
      await new Promise((resolve) => {
        client.evaluate({ ...question, subject, mode }, metadata, { deadline: Date.now() + 10_000 }, (error, answer) =>
          resolve(
            error === null
              ? { status: "answered", text: JSON.stringify(answer) }
              : { status: "refused", text: `${error.message} ${JSON.stringify(error.metadata.getMap())}` },
          ),
        );
      }),
    );
  client.close();
  return answers;
}
