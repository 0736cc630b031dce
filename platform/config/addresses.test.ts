import { describe, expect, test } from "@jest/globals";
import {
  databaseProblem,
  headerProblem,
  hostPortProblem,
  isHereAlone,
  samePortFaults,
  shownAddressProblem,
  webAddressProblem,
} from "./addresses.ts";

describe("refused, and never repeated, is", () => {
  test.each([
    ["a user with a password", "https://u:hunter2@a.example/", "user name or password"],
    ["a password alone", "https://:hunter2@a.example/", "user name or password"],
    ["a user alone", "https://hunter2@a.example/", "user name or password"],
    ["a fragment", "https://a.example/#hunter2", "fragment"],
    ["a script", "javascript:hunter2", "http(s)"],
    ["no address", "hunter2", "http(s)"],
  ])("a web address that is %s", (_, text, said) => {
    expect(webAddressProblem(text)).toContain(said);
    expect(webAddressProblem(text)).not.toContain("hunter2");
  });

  test.each([
    "a",
    "a:",
    "a:0",
    "a:65536",
    "http://a:1",
    "dns://8.8.8.8/a:1",
    "u:p@a:1",
    "a b:1",
    "::1:1",
    "a:1,b:1",
    "-a:1",
  ])("the host and port %s", (text) => expect(hostPortProblem(text)).toContain("is not host:port"));

  test.each(["javascript:hunter2", "https://u:hunter2@a.example/#/x"])("what people are shown: %s", (text) => {
    expect(shownAddressProblem(text)).toMatch(/http\(s\)|password/);
  });

  test.each(["mysql://h/d", "h/d", "", "postgres://u:hunter2/@h/d"])("the database %s", (text) => {
    expect(databaseProblem(text)).toContain("write it as postgres://");
    expect(databaseProblem(text)).not.toContain("hunter2");
  });

  test.each([
    "postgres://u:hunter2@db.internal/d",
    "postgres://u:hunter2@10.0.0.7:5432/d?sslmode=",
    "postgresql://u:hunter2@localhost/d?host=db.internal",
    "postgresql://u:hunter2@/d?host=db.internal",
    "postgres://u:hunter2@localhost.example/d?application_name=sslmode=verify-full",
    "postgres://u:hunter2@db.internal/d#?sslmode=verify-full",
    "postgres://u:hunter2@db.internal/d?sslmode=verify-full&sslmode=",
  ])("plain text to a database beyond loopback: %s", (text) => {
    expect(databaseProblem(text)).toContain("add ?sslmode=verify-full&sslrootcert=FILE");
    expect(databaseProblem(text)).not.toContain("hunter2");
  });

  test.each(["", " a token", "a token ", "two\nlines", "pässword", "tab\tin", "nul\0"])("the secret %j", (text) => {
    expect(headerProblem(text)).toContain("printable ASCII");
  });

  test.each([
    ["one address", "127.0.0.1", "127.0.0.1"],
    ["two names of this machine", "127.0.0.1", "localhost"],
    ["one address of IPv6, written in two ways", "[::1]", "::1"],
    ["one address and all", "10.0.0.1", "0.0.0.0"],
  ])("a port twice, on %s", (_, first, second) => {
    const faults = samePortFaults([
      { key: "a.port", host: first, port: 9 },
      { key: "b.port", host: second, port: 9 },
    ]);
    expect(faults.map(({ key, problem }) => `${key} ${problem}`)).toEqual([
      "b.port is that of a.port too; give each its own",
    ]);
  });
});

test("what can be used is not refused", () => {
  for (const text of ["https://a.example/x?y=z", "http://127.0.0.1:8/"])
    expect(webAddressProblem(text)).toBeUndefined();
  expect(shownAddressProblem("https://console.example/#/requests")).toBeUndefined();
  for (const text of ["a:1", "my_service.svc:65535", "[::1]:9201", "10.0.0.1:80", "dns:///approval.svc:9201"])
    expect(hostPortProblem(text)).toBeUndefined();
  for (const text of [
    ...["postgres://u:p@h/d?sslmode=verify-full&sslrootcert=/ca.crt", "postgres://u:p@h/d?x=y&sslmode=disable"],
    ...["postgres://u:p@localhost/d", "postgres://u@127.0.0.1:5433/d", "postgres://u@[::1]/d", "postgres://u:p@/d"],
    ...["postgresql:///d?host=/run", "postgresql:///d?host=%2Frun&user=u", "postgres://%2Frun%2Fpostgresql/d"],
    ...["postgres://u@db.internal/d?host=/run", "postgres://u@db.internal/d?host=localhost", "postgres:///d"],
  ]) {
    expect([text, databaseProblem(text)]).toEqual([text, undefined]);
  }
  expect(headerProblem("a token of several words")).toBeUndefined();
  const apart = { key: "a.port", host: "127.0.0.1", port: 9 };
  for (const host of ["127.0.0.2", "::1", "10.0.0.2"]) expect(samePortFaults([apart, { ...apart, host }])).toEqual([]);
  expect(
    samePortFaults([
      { ...apart, port: 0 },
      { ...apart, port: 0 },
    ]),
  ).toEqual([]);
});

test("only an address of loopback is of this machine alone, however it is written", () => {
  for (const text of ["127.0.0.1:1", "localhost:1", "[::1]:1", "dns:///localhost:1"])
    expect(isHereAlone(text)).toBe(true);
  for (const text of ["10.0.0.1:1", "localhost.example:1", "dns:///a:1", "a", ""])
    expect(isHereAlone(text)).toBe(false);
});
