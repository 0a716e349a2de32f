import type { World } from "./world.ts";

/** How long what the provider issues is good, and how far it lets clocks be apart: in milliseconds. */
export interface Periods {
  readonly accessToken: number;
  readonly refreshToken: number;
  readonly grant: number;
  readonly code: number;
  /** How long a spent refresh token is answered again whatever happened. */
  readonly grace: number;
  /** How far the provider allows instances' clocks to be apart. */
  readonly instancesApart: number;
}

const day = 24 * 60 * 60;

/** The periods of a world: its options, or the provider's defaults. */
export function periodsOf({ settings: { options = {} } }: World): Periods {
  const {
    accessTokenLifetimeSeconds: accessToken = 3_600,
    refreshTokenLifetimeSeconds: refreshToken = 30 * day,
    grantLifetimeSeconds: grant = 90 * day,
    authorizationCodeLifetimeSeconds: code = 60,
    refreshGraceSeconds: grace = 30,
    clockToleranceSeconds: instancesApart = 120,
  } = options;
  return {
    accessToken: accessToken * 1_000,
    refreshToken: refreshToken * 1_000,
    grant: grant * 1_000,
    code: code * 1_000,
    grace: grace * 1_000,
    instancesApart: instancesApart * 1_000,
  };
}
