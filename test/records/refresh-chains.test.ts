import { describe, expect, it } from "vitest";
import {
  type CopyRepositoriesOptions,
  copyRepositories,
  createInMemoryRepositories,
  type ProviderRepositories,
  type RefreshToken,
  UnreadableRecordsError,
} from "../../src/index.ts";
import { intercepted } from "../support/intercepted-repository.ts";
import { recordsOf } from "../support/records-of.ts";

const expiresAt = 4_000_000_000;

/** A refresh token of a test: the grant's name, where it is another one, its number, and an `r` where the token is retired. */
type Token = string;

function partsOf(token: Token) {
  const [, grantId = "", number = "", retired] = /^(\D*)(\d+)(r?)$/.exec(token) ?? expect.fail(token);
  return { grantId: grantId || "own", number: Number(number), isRetired: retired === "r" };
}

function recordOf(token: Token): RefreshToken {
  const { grantId, number, isRetired } = partsOf(token);
  const kept = { grantId, scopes: ["user"], usableUntil: 9, expiresAt, wrappedKey: "k" };
  return { ...kept, issuedAt: 100 * number, ...(isRetired && { retired: true, expiresAt: expiresAt - 1 }) };
}

async function write({ refreshTokens }: ProviderRepositories, tokens: readonly Token[]): Promise<void> {
  for (const token of tokens) {
    const { grantId, number } = partsOf(token);
    await refreshTokens.set(`${grantId}-${number}`, recordOf(token));
  }
}

async function tokensIn({ refreshTokens }: ProviderRepositories): Promise<Token[]> {
  const records = await recordsOf(refreshTokens);
  return records.map(([key, { retired }]) => `${key.replace("own-", "").replace("-", "")}${retired ? "r" : ""}`).sort();
}

async function storesWith(source: readonly Token[], target: readonly Token[]) {
  const [from, to] = [createInMemoryRepositories(), createInMemoryRepositories()];
  await write(from, source);
  await write(to, target);
  return { from, to };
}

const replace: CopyRepositoriesOptions = {};
const remove: CopyRepositoriesOptions = { removeMissing: true };
const keep: CopyRepositoriesOptions = { existing: "keep" };

describe("of the refresh tokens of a grant, the target has afterwards", () => {
  it.each<[string, CopyRepositoriesOptions, Token[], Token[], Token[]]>([
    ["those of the source, which went on since the first copy", remove, ["5r", "6", "7"], ["1", "2"], ["5r", "6", "7"]],
    ["those of the source, of which it has one", remove, ["2r", "3", "4"], ["1r", "2", "3"], ["2r", "3", "4"]],
    ["those of the source, where it had none", remove, ["1", "2"], [], ["1", "2"]],
    ["its own, which went on since, and none of before", replace, ["1", "2"], ["6", "7"], ["6", "7"]],
    ["its own, too, where missing ones are removed", remove, ["1", "2"], ["5r", "6", "7"], ["5r", "6", "7"]],
    ["its own, where it went on by one", remove, ["1", "2"], ["1r", "2", "3"], ["1r", "2", "3"]],
    ["its own that is newer, without one left from long ago", remove, ["5", "6"], ["1", "6", "7"], ["6", "7"]],
    ["what a copy that was interrupted has left out", replace, ["6", "7"], ["7"], ["6", "7"]],
    ["the newest one that was left out", replace, ["6", "7"], ["6"], ["6", "7"]],
    ["those of the source, where it is to keep its own and has none", keep, ["1", "2"], [], ["1", "2"]],
    ["its own, where it is to keep them and went on", keep, ["1", "2"], ["6", "7"], ["6", "7"]],
    ["its own, where it is to keep them and the source went on", keep, ["6", "7"], ["1", "2"], ["1", "2"]],
    ["its own, where the source has more, and it is to keep them", keep, ["5r", "6", "7"], ["1", "2"], ["1", "2"]],
    ["what was left out of those that it is to keep", keep, ["5r", "6", "7"], ["6"], ["5r", "6", "7"]],
    ["all there are, where it is to keep them", keep, ["6", "7"], ["6", "7"], ["6", "7"]],
    ["what says that it was used, which ends at once", replace, ["1", "2"], ["1r", "2"], ["1r", "2"]],
    ["nothing of another grant's", remove, ["1", "2", "other5"], ["other4"], ["1", "2", "other5"]],
    [
      "those of a grant of which the source has none",
      remove,
      ["1"],
      ["1", "other1", "other2"],
      ["1", "other1", "other2"],
    ],
  ])("%s", async (_, options, source, target, expected) => {
    const { from, to } = await storesWith(source, target);
    const { refreshTokens } = await copyRepositories(from, to, { ...options, dryRun: true });
    expect(await tokensIn(to)).toEqual(target);
    expect((await copyRepositories(from, to, options)).refreshTokens).toEqual(refreshTokens);
    expect(await tokensIn(to)).toEqual(expected);
    const { written, unchanged, kept } = refreshTokens;
    expect(written + unchanged + kept).toBe(source.length);
    // A second run has nothing to do.
    expect((await copyRepositories(from, to, options)).refreshTokens).toMatchObject({ written: 0, removed: 0 });
  });

  it.each([
    ["both end at once", expiresAt, expiresAt, true],
    ["its end was given up", expiresAt - 1, expiresAt, true],
    ["it is another token", expiresAt, expiresAt, false],
  ])("the retired one where %s", async (_, present, given, isSame) => {
    const { from, to } = await storesWith([], []);
    await from.refreshTokens.set("own-1", { ...recordOf("1"), expiresAt: given });
    const retired: RefreshToken = { ...recordOf(isSame ? "1" : "2"), expiresAt: present, retired: true };
    await to.refreshTokens.set("own-1", retired);
    await copyRepositories(from, to);
    expect((await to.refreshTokens.get("own-1"))?.retired).toBe(isSame ? true : undefined);
  });

  it("what a server has made of them while records are copied that it is to keep", async () => {
    const { from, to } = await storesWith(["1", "2"], ["1", "2"]);
    await from.clients.set("a", { client_id: "a", redirect_uris: [] });
    const clients = intercepted(to.clients, async (run) => {
      for (const number of [1, 2]) await to.refreshTokens.delete(`own-${number}`);
      await write(to, ["6", "7"]);
      return run();
    });
    await copyRepositories(from, { ...to, clients }, keep);
    expect(await tokensIn(to)).toEqual(["6", "7"]);
  });
});

