/** A process that keeps one of two bundles after the other as the last good one, until it is killed: `FOLDER ARCHIVE ARCHIVE`. */
import { createReadStream } from "node:fs";
import { createKeptBundle } from "../../../core/policy/bundles/kept-bundle.ts";
import { readArchive } from "../../../core/policy/bundles/read-archive.ts";

const [folder = "", ...archives] = process.argv.slice(2);
const bundles = await Promise.all(archives.map((archive) => readArchive(createReadStream(archive))));
const kept = createKeptBundle(folder);
process.stdout.write("begins\n");
for (;;) for (const files of bundles) if ((await kept.write(files)) !== undefined) process.stdout.write("not kept\n");
