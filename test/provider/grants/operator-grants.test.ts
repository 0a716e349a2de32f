import { describe, expect, it } from "vitest";
import { createInMemoryRepositories, type GrantFilter, type GrantSummary, isEnumerable } from "../../../src/index.ts";
import { requireOneUser } from "../../../src/provider/grants/grant-directory.ts";
import { OperatorGrants } from "../../../src/provider/grants/operator-grants.ts";
import { grantIdOf, grantUseKey, recordKey } from "../../../src/records/keys.ts";
import { intercepted } from "../../support/intercepted-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { heard } from "../../support/provider-events.ts";
import { recordsOf } from "../../support/records-of.ts";

const [red, blue] = ["https://login.red.example", "https://login.blue.example"];
const servers = ["https://notes.example/mcp", "https://mail.example/mcp"] as const;

/** A store with grants of two servers and two upstreams, and nothing that tells which those are. */
async function store() {
  const clock = new ManualClock();
  const repositories = createInMemoryRepositories({ clock: clock.read });
  const lines: string[] = [];
  const operator = new OperatorGrants(repositories, { clock: clock.read, tell: (line) => void lines.push(line) });
  let count = 0;
  const add = async (changes: {
    readonly subject?: string;
    readonly upstreamIssuer?: string;
    readonly clientId?: string;
    readonly server?: string;
  }) => {
    count += 1;
    const { server = servers[0], ...others } = changes;
    const grantId = grantIdOf(`handle-${count}`);
    const [createdAt, expiresAt] = [clock.seconds(count), clock.seconds(1000)];
    const grant = { clientId: "app", scopes: ["user"], resource: new URL(server), createdAt, expiresAt, ...others };
    await repositories.grants.set(grantId, grant);
    return grantId;
  };
  return { add, clock, lines, operator, repositories };
}

async function listed(operator: OperatorGrants, filter: GrantFilter): Promise<string[]> {
  const found: GrantSummary[] = [];
  for await (const grant of operator.list(filter)) found.push(grant);
  return found.sort((one, other) => one.createdAt - other.createdAt).map(({ grantId }) => grantId);
}

