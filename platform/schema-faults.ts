/**
 * All faults of a value against its schema: typebox stops at eight unless told otherwise, and one value that should be one of several texts is as
 * many faults as there are texts.
 */
import { Settings } from "typebox/system";

/** As typebox says it, and as fastify hands it on. */
type Finding = {
  readonly keyword: string;
  /** JSON pointer. */
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string | undefined;
};

/** A hostile value can have a finding in each of its members. */
const MAX_FINDINGS = 200;

/** What `read` returns, which asks typebox for errors. */
export function withAllFindings<T>(read: () => T): T {
  const { maxErrors } = Settings.Get();
  Settings.Set({ maxErrors: MAX_FINDINGS });
  try {
    return read();
  } finally {
    Settings.Set({ maxErrors });
  }
}

/** Of findings about the texts that may stand in one place, one that names them, each once; and none that another one says as well. */
export function merged(findings: readonly Finding[]): readonly Finding[] {
  const textsAt = new Map<string, Set<unknown>>();
  for (const { keyword, instancePath, params } of findings) {
    if (keyword !== "const") continue;
    const texts = textsAt.get(instancePath) ?? new Set();
    textsAt.set(instancePath, texts.add(params["allowedValue"]));
  }
  const told = new Set<string>();
  return findings.flatMap((finding) => {
    const { keyword, instancePath } = finding;
    const texts = textsAt.get(instancePath);
    // `boolean`: of a member that is not known, which `additionalProperties` names as well.
    if (keyword === "boolean" || (keyword === "anyOf" && texts !== undefined)) return [];
    if (keyword !== "const" || texts === undefined) return [finding];
    if (told.has(instancePath)) return [];
    told.add(instancePath);
    return [{ ...finding, message: `must be ${[...texts].map((one) => JSON.stringify(one)).join(" or ")}` }];
  });
}
