/**
 * What a change on the wire (wire-mutation.ts) comes to in the message that is decoded: whether it is where it was meant to be, and whether all
 * else is as it was. Places are the names of the fields that lead there, with the index in a list or map; in an entry of a map `key` or `value`.
 */
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import {
  isReflectList,
  isReflectMap,
  isReflectMessage,
  reflect,
  type ReflectMessage,
} from "@bufbuild/protobuf/reflect";
import type { Path } from "./wire-mutation.ts";

type DecodedChange = {
  /** Where the field is new, gone or another: one place, be it in a list. Empty: the change is nowhere to be seen. */
  readonly changed: readonly string[];
  /** What was there beside the field and is gone or another. What excludes the field (a `oneof`) has to go, and is left out. */
  readonly lost: readonly string[];
};

/** @throws when one of the two cannot be decoded. */
export function decodedChange(desc: DescMessage, path: Path, before: Uint8Array, after: Uint8Array): DecodedChange {
  const [old, now] = [valuesOf(desc, before), valuesOf(desc, after)];
  const wanted = path.map(({ field, part }) => part ?? field.name);
  const excluded = path.map(({ field }) => new Set(field.oneof?.fields.map(({ name }) => name)));
  const changed = new Set<string>();
  const lost: string[] = [];
  for (const place of new Set([...old.keys(), ...now.keys()])) {
    if (old.get(place) === now.get(place)) continue;
    const steps = place.split(" > ");
    const parts = steps.map((step) => step.replace(/\[\d+\]$/, ""));
    const apart = wanted.findIndex((name, at) => name !== parts[at]);
    if (apart === -1) changed.add(steps.slice(0, wanted.length).join(" > "));
    else if (old.has(place) && excluded[apart]?.has(parts[apart] ?? "") !== true) lost.push(place);
  }
  return { changed: [...changed], lost };
}

function valuesOf(desc: DescMessage, bytes: Uint8Array): ReadonlyMap<string, string> {
  return new Map(inMessage(reflect(desc, fromBinary(desc, bytes)), []));
}

function* inMessage(message: ReflectMessage, above: readonly string[]): Generator<readonly [string, string]> {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const value: unknown = message.get(field);
    const at = (index: number) => [...above, `${field.name}[${index}]`];
    if (isReflectList(value)) {
      for (const [index, item] of [...value].entries()) yield* inValue(item, at(index));
    } else if (isReflectMap(value)) {
      for (const [index, [key, item]] of [...value].entries()) {
        yield* inValue(key, [...at(index), "key"]);
        yield* inValue(item, [...at(index), "value"]);
      }
    } else yield* inValue(value, [...above, field.name]);
  }
}

/** That a message is there counts as well, whatever it holds. */
function* inValue(value: unknown, place: readonly string[]): Generator<readonly [string, string]> {
  const isMessage = isReflectMessage(value);
  yield [
    place.join(" > "),
    isMessage ? "" : value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value),
  ];
  if (isMessage) yield* inMessage(value, place);
}
