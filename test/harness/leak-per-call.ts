/** Preloaded into a service that has to be found leaking: some 200 bytes for each call that a server on node:http2 is made. */
import { subscribe } from "node:diagnostics_channel";

/** Eight bytes each, beside what an array is. */
const SLOTS = 20;
const leaked: (readonly number[])[] = [];

subscribe("http2.server.stream.created", () => {
  leaked.push(Array.from({ length: SLOTS }, (_, at) => leaked.length + at));
});
