/** Machines that this cannot run on, said in one line before anything is started. An old Node is refused by scripts/needs-node-24.js. */

const SUPPORTED = ["linux-x64", "linux-arm64"];

/** What is wrong and what to do; undefined when it can run. A database of one's own lifts the need for our binaries. */
export function unsupported(
  hasDatabase: boolean,
  { platform, arch }: Pick<NodeJS.Process, "platform" | "arch"> = process,
): string | undefined {
  const machine = `${platform}-${arch}`;
  if (SUPPORTED.includes(machine)) return undefined;
  if (platform === "darwin" && hasDatabase) return undefined;
  if (platform === "darwin") {
    return `${machine}: set DATABASE_URL to a PostgreSQL of your own; only Linux (x64, arm64) brings one along, and macOS is untested`;
  }
  return `${machine} is not supported: Linux on x64 or arm64 is`;
}
