import { expect, test } from "@jest/globals";
import { maskedKey, maskedPayload } from "./masked-payload.ts";
import { goldenRecords } from "./samples.ts";

const masked = (value: unknown) => JSON.stringify(maskedPayload(Buffer.from(JSON.stringify(value))));

test("no text, number, name or element that is not of a known form is shown, wherever it stands", () => {
  const secret = "CANARY-7";
  const everywhere = {
    v: 2,
    denial_id: secret,
    decision_id: [secret],
    subject: { id: secret, claims: { [secret]: secret, pin: 4711 }, groups: [secret] },
    method: secret,
    log: `pdp/${secret} ${secret}/x`,
    [secret]: { deep: secret },
    index: secret,
  };
  const shown = masked(everywhere);
  expect(shown).not.toContain(secret);
  expect(shown).not.toContain("4711");
  expect(shown).toContain('"v":2');
  expect(maskedKey(secret)).toBe("*** (8 characters)");
  expect(maskedPayload(Buffer.from(`"${secret}`))).toEqual({ kind: "not_json" });
});

test("nesting without end, __proto__ and members without number are cut, not followed", () => {
  const deep = Buffer.from(`${'{"call":'.repeat(5_000)}1${"}".repeat(5_000)}`);
  expect(JSON.stringify(maskedPayload(deep)).length).toBeLessThan(500);
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`m${n}`, n]));
  expect(masked(many).length).toBeLessThan(5_000);
  expect(maskedPayload(Buffer.from('{"__proto__":{"v":1}}'))).toMatchObject({ kind: "json" });
});

test("a real denial shows what identifies it, and nothing of the person, the call or the reason", () => {
  const denial = goldenRecords().get("denial");
  const text = JSON.stringify(denial);
  const [, id = ""] = /"denial_id":"([^"]+)"/.exec(text) ?? [];
  const shown = masked(denial);
  expect(id).not.toBe("");
  expect(shown).toContain(id);
  for (const hidden of ["dana", "/refunds", "orders.example"]) {
    expect(text).toContain(hidden);
    expect(shown).not.toContain(hidden);
  }
});
