import { describe, expect, it } from "vitest";
import type { McpOAuthProviderOptions } from "../../../src/index.ts";
import type { ProviderConfiguration } from "../../../src/provider/configuration/configuration.ts";
import { KeyAnnouncements } from "../../../src/provider/keys/key-announcements.ts";
import { consentRevocationOf } from "../../../src/records/consent-revocation.ts";
import { serverAnnouncementKey, storeAnnouncementKey } from "../../../src/records/keys.ts";
import { configured } from "../../support/configured.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const day = 24 * 60 * 60;
const years = (count: number) => count * 365 * day;

/** What operators may set, each alone and together. */
const settings: [string, Partial<McpOAuthProviderOptions>][] = [
  ["nothing", {}],
  ["refresh tokens of half a year", { grantLifetimeSeconds: years(1), refreshTokenLifetimeSeconds: 180 * day }],
  ["refresh tokens of 90 days", { grantLifetimeSeconds: years(1), refreshTokenLifetimeSeconds: 90 * day }],
  ["refresh tokens that end with their grant", { refreshTokenLifetimeSeconds: years(1) }],
  ["grants of a year", { grantLifetimeSeconds: years(1) }],
  [
    "a minute for everything",
    { accessTokenLifetimeSeconds: 60, refreshTokenLifetimeSeconds: 60, grantLifetimeSeconds: 60 },
  ],
  ["access tokens of a month", { accessTokenLifetimeSeconds: 31 * day }],
  ["decisions for as long as a browser keeps them", { consent: { rememberSeconds: 400 * day } }],
  ["account sessions of a day", { account: { sessionSeconds: day } }],
  ["documents of a year", { clientMetadataDocuments: { maxStaleSeconds: years(1) } }],
  ["registrations of a year", { clientRegistration: { unusedLifetimeSeconds: years(1) } }],
  ["first logins within a year", { clientRegistration: { firstLoginWithinSeconds: years(1) } }],
];

/** The longest that a client may be away and come back with a live refresh token. */
const idle = ({ lifetimes }: ProviderConfiguration) => Math.min(lifetimes.grant, lifetimes.refreshToken);
/** How long the server's keys are remembered at the least, from an announcement on that holds for an hour. */
const remembered = async (configuration: ProviderConfiguration) => {
  const { issuer, keys, now, repositories } = configuration;
  await using announcements = new KeyAnnouncements(configuration);
  await announcements.ready();
  const ends = [storeAnnouncementKey, (keyId: string) => serverAnnouncementKey(issuer, keyId)].map(
    async (keyOf) => (await repositories.keyAnnouncements.get(keyOf(keys.ids[0] ?? "")))?.expiresAt ?? 0,
  );
  return Math.min(...(await Promise.all(ends))) - now() - 3600;
};

type Length = (configuration: ProviderConfiguration) => number | Promise<number>;

/** Pairs of times of which the first has to be as long as the second at the least. */
const pairs: [string, string, Length, Length][] = [
  ["a refresh token", "an access token", ({ lifetimes }) => lifetimes.refreshToken, (all) => all.lifetimes.accessToken],
  [
    "a registration that is a 90th of its life old",
    "a refresh token",
    ({ registration }) => registration.unusedLifetime * (89 / 90) - 120,
    idle,
  ],
  [
    "a registration in use",
    "one that waits for its first login",
    ({ registration }) => registration.unusedLifetime,
    ({ registration }) => registration.firstLoginWithin,
  ],
  [
    "the end of a consent",
    "a decision in a browser",
    () => consentRevocationOf(0, undefined).expiresAt - 120,
    ({ consent }) => consent.remember,
  ],
  ["what is remembered of keys", "the tombstone of a grant", remembered, ({ lifetimes }) => lifetimes.grant + day],
  ["what is remembered of keys", "a registration", remembered, ({ registration }) => registration.unusedLifetime],
  ["what is remembered of keys", "a document", remembered, ({ documents }) => documents.maxStaleSeconds ?? 0],
  ["what is remembered of keys", "an account session", remembered, ({ account }) => account.session],
  ["what is remembered of keys", "a refresh token", remembered, idle],
];

describe.each(settings)("with %s", (_, options) => {
  it.each(pairs)("%s outlasts %s", async (_longer, _shorter, longer, shorter) => {
    const configuration = configured(options, new ManualClock());
    expect(await longer(configuration)).toBeGreaterThanOrEqual(await shorter(configuration));
  });
});

describe("a registration", () => {
  it.each([
    ["90 days by default", {}, undefined, 90 * day],
    [
      "90 days where an unused refresh token ends earlier",
      { refreshTokenLifetimeSeconds: 80 * day },
      undefined,
      90 * day,
    ],
    ["a 45th more than a refresh token of 180 days", { refreshTokenLifetimeSeconds: 180 * day }, undefined, 184 * day],
    ["as long as the options say, and no longer", { refreshTokenLifetimeSeconds: 180 * day }, 600, 600],
    ["ten years at the most", { refreshTokenLifetimeSeconds: 3650 * day }, undefined, 3650 * day],
  ])("is kept unused for %s", (_, lifetimes, unusedLifetimeSeconds, expected) => {
    const clientRegistration = unusedLifetimeSeconds === undefined ? {} : { unusedLifetimeSeconds };
    const { registration } = configured({ grantLifetimeSeconds: 3650 * day, ...lifetimes, clientRegistration });
    expect(registration.unusedLifetime).toBe(expected);
  });
});
