/** Connections full of hostile calls, each ended by whoever calls when its calls have come to their end; and which calls came to something else. */
import { constants } from "node:http2";
import { callOn, openFrames } from "../../harness/grpc-frames.ts";
import { callOf, END_HEADERS, END_STREAM, FRAME, h2, idOf, sendInParts } from "../../harness/http2-frames.ts";
import type { HostileCall } from "./hostile-calls.ts";
import { CHECK, outcomeOf } from "./hostile-fixture.ts";

/** So few that what is kept of a connection shows beside what is kept of a call. */
export const ON_A_CONNECTION = 20;

/** Makes a connection and so many calls on it; says what was wrong. */
export type Connection = (port: number) => Promise<readonly string[]>;

/** What each is called with is made once and for all, and takes no time of a round then. */
export function madeOnce(calls: readonly HostileCall[]): readonly HostileCall[] {
  return calls.map(([what, outcome, call]) => {
    const made = call();
    return [what, outcome, () => made];
  });
}

/** The calls in turn. What they come to is a pattern here. One that is not ended and has no answer is under way when the connection is cut. */
export function calling(calls: readonly HostileCall[]): Connection {
  const rows = calls.map(([what, outcome, call]) => ({ what, expected: new RegExp(`^(?:${outcome})$`), call }));
  let at = 0;
  return async (port) => {
    const session = openFrames(port);
    const asked = Array.from({ length: ON_A_CONNECTION }, () => {
      const row = rows[at++ % rows.length];
      if (row === undefined) throw new Error("nothing to call");
      const { what, expected, call } = row;
      const made = call();
      const isLeft = made.after === "nothing" && expected.test("none");
      return { what, expected, isLeft, outcome: callOn(session, { path: CHECK, ...made }).then(outcomeOf) };
    });
    await Promise.all(asked.filter(({ isLeft }) => !isLeft).map(({ outcome }) => outcome));
    session.destroy();
    const told = await Promise.all(asked.map(async (one) => ({ ...one, outcome: await one.outcome })));
    return told
      .filter(({ expected, outcome }) => !expected.test(outcome))
      .map(({ what, outcome }) => `${what}: ${outcome}`);
  };
}

/**
 * Calls that begin with each of the bodies in turn, without an end, and one that is whole, all of which are reset: half of them together with their
 * beginning, half when that has been taken in. Wrong are those that are answered although they have no end.
 */
export function resetting(bodies: readonly Buffer[], whole: Buffer): Connection {
  const reset = Buffer.alloc(4);
  reset.writeUInt32BE(constants.NGHTTP2_CANCEL);
  const all = [...bodies, whole];
  const streams = Array.from({ length: ON_A_CONNECTION }, (_, at) => {
    const body = all[at % all.length] ?? whole;
    const begin = Buffer.concat([
      h2(FRAME.headers, END_HEADERS, idOf(at), callOf(CHECK)),
      h2(FRAME.data, body === whole ? END_STREAM : 0, idOf(at), body),
    ]);
    return { id: idOf(at), isWhole: body === whole, begin, reset: h2(FRAME.reset, 0, idOf(at), reset) };
  });
  const half = ON_A_CONNECTION / 2;
  const parts = [
    Buffer.concat(streams.flatMap(({ begin, reset }, at) => (at < half ? [begin, reset] : [begin]))),
    Buffer.concat(streams.slice(half).map(({ reset }) => reset)),
  ];
  return async (port) => {
    const back = await sendInParts(port, parts);
    return streams
      .filter(({ id, isWhole }) => !isWhole && back.has(id))
      .map(({ id }) => `stream ${id}: frames ${back.get(id)?.join()}`);
  };
}
