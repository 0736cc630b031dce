/**
 * A policy that denies everything and tells, as its reasons, what of the moment it was given; and an enforcer that asks by gRPC and reads
 * that. So a test sees what arrives in a policy of the running service, through all that lies between.
 */
import { type Client, credentials, Metadata } from "@grpc/grpc-js";
import {
  AuthorizationClient,
  CheckRequest,
  type CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";
import { checkBytes, deniedAs } from "./check-messages.ts";

const TELLING = `package countersign

decision := {
  "outcome": "deny", "reasons": [json.marshal({name: value}) | some name, value in told],
  "elevations": [], "responses": [], "context_missing": [], "malformed": [],
}

# Always there, so that there is a reason when nothing else is known.
told["asked"] := true

told["subject"] := input.subject.id

told["time"] := input.context.time

told["local"] := input.context.local

told["from"] := input.context.source_address

told["country"] := input.context.country

told["device"] := input.context.device
`;

/** With the reads that a build declares, so that the service leaves out what it would leave out of any input. */
export function makeTellingBundle(folder: string): Promise<void> {
  return makeBundle(folder, [TELLING, NO_APPROVAL], { countersign: { requires: {} } }, { declaresReads: true });
}

type Told = {
  readonly subject?: string;
  readonly time?: string;
  readonly local?: { readonly [name: string]: unknown };
  readonly from?: string;
  readonly country?: string;
  readonly device?: { readonly [name: string]: unknown };
};

type Asked = {
  /** Address of the enforcer's peer. */
  readonly from?: string;
  readonly headers?: [string, string][];
};

export type Asking = Pick<Client, "close"> & {
  /** What the policy was given. Rejects with the problem where it was not asked. */
  told(asked?: Asked): Promise<Told>;
  /** The reasons of a denial that came before the policy. */
  refusal(asked: Asked): Promise<string>;
};

export function createAsking(port: number): Asking {
  const client = new AuthorizationClient(`127.0.0.1:${port}`, credentials.createInsecure());

  async function reasonsOf({ from = "192.0.2.1", headers = [] }: Asked): Promise<readonly string[]> {
    const request = CheckRequest.decode(checkBytes({ headers, from }));
    const answer = await new Promise<CheckResponse>((resolve, reject) => {
      const options = { deadline: Date.now() + 30_000 };
      client.check(request, new Metadata(), options, (error, response) => (error ? reject(error) : resolve(response)));
    });
    return deniedAs(answer).reasons;
  }

  return {
    close: () => client.close(),
    refusal: async (asked) => (await reasonsOf(asked)).join(),
    async told(asked = {}) {
      const [first, ...members] = await reasonsOf(asked);
      if (first !== "policy_denied") throw new Error(`the policy was not asked: ${first}`);
      const told: Told = Object.assign({}, ...members.map((member): unknown => JSON.parse(member)));
      return told;
    },
  };
}
