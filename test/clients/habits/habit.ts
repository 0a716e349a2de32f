import type { PangeaOAuthProviderOptions } from "../../../src/index.ts";
import type { ProviderInternals } from "../../../src/provider/configuration/internals.ts";
import type { ManualClock } from "../../support/manual-clock.ts";
import type { ProviderHarness } from "../../support/provider-harness.ts";

/** Where a habit is tried: a server with the defaults of `providerOptions`, and the options that the row changes. */
export interface HabitScene {
  readonly harness: ProviderHarness;
  readonly clock: ManualClock;
}

/** What a client does, and what has to come of it. A row of the table. */
export interface Habit {
  /** The client that has the habit. */
  readonly client: string;
  /** What the client does, in a few words. */
  readonly habit: string;
  /** Where the habit is told of: an issue (`https://…`), or a section of an RFC (`https://www.rfc-editor.org/rfc/rfc…`). */
  readonly source: string;
  /** Options of the server that are not the defaults of the tests. */
  readonly options?: Partial<PangeaOAuthProviderOptions>;
  /** What stands in the place of timers, name servers and sockets. */
  readonly internals?: ProviderInternals;
  /** Does what the client does, and looks at the answers. */
  readonly run: (scene: HabitScene) => Promise<void>;
}