describe("what two stores have of a grant is compared", () => {
  it("though some records cannot be read, which is told once the others are copied", async () => {
    const { from, to } = await storesWith(["6", "7"], ["1", "2"]);
    const partlyUnreadable = ({ refreshTokens }: ProviderRepositories) => ({
      ...intercepted(refreshTokens, (run) => run()),
      async *entries() {
        yield* await recordsOf(refreshTokens);
        throw new UnreadableRecordsError("The test spoils some.", { count: 1, keyIds: ["a-key-id"] });
      },
    });
    const copying = copyRepositories(
      { ...from, refreshTokens: partlyUnreadable(from) },
      { ...to, refreshTokens: partlyUnreadable(to) },
      remove,
    );
    await expect(copying).rejects.toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 2 });
    expect(await tokensIn(to)).toEqual(["6", "7"]);
  });

  it.each([
    ["once, where the target has none", [], 1],
    ["once more, where the target has some", ["1"], 2],
  ])("and the source's tokens are listed %s", async (_, target, count) => {
    const { from, to } = await storesWith(["1", "2"], target);
    let listings = 0;
    const refreshTokens = {
      ...intercepted(from.refreshTokens, (run) => run()),
      async *entries() {
        listings += 1;
        yield* await recordsOf(from.refreshTokens);
      },
    };
    await copyRepositories({ ...from, refreshTokens }, to);
    expect(listings).toBe(count);
  });

  it("unless the target cannot list its records", async () => {
    const { from, to } = await storesWith(["1", "2"], ["2r"]);
    await copyRepositories(from, { ...to, refreshTokens: intercepted(to.refreshTokens, (run) => run()) });
    expect(await tokensIn(to)).toEqual(["1", "2r"]);
  });

  it("until the copying is ended, or a store fails", async () => {
    const { from, to } = await storesWith(["1", "2"], ["1", "2"]);
    const failing = (failure: unknown) => ({
      ...intercepted(to.refreshTokens, (run) => run()),
      // biome-ignore lint/correctness/useYield: the store fails at once.
      async *entries(): AsyncGenerator<[string, RefreshToken], void> {
        throw failure;
      },
    });
    const failure = new Error("The test fails the store.");
    const reported: string[] = [];
    const onProgress = (name: string) => void reported.push(name);
    const copying = copyRepositories(from, { ...to, refreshTokens: failing(failure) }, { onProgress });
    await expect(copying).rejects.toBe(failure);
    const signal = AbortSignal.abort(failure);
    await expect(copyRepositories(from, to, { onProgress, signal })).rejects.toBe(failure);
    expect(reported).toEqual([]);
  });
});
