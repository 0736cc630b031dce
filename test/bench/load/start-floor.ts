/** Starts the floor (null-server.ts) under the options of Node that a service has, alone on its core while it is asked. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { nodeOptions } from "../../../platform/programs/launch/node-options.ts";
import type { Cores } from "../cores.ts";
import { type Measured, measured } from "./measured.ts";

const Port = Type.Integer();
const Ports = Compile(Type.Object({ port: Port, http2Port: Port, httpPort: Port, opsPort: Port }));

type Floor = AsyncDisposable & { readonly grpc: Measured; readonly http2: Measured; readonly http: Measured };

export async function startFloor(cores: Cores): Promise<Floor> {
  const child = spawn(process.execPath, [...(await nodeOptions()), join(import.meta.dirname, "null-server.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const { port, http2Port, httpPort, opsPort } = Ports.Parse(JSON.parse(String(line)));
  if (child.pid !== undefined) await cores.measured(child.pid);
  const opsUrl = `http://127.0.0.1:${opsPort}`;
  return {
    grpc: measured([port], [opsUrl]),
    http2: measured([http2Port], [opsUrl]),
    http: measured([httpPort], [opsUrl]),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
