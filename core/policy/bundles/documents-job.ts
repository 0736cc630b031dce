/** The work on a bundle's documents (documents.ts) that is done in place or in the thread. */
import { AppError } from "../../domain/app-error.ts";
import { writeJson } from "../rego-value/write.ts";
import { dataOf } from "./bundle-data.ts";
import { hashFile } from "./file-hash.ts";

export type Listed = { readonly name: string; readonly bytes: Uint8Array; readonly algorithm: string };

export type DocumentsJob =
  | { readonly kind: "hashes"; readonly files: readonly Listed[] }
  | {
      readonly kind: "data";
      readonly files: readonly (readonly [name: string, bytes: Uint8Array])[];
      readonly roots: readonly string[];
    };

type DocumentsAnswer =
  | { readonly kind: "hashes"; readonly hashes: readonly (string | undefined)[] }
  | { readonly kind: "data"; readonly text: string }
  /** By what the bundle holds. */
  | { readonly kind: "refused"; readonly detail: string };

export function done(job: DocumentsJob): DocumentsAnswer {
  try {
    if (job.kind === "data") return { kind: "data", text: writeJson(dataOf(new Map(job.files), job.roots)) };
    return { kind: "hashes", hashes: job.files.map(({ name, bytes, algorithm }) => hashFile(name, bytes, algorithm)) };
  } catch (error) {
    if (error instanceof AppError) return { kind: "refused", detail: error.detail };
    throw error;
  }
}
