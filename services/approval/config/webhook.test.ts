import { expect, test } from "@jest/globals";
import { webhookFaults } from "./webhook.ts";

const fine = {
  url: "https://chat.example.com/hook",
  secret: "whsec_b25seSBmb3IgdGhpcyB0ZXN0IGFuZCBubyBvdGhlcg==",
  allowedRanges: [],
};
const said = (changes: object) => webhookFaults({ ...fine, ...changes }).map(({ key, problem }) => `${key} ${problem}`);

test.each([
  [
    "a password in its address, which is never sent",
    { url: "https://u:hunter2@chat.example.com/hook" },
    "webhook.url may not hold a user name or password; remove them",
  ],
  [
    "plain http to any host",
    { url: "http://chat.example.com/hook" },
    "webhook.url is plain http, which goes to addresses of webhook.allowedRanges alone; use https, or name them",
  ],
  [
    "an authority where there is no TLS",
    { url: "http://chat.example.com/hook", allowedRanges: ["10.0.0.0/8"], caPath: "ca.pem" },
    "webhook.caPath is set, and webhook.url is plain http; remove it, or use https",
  ],
  [
    "a range that is none",
    { allowedRanges: ["10.0.0.1"] },
    "webhook.allowedRanges has 10.0.0.1, which is no CIDR range; write one as 10.1.2.0/24 or fd00::/8",
  ],
  [
    "a secret that nothing can be signed with",
    { secret: "hunter2" },
    "webhook.secret is no secret of Standard Webhooks; make one of whsec_ and 24 to 64 random bytes in base64",
  ],
])("%s is refused, and not repeated", (_, changes, problem) => {
  expect(said(changes)).toEqual([problem]);
  expect(said(changes).join()).not.toContain("hunter2");
});

test("what can be delivered is not refused", () => {
  expect(said({})).toEqual([]);
  expect(said({ url: "http://10.0.0.1/hook", allowedRanges: ["10.0.0.0/8"] })).toEqual([]);
});
