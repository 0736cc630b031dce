/** How a new bundle comes in while the active one decides. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { allows, INPUT, type Keeping, sample, signedAt, startKeeping } from "./keeping.ts";

let keeping: Keeping;
beforeEach(async () => {
  keeping = await startKeeping();
});
afterEach(async () => {
  await keeping[Symbol.asyncDispose]();
});

test("a bundle is asked for with the token and its ETag, and swapped in; only new data does not compile the module again", async () => {
  keeping.server.serve(await signedAt("one", 10), '"1"');
  const { host, events } = await keeping.keep();
  await waitUntil("a look at what is known", 30_000, () => keeping.server.requests.at(-1)?.["if-none-match"] === '"1"');
  expect(
    keeping.server.requests.every(
      ({ authorization, prefer }) => authorization === "Bearer s3cret" && prefer === "modes=snapshot",
    ),
  ).toBe(true);
  keeping.server.serve(
    await signedAt("two", 5, { "data.json": '{"countersign": {"requires": {"orders": ["incidents"]}}}' }),
    '"2"',
  );
  await waitUntil("the new data", 30_000, () => host.revision() === "two");
  expect(host.decide(INPUT, { nowNs: 0n }).verdict).toMatchObject({ reason: "context_unavailable" });
  expect(events.flatMap((event) => (event.kind === "bundle_activated" ? [event.compiled] : []))).toEqual([true, false]);
});

test("another module is compiled in a thread of its own while the active one decides, and takes over", async () => {
  keeping.server.serve(await signedAt("one", 10), '"1"');
  const { host } = await keeping.keep();
  const marked = Buffer.concat([sample.get("policy.wasm") ?? Buffer.alloc(0), Buffer.from([0, 3, 1, 0x78, 1])]);
  keeping.server.serve(await signedAt("two", 5, { "policy.wasm": marked }), '"2"');
  await waitUntil("the other module", 30_000, () => {
    expect(allows(host)).toBe(true);
    return host.revision() === "two";
  });
  expect(allows(host)).toBe(true);
});

test("a server that can wait is asked again at once, and a new bundle arrives without a poll", async () => {
  const type = "application/vnd.openpolicyagent.bundles";
  let waiting: (() => void) | undefined;
  let current = { archive: await signedAt("one", 10), etag: '"1"' };
  keeping.server.answer((response, headers) => {
    const send = () => void response.writeHead(200, { etag: current.etag, "content-type": type }).end(current.archive);
    if (headers["if-none-match"] === current.etag) waiting = send;
    else send();
  });
  const { host } = await keeping.keep({ waitSeconds: 20 });
  await waitUntil("the held request", 30_000, () => waiting !== undefined);
  expect(keeping.server.requests.at(-1)?.["prefer"]).toBe("modes=snapshot;wait=20");
  current = { archive: await signedAt("two", 5), etag: '"2"' };
  waiting?.();
  await waitUntil("the new one", 10_000, () => host.revision() === "two");
});
