/**
 * Standard output for the log. Lines of one turn of the event loop are one write, since each write wakes up whoever reads it; and it is made
 * in the background, so that a reader who is slow or gone, or a disk that is full, holds up nobody who logs. Lines stand in the order of the
 * calls, always: nothing is written past what is still on its way.
 *
 * A process that ends waits for `flush` (pino's `log.flush`) before it exits. One that is killed from outside loses what was logged in that
 * moment.
 * NB: what nobody takes is kept up to a limit; beyond it lines are lost, and `onLost` is told how many once the way is free again.
 */
import { write, writeSync } from "node:fs";
import type { DestinationStream } from "pino";

type StandardOutput = DestinationStream & {
  /** Writes what waits now, and not at the end of the turn; does not wait for it. */
  hurry(): void;
  /** Calls back when all is written, or cannot be. */
  flush(done: () => void): void;
};

/** In UTF-16 units: minutes of a busy service, and little beside its memory. */
const MOST_WAITING = 8 * 1024 * 1024;
const AGAIN_MS = 100;
const NOTHING = Buffer.alloc(0);

export function standardOutput(onLost: (lines: number) => void, fd = 1): StandardOutput {
  let text = "";
  /** What the last write left: goes before `text`. */
  let left: Buffer = NOTHING;
  let isWriting = false;
  let isClosed = false;
  let lost = 0;
  let turn: NodeJS.Immediate | undefined;
  /** Set after a failure: it is not tried with every line. */
  let again: NodeJS.Timeout | undefined;
  let askers: (() => void)[] = [];

  function take(): Buffer {
    const bytes = left.length === 0 ? Buffer.from(text) : Buffer.concat([left, Buffer.from(text)]);
    [left, text] = [NOTHING, ""];
    return bytes;
  }

  function tell(): void {
    const told = askers;
    askers = [];
    for (const done of told) done();
  }

  function written(): void {
    const lines = lost;
    lost = 0;
    if (lines > 0) onLost(lines);
    tell();
  }

  function failed(unwritten: Buffer, { code }: NodeJS.ErrnoException): void {
    // Nobody reads any more, and nobody will.
    if (code === "EPIPE") isClosed = true;
    else left = unwritten;
    if (code !== "EAGAIN") tell();
    if (isClosed) return;
    again = setTimeout(() => {
      again = undefined;
      begin();
    }, AGAIN_MS).unref();
  }

  function begin(): void {
    clearImmediate(turn);
    turn = undefined;
    if (isWriting || isClosed || again !== undefined) return;
    const bytes = take();
    if (bytes.length === 0) return written();
    isWriting = true;
    write(fd, bytes, (error, count) => {
      isWriting = false;
      if (error !== null) return failed(bytes, error);
      left = bytes.subarray(count);
      begin();
    });
  }

  process.once("exit", () => {
    // Its thread finishes what is on its way; what waits behind it has no other moment.
    let bytes = take();
    try {
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(fd, bytes));
    } catch {
      // There is nobody left to tell.
    }
  });
  return {
    write(line) {
      if (isClosed) return;
      if (text.length + left.length > MOST_WAITING) {
        lost += 1;
        return;
      }
      text += line;
      turn ??= setImmediate(begin);
    },
    hurry: begin,
    flush(done) {
      if (isClosed) return done();
      askers.push(done);
      begin();
    },
  };
}