describe("an operator without a provider", () => {
  it("sees the grants of every server on the store, by user, upstream and client", async () => {
    const { add, operator } = await store();
    const ids = [
      await add({ subject: "ada", upstreamIssuer: red }),
      await add({ subject: "ada", upstreamIssuer: blue, clientId: "other" }),
      await add({ subject: "grace", upstreamIssuer: red, server: servers[1] }),
      await add({}),
    ];
    const pick = (...indexes: readonly number[]) => indexes.map((index) => ids[index]);
    for (const [filter, expected] of [
      [{}, pick(0, 1, 2, 3)],
      [{ subject: "ada" }, pick(0, 1)],
      [{ upstreamIssuer: red }, pick(0, 2)],
      [{ upstreamIssuer: `${red}/` }, pick(0, 2)],
      [{ subject: "ada", upstreamIssuer: blue }, pick(1)],
      [{ clientId: "app" }, pick(0, 2, 3)],
      [{ clientId: "nobody" }, []],
    ] as const) {
      expect(await listed(operator, filter), JSON.stringify(filter)).toEqual(expected);
    }
  });

  it("sees one grant by its id, with when it was used, and none that is over", async () => {
    const { add, clock, operator, repositories } = await store();
    const grantId = await add({ subject: "ada", upstreamIssuer: red });
    const use = { usedAt: clock.seconds(5), network: "203.0.113.0/24", expiresAt: clock.seconds(1000) };
    await repositories.grantUses.set(grantUseKey(grantId), use);
    expect(await operator.get(grantId)).toEqual({
      grantId,
      clientId: "app",
      clientName: undefined,
      clientHost: undefined,
      clientVerified: false,
      subject: "ada",
      upstreamIssuer: red,
      scopes: ["user"],
      resource: servers[0],
      createdAt: clock.seconds(1),
      lastUsedAt: clock.seconds(5),
      lastUsedFrom: "203.0.113.0/24",
      expiresAt: clock.seconds(1000),
    });
    expect(await operator.get(grantIdOf("another"))).toBeUndefined();
    await operator.revoke(grantId);
    expect(await operator.get(grantId)).toBeUndefined();
  });

  it("ends one grant, with the consent behind it, and leaves a line for the auditor", async () => {
    const { add, clock, lines, operator, repositories } = await store();
    const [grantId, other] = [await add({ subject: "ada", upstreamIssuer: red }), await add({ subject: "ada" })];
    const told = heard("grant-revoked");
    expect(await operator.revoke(grantId)).toBe(true);
    expect(told.stop()).toEqual([{ clientId: "app", grantId, subject: "ada", upstreamIssuer: red, by: "operator" }]);
    expect(await repositories.grants.get(grantId)).toMatchObject({ revokedAt: clock.seconds(), scopes: [] });
    expect(await operator.revoke(grantId)).toBe(false);
    const consent = recordKey("consent_revocation", servers[0], "ada", "app", red);
    expect(await repositories.consentRevocations.get(consent)).toMatchObject({ revokedAt: clock.seconds() });
    expect(await listed(operator, {})).toEqual([other]);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(grantId);
  });

  it("ends what is not there yet for as long as a grant lives, and refuses what is no id", async () => {
    const { clock, operator, repositories } = await store();
    const grantId = grantIdOf("to come");
    expect(await operator.revoke(grantId)).toBe(false);
    // A day longer than the grant could live.
    expect(await repositories.grants.get(grantId)).toMatchObject({ expiresAt: clock.seconds(91 * 86_400) });
    await expect(operator.revoke("no id")).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    expect(await recordsOf(repositories.grants)).toHaveLength(1);
  });

  it.each<[string, readonly (string | undefined)[], GrantFilter, number | undefined]>([
    ["all", [red, blue], {}, 2],
    ["one upstream's user", [red, blue], { subject: "ada", upstreamIssuer: red }, 1],
    ["a user of one upstream, written in two ways", [red, `${red}/`], { subject: "ada" }, 2],
    ["a user whom no record says more of", [undefined, undefined], { subject: "ada" }, 2],
    ["nobody", [red, blue], { subject: "grace" }, 0],
    ["who may be two people", [red, blue], { subject: "ada" }, undefined],
    ["who may be two people, of one of whom nothing more is known", [red, undefined], { subject: "ada" }, undefined],
  ])("ends %s, and never the logins of two people in one", async (_, issuers, filter, ended) => {
    const { add, operator, repositories } = await store();
    for (const upstreamIssuer of issuers) {
      await add({ subject: "ada", ...(upstreamIssuer !== undefined && { upstreamIssuer }) });
    }
    if (ended === undefined) {
      await expect(operator.revokeAll(filter)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    } else {
      expect(await operator.revokeAll(filter)).toBe(ended);
    }
    expect(await listed(operator, {})).toHaveLength(issuers.length - (ended ?? 0));
    const revoked = (await recordsOf(repositories.grants)).filter(([, { revokedAt }]) => revokedAt !== undefined);
    expect(revoked).toHaveLength(ended ?? 0);
  });

  it("is told where the store finds grants by going through all of them", async () => {
    const { add, operator, repositories } = await store();
    await add({ subject: "ada", upstreamIssuer: red });
    const told = heard("grants-unindexed");
    const { grants } = repositories;
    if (!isEnumerable(grants)) expect.unreachable();
    const plain = {
      ...repositories,
      grants: { ...intercepted(grants, (run) => run()), entries: () => grants.entries() },
    };
    const through = new OperatorGrants(plain, { clock: Date.now, tell: () => {} });
    expect(await listed(through, { subject: "ada" })).toHaveLength(1);
    expect(told.stop()).toEqual([{ issuer: expect.any(String) }]);
    expect(await listed(operator, { subject: "ada" })).toHaveLength(1);
  });
});

describe("a subject that has to mean one person", () => {
  const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });

  it.each<[GrantFilter, readonly (string | undefined)[], boolean]>([
    [{ subject: "ada" }, [], true],
    [{ subject: "ada" }, [red], true],
    [{ subject: "ada" }, [red, `${red}/`, red], true],
    [{ subject: "ada" }, [undefined, undefined], true],
    [{ subject: "ada" }, [red, blue], false],
    [{ subject: "ada" }, [red, undefined], false],
    [{ subject: "ada", upstreamIssuer: red }, [red, blue], true],
    [{}, [red, blue], true],
    [{ clientId: "app" }, [red, blue], true],
  ])("does by %j where the records are of %j: %j", (filter, issuers, isOne) => {
    const check = () => requireOneUser(filter, issuers);
    if (isOne) expect(check).not.toThrow();
    else expect(check).toThrow(refusal);
  });
});
