/** `opa_number_t` in the memory of OPA's runtime (`wasm/src/value.h`): a 64-bit integer, or a text. */

/** What the runtime's `opa_value_type` says of one. */
export const NUMBER_TYPE = 3;
/** Offsets: which kind it is, and of a text its address and length. */
export const NUMBER_FIELD = { kind: 1, text: 8, length: 12 } as const;
export const KIND_TEXT = 2;
