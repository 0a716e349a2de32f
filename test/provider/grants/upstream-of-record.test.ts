import { expect, it } from "vitest";
import { upstreamOfRecord, upstreamRemoved } from "../../../src/provider/grants/upstream-of-record.ts";
import { Upstreams } from "../../../src/provider/upstream/upstreams.ts";
import { FakeUpstream } from "../../support/fake-upstream.ts";

const [red, blue] = [new FakeUpstream(Date.now, "red"), new FakeUpstream(Date.now, "blue")];
const gone = "https://login.gone.example";

it.each([
  ["the one that it names", red.issuer, {}, red, []],
  ["the former one where it names none", undefined, { formerIssuer: blue.issuer }, blue, []],
  ["none where that is gone, which is told", gone, {}, undefined, [gone]],
  ["none where the former one is gone, which is told", undefined, { formerIssuer: gone }, undefined, [gone]],
  ["none where nobody knows which one", undefined, {}, undefined, [undefined]],
])("the upstream of a record is %s", (_, upstreamIssuer, options, expected, told) => {
  const met: (string | undefined)[] = [];
  const upstreams = new Upstreams([red, blue], { baseUrl: "https://mcp.example", ...options });
  const meetUnknownUpstream = (issuer: string | undefined) => void met.push(issuer);
  expect(upstreamOfRecord({ upstreams, meetUnknownUpstream }, { upstreamIssuer })).toBe(expected);
  expect(met).toEqual(told);
});

it.each(["invalid_grant", "invalid_token"] as const)("what such a login has led to is refused with %s", (error) => {
  expect(upstreamRemoved(error)).toMatchObject({ error });
});
