/**
 * Loaded before everything else by on-node-24.sh: an older Node cannot read TypeScript, and would say so in ten lines that
 * name no remedy. Plain JavaScript for that reason. From 24.7 on, HTTP/2 takes the headers of an answer as a list (platform/grpc/http2/answer.ts).
 */
import process from "node:process";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 24 || (major === 24 && minor < 7)) {
  const { platform, arch } = process;
  process.stderr.write(
    `Node ${process.versions.node} is too old, and this project brings Node 24 along only for Linux on x64 and arm64 (npm ci); ` +
      `on ${platform}-${arch} install Node 24.7 or newer\n`,
  );
  process.exit(1);
}
