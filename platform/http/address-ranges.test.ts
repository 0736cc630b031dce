import { expect, test } from "@jest/globals";
import { addressRanges, isPublicAddress, literalAddress } from "./address-ranges.ts";

test.each([
  ...["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "192.0.2.1"],
  ...["::1", "::", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "::a9fe:a9fe"],
])("%s is no public address", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])("%s is a public address", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test("a range holds its addresses however they are written, and no others", () => {
  const ranges = addressRanges(["10.1.0.0/16", "::1/128"]);
  const held = ["10.1.255.1", "::ffff:10.1.0.1", "::1", "10.2.0.1", "::2", "127.0.0.1"].map(ranges.hold);
  expect(held).toEqual([true, true, true, false, false, false]);
});

test("what is no range is refused", () => {
  expect(() => addressRanges(["10.0.0.0"])).toThrow("not a CIDR range: 10.0.0.0");
});

test.each([
  ["[::1]", "::1"],
  ["127.0.0.1", "127.0.0.1"],
  ["[::ffff:7f00:1]", "127.0.0.1"],
  ["example.com", undefined],
])("the host %s is the address %s", (host, address) => {
  expect(literalAddress(host)).toBe(address);
});
