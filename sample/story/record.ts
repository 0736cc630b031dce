/** Step 11: sam finds every step on record, in order, and the record is whole. */
import { textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import type { Approved } from "./approving.ts";
import { listAt, members, POLITE_MS } from "./see.ts";
import type { Stage } from "./stage.ts";
import type { Teller } from "./teller.ts";
import { runVerify } from "./verify.ts";

export async function record(stage: Stage, tell: Teller, { requestId, grantId }: Approved): Promise<void> {
  tell.step(11, "sam reads the record: every step in order, and the chain is whole");
  const forbidden = await (await stage.as("dana")).approvals("GET", "/v1/audit");
  tell.see("dana may not", 403, forbidden.status);

  const ofTheFirst = (event: unknown) => [requestId, grantId].some((id) => JSON.stringify(event).includes(id));
  const look = async () => {
    const all = await everything(stage);
    const types = all.filter(ofTheFirst).map((event) => textAt(event, "type"));
    return types.includes("countersign.grant.used.v1") && types.includes("countersign.decision.v1") ? all : undefined;
  };
  const events = await waitUntil("the use of the grant to be on record", 20_000, look, { everyMs: POLITE_MS });
  const approval = events.filter((event) => textAt(event, "logid") === "approval");
  const steps = approval.filter(ofTheFirst).map((event) => textAt(event, "type").replace(/^countersign\.|\.v1$/g, ""));
  tell.see(
    "the first request",
    ["request.submitted", "review.refused", "review.recorded", "request.approved", "grant.issued", "grant.used"],
    steps,
  );
  const revisions = approval
    .filter(ofTheFirst)
    .map((event) => members(members(event, "data")["data"], "policy_revision"));
  tell.see(
    "each names its policy revision",
    true,
    revisions.every((one) => typeof one["policy_revision"] === "string"),
  );
  const decision = events.find((event) => ofTheFirst(event) && textAt(event, "type") === "countersign.decision.v1");
  tell.see("a decision carries who approved and why", true, JSON.stringify(decision).includes("justification"));

  const file = await runVerify(["--from-zero"], approval.map((event) => `${JSON.stringify(event)}\n`).join(""));
  tell.see("verify, on what REST gave", 0, file.exitCode);
  tell.note(file.text.trim());
  const topic = await stage.verifyTopic();
  tell.see("verify, on the audit topic", 0, topic.exitCode);
  for (const line of topic.text.trim().split("\n")) tell.note(line);
}

async function everything(stage: Stage): Promise<readonly unknown[]> {
  const { approvals } = await stage.as("sam");
  const events: unknown[] = [];
  for (let after = "0"; ; ) {
    const { body } = await approvals("GET", `/v1/audit?after=${after}&limit=200`);
    const items = listAt(body, "items");
    events.push(...items.map((item) => members(item, "event")["event"]));
    after = textAt(body, "next");
    if (items.length === 0) return events;
  }
}
