/**
 * Apache Kafka as a folder of jars, run by `java -cp "FOLDER/*" kafka.Kafka`. A Kafka distribution in PATH serves as well:
 * its jars are found beside its scripts. Java is part of the answer, because jars without it are of no use.
 */
import { copyFile, mkdir, readdir, realpath } from "node:fs/promises";
import path from "node:path";
import { findOnPath } from "./find-on-path.ts";
import { runCommand } from "./run-command.ts";
import type { ToolRecipe } from "./tool.ts";
import { isAtLeast } from "./version.ts";

const least = "4.1.1";
const leastJava = 17;
const pom = path.join(import.meta.dirname, "kafka.pom.xml");

export const kafka: ToolRecipe = {
  name: "kafka",
  wanted: `${least} (newer 4.x serves), with Java ${leastJava} or newer`,
  help: "install a JDK 17 and Maven (Debian: openjdk-17-jdk-headless maven) and run: npm run tools",
  target: "kafka",
  fetchedBy: `mvn dependency:copy-dependencies org.apache.kafka:kafka_2.13:${least}`,

  async onPath() {
    const scripts = await findOnPath("kafka-server-start.sh");
    return Promise.all(scripts.map(async (file) => path.join(path.dirname(await realpath(file)), "../libs")));
  },

  locate: (target) => target,

  async versionOf(location) {
    const jars: readonly string[] = await readdir(location).catch(() => []);
    const version = jars.map((jar) => /^kafka_2\.\d+-(\d+\.\d+\.\d+)\.jar$/.exec(jar)?.[1]).find((found) => found);
    if (version === undefined || !jars.includes(`kafka-tools-${version}.jar`)) return undefined;
    return (await javaVersion()) >= leastJava ? version : undefined;
  },

  serves: (candidate) => isAtLeast(candidate, least) && candidate.startsWith("4."),

  async fetch(scratch, say) {
    const java = await javaVersion();
    if (java < leastJava) throw new Error(java === 0 ? "java is not installed" : `java is version ${java}`);
    say("downloading 93 jars, 54 MB");
    await copyFile(pom, path.join(scratch, "pom.xml"));
    const libs = path.join(scratch, "libs");
    await mkdir(libs);
    // `--strict-checksums`: a jar whose checksum differs is an error, not a warning.
    const args = [
      "--batch-mode",
      "--quiet",
      "--strict-checksums",
      "dependency:copy-dependencies",
      `-DoutputDirectory=${libs}`,
    ];
    const result = await runCommand("mvn", args, { timeoutMs: 600_000, cwd: scratch });
    if (result.kind === "failed") throw new Error(result.message);
    return libs;
  },
};

/** Major version of the `java` in PATH; 0 without one. */
async function javaVersion(): Promise<number> {
  const result = await runCommand("java", ["-version"], { timeoutMs: 20_000 });
  return result.kind === "done" ? Number(/version "(\d+)/.exec(result.output)?.[1] ?? 0) : 0;
}
