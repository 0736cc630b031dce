/** A name that a body says twice: every reader of it has to mean the same one (RFC 8259, section 4, leaves it open). */
import { expect, test } from "@jest/globals";
import { startAuthzen } from "./authzen-fixture.ts";
import { ASKER, question } from "./authzen-samples.ts";

test.each(["application/json", "application/json;charset=utf-8"])(
  "the last one counts, for the decision and on record, in a body of type %s",
  async (type) => {
    await using authzen = await startAuthzen();
    const body = JSON.stringify(question()).replace('"action"', '"action":{"name":"first"},"action"');
    const headers = { authorization: `Bearer ${ASKER}`, "content-type": type };
    const answer = await fetch(`${authzen.origin}/access/v1/evaluation`, { method: "POST", headers, body });
    expect(answer.status).toBe(200);
    await answer.text();
    expect(authzen.world.asked.map(({ action }) => action)).toEqual([{ name: "delete", properties: {} }]);
    expect(JSON.stringify(authzen.logged)).not.toContain('"first"');
  },
);
