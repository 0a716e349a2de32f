import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, it } from "vitest";
import { KeyRing } from "../../../src/index.ts";
import { StepKey } from "../../../src/provider/grants/grant-key.ts";
import { openStep } from "../../../src/provider/tokens/step.ts";
import { grantIdOf } from "../../../src/records/keys.ts";
import { silentReporter } from "../../support/silent-reporter.ts";

const [keys, others] = [KeyRing.from("a".repeat(32)), KeyRing.from("b".repeat(32))];
const credential = { handle: "h".repeat(22), generation: 1, core: "core" };
const grantId = grantIdOf(credential.handle);
const key = StepKey.create(grantId);

it("the keys of a step open with its credential", () => {
  const step = openStep({ keys, reporter: silentReporter() }, credential, key.wrap(keys, "core"));
  expect(step).toMatchObject({ ...credential, grantId });
  expect(step.key.authenticate("text")).toEqual(key.authenticate("text"));
});

it.each([
  ["another instance may have the secret", key.wrap(others, "core"), { code: "ERR_UNSEALABLE" }, 0],
  ["they were altered", `${key.wrap(keys, "core").slice(0, -6)}AAAAAA`, { error: "invalid_grant" }, 1],
  ["there are none", undefined, { error: "invalid_grant" }, 1],
])("where the keys of a step do not open, the answer depends on why: %s", (_, wrapped, failure, outages) => {
  const told: unknown[] = [];
  const listen = (event: unknown) => void told.push(event);
  subscribe("pangea-authn-fastmcp:outage", listen);
  try {
    expect(() => openStep({ keys, reporter: silentReporter() }, credential, wrapped)).toThrow(
      expect.objectContaining(failure),
    );
  } finally {
    unsubscribe("pangea-authn-fastmcp:outage", listen);
  }
  expect(told).toHaveLength(outages);
});
