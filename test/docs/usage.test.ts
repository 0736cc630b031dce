import { expect, test } from "@jest/globals";
import { runService } from "../harness/run-service.ts";

test.each([
  "scripts/build-bundle.ts",
  "scripts/tools.ts",
  "scripts/conformance.ts",
  "sample/demo.ts",
  "test/bench/bench.ts",
])(
  "%s says how it is used, and a mistake beside that: nobody is shown a stack",
  async (script) => {
    const asked = await runService(script, ["--help"]);
    expect(asked).toEqual({ code: 0, out: expect.stringMatching(/^usage: npm run /), err: "" });
    const mistaken = await runService(script, ["--misspelt"]);
    expect(mistaken).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringMatching(/'--misspelt'[^]*\nusage: npm run /),
    });
    expect(mistaken.err).not.toMatch(/\n {4}at /);
  },
  60_000,
);
