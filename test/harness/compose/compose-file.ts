/** docker-compose.yml as far as it can be followed without an engine: what runs, with what, after what. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { parse } from "yaml";

export const ROOT = join(import.meta.dirname, "../../..");

const Service = Type.Object({
  image: Type.String(),
  build: Type.Optional(Type.Object({ target: Type.String() })),
  /** In place of the image's; its command is then left out. */
  entrypoint: Type.Optional(Type.Array(Type.String())),
  command: Type.Optional(Type.Array(Type.String())),
  network_mode: Type.Optional(Type.String({ pattern: "^service:" })),
  environment: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]))),
  volumes: Type.Optional(Type.Array(Type.String())),
  ports: Type.Optional(Type.Array(Type.String())),
  depends_on: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Object({
        condition: Type.Union([Type.Literal("service_healthy"), Type.Literal("service_completed_successfully")]),
      }),
    ),
  ),
  healthcheck: Type.Optional(Type.Object({ test: Type.Array(Type.String()) })),
});
const ComposeFile = Compile(Type.Object({ services: Type.Record(Type.String(), Service) }));

export type ComposeService = Static<typeof Service>;

/** @throws when it holds something that this does not know how to follow. */
export async function readComposeFile(): Promise<ReadonlyMap<string, ComposeService>> {
  const value: unknown = parse(await readFile(join(ROOT, "docker-compose.yml"), "utf8"), { merge: true });
  return new Map(Object.entries(ComposeFile.Parse(value).services));
}
