/**
 * npm passes signals on to what it runs, but cannot pass on its own `kill -9`: then nobody sees any more what we say, nor ends us. NB: that it is our
 * parent is by the `exec` in package.json and in on-node-24.sh: a shell between us would outlive it.
 */

/** There is no event for it. Short enough for whoever starts again by hand. */
const LOOK_MS = 250;

/** npm, where it started this one. */
export function npmPid(): number | undefined {
  return process.env["npm_lifecycle_event"] === undefined ? undefined : process.ppid;
}

/** Calls once, when the process that started this one is gone; where that is not npm, never: a program may be left to itself on purpose. */
export function whenNpmIsGone(call: () => void): void {
  const parent = npmPid();
  if (parent === undefined) return;
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking);
    call();
  }, LOOK_MS);
  looking.unref();
}
