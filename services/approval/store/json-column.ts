/**
 * JSON columns: written as text, validated when read. What the database holds is outside data too: a column with the wrong shape is a fault
 * (`invalid_record`), never a half-understood value.
 */
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { AppError } from "../../../core/domain/app-error.ts";

/** @throws (the returned function) AppError invalid_record, naming the column and never the value. */
export function createColumnReader<S extends TSchema>(name: string, schema: S): (value: unknown) => Static<S> {
  const validator = Compile(schema);
  return (value) => {
    if (validator.Check(value)) return value;
    throw new AppError("invalid_record", `stored column ${name} is malformed`);
  };
}
