/**
 * Loaded before everything else by on-node-24.sh: an older Node cannot read TypeScript, and would say so in ten lines that
 * name no remedy. Plain JavaScript for that reason.
 */
import process from "node:process";

if (Number(process.versions.node.split(".")[0]) < 24) {
  const { platform, arch } = process;
  process.stderr.write(
    `Node ${process.versions.node} is too old, and this project brings Node 24 along only for Linux on x64 and arm64 (npm ci); ` +
      `on ${platform}-${arch} install Node 24\n`,
  );
  process.exit(1);
}
