/** docs/webhooks.md: what it shows is what is delivered, and its receiver takes what we sign. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import type { AccessRequest } from "../../core/domain/access-request.ts";
import { id } from "../../core/domain/id.ts";
import { createWebhookKey } from "../../services/approval/notify/signature.ts";
import { messageOf } from "../../services/approval/notify/message.ts";
import type { Notification } from "../../services/approval/ports.ts";
import { appendNotification } from "../../services/approval/store/notifications.ts";
import { GRANT, NOW, PENDING, uuid } from "../samples/domain.ts";

const page = readFileSync(new URL("../../docs/webhooks.md", import.meta.url), "utf8");
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm"))].map(([, text = ""]) => text);

const SENT: readonly Notification[] = [
  { kind: "review_requested", request: { ...PENDING, notify: ["refunds"] } },
  { kind: "review_escalated", request: PENDING, notify: ["duty"] },
  { kind: "request_ended", request: { ...PENDING, status: "approved" }, grant: GRANT },
  { kind: "grant_revoked", grant: { ...GRANT, state: "revoked" } },
];

async function deliveredOf(notification: Notification): Promise<unknown> {
  let body = "";
  const query = (_text: string, values: readonly unknown[] = []): Promise<never> => {
    body = String(values[1]);
    return Promise.reject(new Error("taken"));
  };
  await expect(appendNotification({ query }, notification, {})).rejects.toThrow("taken");
  const { kind } = notification;
  const delivered: unknown = JSON.parse(messageOf({ kind, createdAt: new Date(NOW), body }));
  return delivered;
}

function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>(Object.entries(Object(value)));
}

/** `shown`, with what it leaves to an earlier example (`…`) taken from there. */
function completed(shown: unknown, earlier: unknown): unknown {
  if (typeof shown !== "object" || shown === null || Array.isArray(shown)) return shown;
  const known = membersOf(earlier);
  const { "…": rest, ...own } = { "…": undefined, ...shown };
  const all = rest === undefined ? own : { ...Object.fromEntries(known), ...own };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, completed(value, known.get(name))]));
}

test("the page shows each type once, as it is delivered, to the member", async () => {
  const shown = blocks("json").map((text): unknown => JSON.parse(text));
  expect(shown).toHaveLength(SENT.length);
  let earlier: object = {};
  for (const [at, notification] of SENT.entries()) {
    const complete = completed(shown[at], { data: earlier });
    expect(complete).toEqual(await deliveredOf(notification));
    earlier = { ...earlier, ...Object(membersOf(complete).get("data")) };
  }
});

test("what is sent of a denied request says why in the words of whoever denied it, and of no other vote", async () => {
  const account = { issuer: "https://issuer.example", id: "max", groups: [], claims: {}, actors: [] };
  const reviewed = (n: number, vote: "approve" | "deny", comment: string | undefined) => ({
    ...{ id: id("review", uuid(n)), vote, comment, narrowing: undefined, at: NOW, account },
    reviewer: { person: { realm: "corp", id: `${n}` }, groups: [] },
  });
  const commentOf = async (...reviews: AccessRequest["reviews"]) => {
    const request: AccessRequest = { ...PENDING, status: "denied", statusReason: "denied_by_reviewer", reviews };
    const sent = membersOf(await deliveredOf({ kind: "request_ended", request, grant: undefined }));
    return membersOf(membersOf(sent.get("data")).get("request")).get("comment");
  };
  const agreed = reviewed(41, "approve", "looks fine");
  expect(await commentOf(agreed, reviewed(42, "deny", "not in the freeze"))).toBe("not in the freeze");
  expect(await commentOf(agreed)).toBeNull();
});

test("the receiver of the page refuses what is unsigned, changed or old, and takes what is signed now", () => {
  const [code = ""] = blocks("js");
  const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
  const key = createWebhookKey(secret);
  const taken = (seconds: number, body: string, signed: string) => {
    const headers = {
      ...{ "webhook-id": "a", "webhook-timestamp": String(seconds) },
      "webhook-signature": key.sign("a", seconds, signed),
    };
    const call = `console.log(verified(${JSON.stringify(headers)}, Buffer.from(${JSON.stringify(body)}), "${secret}").n)`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", `${code}\n${call}`], {
      encoding: "utf8",
    });
    return /Error: (.*)/.exec(stderr)?.[1] ?? stdout.trim();
  };
  const now = Math.floor(Date.now() / 1_000);
  expect(taken(now, '{"n":2}', '{"n":1}')).toBe("it is not signed by us");
  expect(taken(now - 301, '{"n":1}', '{"n":1}')).toBe("its time is not now");
  expect(taken(Number.NaN, '{"n":1}', '{"n":1}')).toBe("its time is not now");
  expect(taken(now, '{"n":1}', '{"n":1}')).toBe("1");
});
