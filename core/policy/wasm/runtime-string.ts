/** `opa_string_t` in the memory of OPA's runtime (`wasm/src/value.h`): a length, and the address of so many bytes. */

/** What the runtime's `opa_value_type` says of one. */
export const STRING_TYPE = 4;
/** What its lexer says of one that is as it stands: all printable ASCII without escapes (`wasm/src/json.h`). */
export const PLAIN_TOKEN = 6;
/** Offsets: whether the bytes are freed with it, how many they are, and where. */
export const STRING_FIELD = { free: 1, length: 4, text: 8 } as const;
