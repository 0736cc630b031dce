/**
 * That no built-in is lost, however rare: what OPA leaves to a host, by name, since the capabilities and the bundles that are built from the
 * registry would only follow it. With OPA there, the names are held against its own.
 */
import { readFile } from "node:fs/promises";
import { expect, test } from "@jest/globals";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { resolveTool } from "../../tools/resolve-tool.ts";
import { runCommand } from "../../tools/run-command.ts";
import { BUILTINS_AND_NETWORK } from "../../../core/policy/builtins/registry.ts";

/** Of OPA 1.20.2: its built-ins but for those that every module brings along, and those that are not served. */
const HOST_BUILTINS = `
array.flatten base64url.encode_no_pad crypto.hmac.equal crypto.hmac.md5 crypto.hmac.sha1 crypto.hmac.sha256 crypto.hmac.sha512 crypto.md5
crypto.parse_private_keys crypto.sha1 crypto.sha256 crypto.x509.parse_and_verify_certificates
crypto.x509.parse_and_verify_certificates_with_options crypto.x509.parse_certificate_request crypto.x509.parse_certificates
crypto.x509.parse_keypair crypto.x509.parse_rsa_private_key glob.quote_meta graph.reachable_paths graphql.is_valid graphql.parse
graphql.parse_and_verify graphql.parse_query graphql.parse_schema graphql.schema_is_valid hex.decode hex.encode http.send indexof_n io.jwt.decode
io.jwt.decode_verify io.jwt.encode_sign io.jwt.encode_sign_raw io.jwt.verify_eddsa io.jwt.verify_es256 io.jwt.verify_es384
io.jwt.verify_es512 io.jwt.verify_hs256 io.jwt.verify_hs384 io.jwt.verify_hs512 io.jwt.verify_ps256 io.jwt.verify_ps384 io.jwt.verify_ps512
io.jwt.verify_rs256 io.jwt.verify_rs384 io.jwt.verify_rs512 json.marshal_with_options json.match_schema json.patch json.verify_schema
net.cidr_contains_matches net.cidr_expand net.cidr_is_valid net.cidr_merge net.lookup_ip_addr numbers.range_step object.subset providers.aws.sign_req rand.intn
regex.find_n regex.globs_match regex.replace regex.split regex.template_match rego.parse_module semver.compare semver.is_valid sprintf
strings.any_prefix_match strings.any_suffix_match strings.count strings.render_template strings.split_n time.add_date time.clock time.date
time.diff time.format time.now_ns time.parse_duration_ns time.parse_ns time.parse_rfc3339_ns time.weekday trace units.parse
units.parse_bytes uri.is_valid uri.parse urlquery.decode urlquery.decode_object urlquery.encode urlquery.encode_object uuid.parse
uuid.rfc4122 yaml.is_valid yaml.marshal yaml.unmarshal
`;
/** `opa.runtime` is compiled, and served where `policy.environment` names a variable; those of the network where `policy.network` names a host. */
const NOT_SERVED: readonly string[] = [];

const schema = Compile(Type.Object({ builtins: Type.Array(Type.Object({ name: Type.String() })) }));
const namesIn = (text: string) => schema.Parse(JSON.parse(text)).builtins.map(({ name }) => name);
const hostBuiltins = HOST_BUILTINS.trim().split(/\s+/);
const opa = await resolveTool("opa");

test("every built-in that OPA leaves to its host is served", () => {
  expect(hostBuiltins.filter((name) => !BUILTINS_AND_NETWORK.has(name))).toEqual([]);
});

test("policies are compiled with all of them", async () => {
  const compiled = new Set(
    namesIn(await readFile(new URL("../../../rego/capabilities.json", import.meta.url), "utf8")),
  );
  expect(hostBuiltins.filter((name) => !compiled.has(name))).toEqual([]);
});

(opa.kind === "found" ? test : test.skip)("OPA has no other but those that are refused by name", async () => {
  if (opa.kind !== "found") return;
  const capabilities = await runCommand(opa.location, ["capabilities", "--current"], { timeoutMs: 20_000 });
  if (capabilities.kind === "failed") throw new Error(capabilities.message);
  const compiled = new Set(
    namesIn(await readFile(new URL("../../../rego/capabilities.json", import.meta.url), "utf8")),
  );
  const others = namesIn(capabilities.output).filter((name) => !compiled.has(name));
  expect(others.toSorted()).toEqual(NOT_SERVED);
});
