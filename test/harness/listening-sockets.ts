/** Which TCP sockets processes listen on, from /proc: what another machine could reach is then a fact and not a setting. */
import { readdir, readFile, readlink } from "node:fs/promises";
import { withDescendants } from "./processes-with.ts";

/** State LISTEN in /proc/net/tcp (include/net/tcp_states.h). */
const LISTENING = "0A";

type ListeningSocket = { readonly pid: number; readonly port: number; readonly isLoopback: boolean };

/** Those of the processes and of all that descend from them. What has ended meanwhile listens on nothing. */
export async function listeningSockets(pids: readonly number[]): Promise<readonly ListeningSocket[]> {
  const listening = new Map<string, Omit<ListeningSocket, "pid">>();
  for (const table of ["tcp", "tcp6"]) {
    const text = await readFile(`/proc/net/${table}`, "utf8").catch(() => ""); // a kernel without IPv6 has no tcp6
    for (const line of text.trim().split("\n").slice(1)) {
      const [, local = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
      const [address = "", port = ""] = local.split(":");
      if (state === LISTENING)
        listening.set(inode, { port: Number.parseInt(port, 16), isLoopback: isLoopback(address) });
    }
  }
  const found: ListeningSocket[] = [];
  for (const pid of await withDescendants(pids)) {
    for (const inode of await socketsOf(pid)) {
      const socket = listening.get(inode);
      if (socket !== undefined) found.push({ pid, ...socket });
    }
  }
  return found;
}

/** The kernel prints an address as words of four bytes, each in the order of the machine, which is little-endian on all that we run on. */
function isLoopback(words: string): boolean {
  const bytes = (words.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed()).join("");
  const v4 = bytes.length === 8 ? bytes : /^0{20}ffff(.{8})$/i.exec(bytes)?.[1];
  return v4 === undefined ? bytes === `${"0".repeat(31)}1` : v4.startsWith("7f") || v4.startsWith("7F");
}

async function socketsOf(pid: number): Promise<readonly string[]> {
  const folder = `/proc/${pid}/fd`;
  const links = (await readdir(folder).catch(() => [])).map((fd) => readlink(`${folder}/${fd}`).catch(() => ""));
  return (await Promise.all(links)).flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
}
