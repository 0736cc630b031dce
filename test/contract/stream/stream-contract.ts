/**
 * What every adapter of the event stream has to keep, written against the port alone. An adapter brings a fixture and calls `streamContract`;
 * faults that only its own server can have are tested beside it.
 */
import { afterAll, beforeAll, describe } from "@jest/globals";
import { ownershipContract } from "./ownership-contract.ts";
import { publishingContract } from "./publishing-contract.ts";
import { readingContract } from "./reading-contract.ts";
import type { StreamFixture } from "./stream-fixture.ts";

export function streamContract(name: string, makeFixture: () => Promise<StreamFixture>): void {
  describe(`event stream on ${name}`, () => {
    let fixture: StreamFixture;
    beforeAll(async () => {
      fixture = await makeFixture();
    }, 180_000);
    afterAll(async () => {
      await fixture?.[Symbol.asyncDispose]();
    }, 60_000);

    publishingContract(() => fixture);
    readingContract(() => fixture);
    ownershipContract(() => fixture);
  });
}
