import type { PangeaOAuthProviderOptions } from "../../../src/index.ts";
import type { Flow } from "./flow.ts";

/** Other settings under which every flow has to hold what it promises. */
export interface Variant {
  readonly name: string;
  readonly options: Partial<PangeaOAuthProviderOptions>;
  /** Other jumps of time beside those of a flow, in seconds. */
  readonly advances?: readonly number[];
  /** In place of the flow's: by how many seconds the clock of an instance may be ahead. */
  readonly skews: readonly number[];
}

/** As far apart as they may be by default, and a little less. */
const farApart = [-115, -40, 40, 115] as const;

/** The settings that an operator may choose, each at an end of its range, with clocks that are as far apart as they may be. */
export const variants: readonly Variant[] = [
  { name: "clocks far apart", options: {}, skews: farApart },
  { name: "no tolerance of clocks", options: { clockToleranceSeconds: 0 }, skews: [] },
  { name: "much tolerance of clocks", options: { clockToleranceSeconds: 300 }, skews: [-290, 290], advances: [310] },
  { name: "a grace of a second", options: { refreshGraceSeconds: 1 }, skews: farApart, advances: [2, 130] },
  { name: "a grace of ten minutes", options: { refreshGraceSeconds: 600 }, skews: farApart, advances: [590, 700] },
  { name: "reuse is refused only", options: { onRefreshReuse: "refuse" }, skews: farApart, advances: [75, 200] },
  {
    name: "access tokens for a minute",
    options: { accessTokenLifetimeSeconds: 60 },
    skews: farApart,
    advances: [61, 190],
  },
  {
    name: "tokens for a minute or two",
    options: { accessTokenLifetimeSeconds: 60, refreshTokenLifetimeSeconds: 120 },
    skews: farApart,
    advances: [61, 125, 300],
  },
  {
    name: "codes for five minutes",
    options: { authorizationCodeLifetimeSeconds: 300 },
    skews: farApart,
    advances: [200, 420],
  },
  {
    name: "grants for ten minutes",
    options: { grantLifetimeSeconds: 600 },
    skews: farApart,
    advances: [300, 590, 720],
  },
];

/** A flow under other settings. Its own come first. */
export function under(flow: Flow, { name, options, advances = [], skews }: Variant): Flow {
  const own = flow.settings.options ?? {};
  const { refreshTokenLifetimeSeconds: _, ...others } = options;
  // No refresh token may end before the access tokens that a flow makes last for long.
  const given = own.accessTokenLifetimeSeconds === undefined ? options : others;
  return {
    ...flow,
    name: `${flow.name}, ${name}`,
    settings: { ...flow.settings, options: { ...given, ...own } },
    advances: [...(flow.advances ?? []), ...advances],
    skews,
  };
}
