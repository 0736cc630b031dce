/** Code of a body in place of other code. Branches say how many blocks outward they go, so nothing else has to move with it. */
import { turnsOf } from "./code.ts";
import { call } from "./assemble.ts";

/** In place of what stands from `from` to `to`, of which there may be none. */
export type Change = { readonly from: number; readonly to: number; readonly code: Uint8Array };

/** Of changes at the same place the first one comes first. */
export function changed(body: Uint8Array, changes: readonly Change[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const { from, to, code } of changes.toSorted((a, b) => a.from - b.from)) {
    parts.push(body.subarray(at, from), code);
    at = to;
  }
  return Buffer.concat([...parts, body.subarray(at)]);
}

/** Calls of one function become calls of another. */
export function redirectedCalls(body: Uint8Array, from: number, to: number): Uint8Array {
  const calls = turnsOf(body).turns.filter(
    ({ instruction }) => instruction.kind === "call" && instruction.index === from,
  );
  const code = Uint8Array.of(...call(to));
  return changed(
    body,
    calls.map(({ at, end }) => ({ from: at, to: end, code })),
  );
}
