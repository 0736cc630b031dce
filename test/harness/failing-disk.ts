/**
 * Preloaded into a service that works in its own folder: while a file `disk-fails` stands there, fsync and fdatasync answer EIO, as a disk does that is
 * going. It is put below every port, into node:fs itself, and the service knows nothing of it.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

export const SWITCH = "disk-fails";

const failing =
  (sync: typeof fs.fsync) =>
  (file: number, done: fs.NoParamCallback): void => {
    if (!fs.existsSync(SWITCH)) sync(file, done);
    else queueMicrotask(() => done(Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO", errno: -5 })));
  };

Object.assign(fs, { fsync: failing(fs.fsync), fdatasync: failing(fs.fdatasync) });
syncBuiltinESMExports();
