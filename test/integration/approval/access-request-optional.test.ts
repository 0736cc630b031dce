/**
 * What the Access Request profile leaves open and the approval service does not offer (catalogs, bundles, callbacks): refused where it is asked for,
 * and without effect where it cannot be told from anything else. Ids in names are rows of the profile's table of requirements
 * (test/conformance/access-request-profile).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startRecordingUpstream } from "../../harness/recording-upstream.ts";
import { ASKED, REASON, submission } from "./access-request-fixture.ts";
import { APPROVED, createTasks, dana, eve, type Tasks } from "./access-request-tasks-fixture.ts";
import { at, textAt } from "./rest-answer.ts";
import { tokenOf } from "./rest-fixture.ts";

let tasks: Tasks;
beforeAll(async () => {
  tasks = await createTasks();
});
afterAll(() => tasks.close());

const max = tokenOf("max", ["managers"]);
const requestOf = async (answer: Parameters<typeof textAt>[0]) =>
  Object(at(await tasks.rest.call("GET", `/v1/requests/${textAt(answer, "task.id")}`, { token: dana }), "request"));

describe("catalogs", () => {
  test("arap-9-2-1, arap-9-2-2, arap-9-6-1: there are none: no address of the service is one, by any parameter, for nobody and for anybody", async () => {
    const document: unknown = JSON.parse(
      await readFile(join(import.meta.dirname, "../../../docs/openapi.json"), "utf8"),
    );
    const paths = Object.keys(Object(Reflect.get(Object(document), "paths")));
    expect(paths).toContain("/access/v1/requests");
    expect(paths.filter((path) => path.includes("catalog"))).toEqual([]);
    for (const path of [
      "/access/v1/catalogs",
      "/access/v1/catalogs/projects",
      "/access/v1/requests/catalogs/projects",
    ]) {
      for (const query of ["", "?search=a&cursor=b&limit=5", "?subject=dana&unknown=1"]) {
        for (const headers of [{}, ...[dana, eve].map((token) => ({ authorization: `Bearer ${token}` }))]) {
          const answer = await fetch(`${tasks.rest.origin}${path}${query}`, { headers });
          expect([answer.status, Reflect.get(Object(await answer.json()), "items")]).toEqual([404, undefined]);
        }
      }
    }
  });

  test("arap-9-5-1: a value that one would have offered, valid, retired or made up, is in no request: none is asked for and none is granted by it", async () => {
    const shapes = await Promise.all(
      [undefined, "reader", "retired", "owner"].map(async (role) => {
        const chosen = role === undefined ? {} : { role, project: role };
        const answer = await tasks.rest.submitted(dana, {
          requested_access: chosen,
          context: { ...ASKED.context, business_justification: REASON, ...chosen },
        });
        expect(answer.status).toBe(202);
        const request = await requestOf(answer);
        const text = JSON.stringify(request);
        for (const value of ["reader", "retired", 'owner"', "project"]) expect(text).not.toContain(value);
        const { entitlement, max_uses, max_duration } = Object(request.elevation);
        return { entitlement, max_uses, max_duration, requested: request.requested };
      }),
    );
    expect(new Set(shapes.map((shape) => JSON.stringify(shape))).size).toBe(1);
  });
});

describe("bundles", () => {
  test("arap-10-2-7, arap-10-2-8: several in one submission are refused whole, one of them or none too, so that every task is one thing with a status of its own", async () => {
    const { resource, action, subject } = ASKED;
    await tasks.rest.leavesNothing(async () => {
      const whole = submission(await tasks.rest.denyQuestion(dana));
      const one = { resource, action, denial: whole["denial"] };
      for (const items of [[one, one, { ...one, resource: { type: "file", id: "f2" } }], [one, one], [one], []]) {
        for (const body of [
          { ...whole, items },
          { subject, context: whole["context"], denial: whole["denial"], items },
        ]) {
          const answer = await tasks.rest.send(dana, body);
          expect([answer.status, JSON.stringify(at(answer, "errors"))]).toEqual([
            400,
            expect.stringContaining("/items"),
          ]);
        }
      }
    });
    for (const answer of [await tasks.taskOf(), await tasks.taskOf(APPROVED)]) {
      expect(at(answer, "task.items")).toBeUndefined();
      expect(["pending", "approved"]).toContain(at(answer, "task.status"));
    }
  });
});

describe("callbacks", () => {
  test("arap-13-3, arap-13-4: nobody is called, neither who was named as a callback and refused, nor whoever else a submission names, when its task is decided", async () => {
    await using listener = await startRecordingUpstream();
    const endpoint = `http://127.0.0.1:${listener.port}/`;
    const whole = submission(await tasks.rest.denyQuestion(dana));
    for (const more of [{}, { state: "s" }, { events: ["approved", "denied"] }]) {
      const answer = await tasks.rest.send(dana, { ...whole, callback: { endpoint, ...more } });
      expect([answer.status, at(answer, "errors.0.pointer")]).toEqual([400, "/callback"]);
    }
    const task = await tasks.rest.send(dana, {
      ...whole,
      client: { id: "console", callback: endpoint, source: { external_url: endpoint } },
      denial: { ...Object(whole["denial"]), callback: { endpoint } },
      requested_access: { callback: { endpoint } },
    });
    expect(task.status).toBe(202);
    expect((await tasks.vote(task, max)).status).toBe(200);
    expect(at(await tasks.look(task), "task.status")).toBe("approved");
    const { rows } = await tasks.rest.database.query<{ text: string }>(
      "select row_to_json(notifications)::text as text from notifications",
    );
    expect(JSON.stringify(rows)).not.toContain(endpoint);
    expect(listener.received).toEqual([]);
  });
});
