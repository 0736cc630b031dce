import { expect, test } from "@jest/globals";
import { mutationsOf } from "./mutations.ts";

const body = {
  subject: { type: "user", id: "alice", properties: { role: "admin" } },
  evaluations: [{ resource: { type: "record", id: "record-1" } }],
};
const mutations = [...mutationsOf(body)];

test("each differs from the body, or says a member of it twice, and is JSON", () => {
  expect(new Set(mutations).size).toBe(mutations.length);
  expect(mutations).not.toContain(JSON.stringify(body));
  for (const text of mutations) expect(() => JSON.parse(text)).not.toThrow();
});

test("members are left out, ill-typed and doubled, in items of a batch too", () => {
  expect(mutations).toEqual(
    expect.arrayContaining([
      JSON.stringify({ evaluations: body.evaluations }),
      JSON.stringify({ ...body, subject: { ...body.subject, id: null } }),
      JSON.stringify({ ...body, evaluations: [{ resource: 7 }] }),
      JSON.stringify(body).replace('"id":"record-1"', '"id":"record-1","id":7'),
    ]),
  );
});

test("what would be another question is left alone: an item without its entity, a subject without or with other properties", () => {
  const texts = mutations.map((text) => text.replace(/"x+"/, '"x"'));
  expect(texts).not.toContain(JSON.stringify({ ...body, evaluations: [{}] }));
  expect(texts).not.toContain(JSON.stringify({ ...body, subject: { type: "user", id: "alice" } }));
  expect(texts.filter((text) => text.includes('"role":7'))).toEqual([]);
});
