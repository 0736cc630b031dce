// Node's environment of jest; in CI a test and a hook have four times as long before they count as hung, whichever limit they name. CI's machine may
// be some times slower than usual, and others take its processors for moments: who is only slow has not failed. What has to be done within a time says
// so by an expectation of its own, and is none of this.
import { TestEnvironment } from "jest-environment-node";

const PATIENCE = 4;

export default class extends TestEnvironment {
  #given = new WeakSet();

  handleTestEvent({ name, test, hook }, { testTimeout }) {
    const one = name === "test_start" ? test : name === "hook_start" ? hook : undefined;
    if (one === undefined || this.#given.has(one)) return; // a hook comes again with each test, a test when it is run once more
    this.#given.add(one);
    one.timeout = (one.timeout ?? testTimeout) * PATIENCE;
  }
}
