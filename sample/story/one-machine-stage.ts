/** The story's stage on one machine: what `npm start` starts, with the gateway as enforcer and the stream in PostgreSQL. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCall, textAt } from "../../platform/programs/client.ts";
import type { Program } from "../../platform/programs/program.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import type { OneMachineSet } from "../one-machine/set.ts";
import type { Stage } from "./stage.ts";
import { runVerify } from "./verify.ts";

export function oneMachineStage(set: OneMachineSet, folder: string): Stage {
  const { ports, database } = set;
  const at = (port: number) => `http://127.0.0.1:${port}`;
  const decision = programOf(set, "decision");
  return {
    async as(user) {
      const tokenFor = async (audience: string) => {
        const asked = { body: { user, audience } };
        const { body } = await createCall(at(ports.issuer), undefined)("POST", "/token", asked);
        return textAt(body, "access_token");
      };
      return {
        proxy: createCall(at(ports.gateway), await tokenFor("orders")),
        approvals: createCall(at(ports.rest), await tokenFor("countersign")),
      };
    },
    orders: createCall(at(ports.orders), undefined),
    notified: () => set.notices,
    approval: programOf(set, "approval"),
    decision: {
      stop: () => decision.stop(),
      start: () => decision.start(),
      async untilFresh() {
        const ready = createCall(at(ports.decisionOps), undefined);
        await waitUntil("the decision service to be fresh", 20_000, async () => {
          const { body } = await ready("GET", "/readyz");
          return textAt(body, "status") === "ok";
        });
      },
    },
    database,
    async verifyTopic() {
      const file = join(folder, "stream-url");
      await writeFile(file, database.url, { mode: 0o600 });
      return runVerify(["--stream-url-file", file]);
    },
  };
}

function programOf({ programs }: OneMachineSet, name: string): Program {
  const program = programs.get(name);
  if (program === undefined) throw new Error(`no program ${name}`);
  return program;
}
