/**
 * Standard output for the log. Lines of one turn of the event loop are one write, since each write wakes up the reader; a longer write is split
 * into pieces that a pipe takes whole, so that processes sharing one do not mix their lines. Writing happens in the background, so that a slow or
 * absent reader, or a full disk, delays nobody who logs. Lines are always in the order of the calls: nothing overtakes what is still being
 * written.
 *
 * A process that ends waits for `flush` (pino's `log.flush`) before it exits, for as long as it wants. One that is killed from outside loses what
 * was logged in that moment. One that exits while a flush is still waiting kills itself: its reader has stopped, and an exit would wait for the
 * thread that writes. What is logged inside a listener of `exit` may be lost: what waits is written in such a listener, once. NB: unread lines
 * are kept up to a limit; beyond it lines are lost, and `onLost` is told how many once writing is possible again.
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
/** PIPE_BUF of Linux, which POSIX has a pipe take in one piece, however full it is and whoever else writes. */
const WHOLE_BYTES = 4096;
const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

export function standardOutput(onLost: (lines: number) => void, fd = 1): StandardOutput {
  let text = "";
  /** Goes before `text`. */
  let left: Buffer = NOTHING;
  /** How much of `left` is on its way. */
  let writing = 0;
  let isClosed = false;
  let lost = 0;
  let turn: NodeJS.Immediate | undefined;
  /** Set after a failure: it is not tried with every line. */
  let again: NodeJS.Timeout | undefined;
  let askers: (() => void)[] = [];

  function tell(): void {
    const told = askers;
    askers = [];
    for (const done of told) done();
  }

  function written(): void {
    process.off("exit", finish);
    const lines = lost;
    lost = 0;
    if (lines > 0) onLost(lines);
    tell();
  }

  function failed({ code }: NodeJS.ErrnoException): void {
    // Nobody reads any more, and nobody will.
    if (code === "EPIPE") {
      [isClosed, left, text] = [true, NOTHING, ""];
      process.off("exit", finish);
    }
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
    if (writing > 0 || isClosed || again !== undefined) return;
    if (left.length === 0) [left, text] = [Buffer.from(text), ""];
    const piece = wholeLines(left);
    if (piece.length === 0) return written();
    writing = piece.length;
    write(fd, piece, (error, count) => {
      writing = 0;
      if (error !== null) return failed(error);
      left = left.subarray(count);
      begin();
    });
  }

  /** When the process exits while something waits; a log that has nothing to write listens to nothing, so that there may be many. */
  function finish(): void {
    if (writing > 0 && askers.length > 0) process.kill(process.pid, "SIGKILL");
    // Its thread finishes what is on its way; what waits behind it has no other moment.
    let bytes = Buffer.concat([left.subarray(writing), Buffer.from(text)]);
    try {
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(fd, wholeLines(bytes)));
    } catch {
      // There is nobody left to tell.
    }
  }

  return {
    write(line) {
      if (isClosed) return;
      if (text.length + left.length > MOST_WAITING) {
        lost += 1;
        return;
      }
      if (text.length + left.length === 0) process.once("exit", finish);
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

/** As many lines as are taken whole, or the first one, where it is longer than that. */
function wholeLines(bytes: Buffer): Buffer {
  if (bytes.length <= WHOLE_BYTES) return bytes;
  const end = bytes.lastIndexOf(NEWLINE, WHOLE_BYTES - 1) + 1;
  return bytes.subarray(0, end > 0 ? end : bytes.indexOf(NEWLINE) + 1 || bytes.length);
}
