import { expect, test } from "@jest/globals";
import { unmapped } from "./unmapped.ts";

test.each(["192.0.2.1", "2001:DB8::1", "fe80::1%eth0", "::192.0.2.1", "::ffff:999.0.2.1", "/run/socket", "a:b", ""])(
  "%p is no IPv4 address inside IPv6 and stays as it is",
  (address) => {
    expect(unmapped(address)).toBe(address);
  },
);

test.each([
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::FFFF:192.0.2.1", "192.0.2.1"],
  ["0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"],
  ["::ffff:c000:201", "192.0.2.1"],
])("%s is %s, however it is written", (address, four) => {
  expect(unmapped(address)).toBe(four);
});
