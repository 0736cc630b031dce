import { describe, expect, test } from "@jest/globals";
import { apiOf } from "./api-section.ts";

describe("a configuration that is read again", () => {
  test("without section api is refused: its clients and published keys would be gone", () => {
    expect(() => apiOf({})).toThrow("api: to switch it off needs a restart");
  });
});
