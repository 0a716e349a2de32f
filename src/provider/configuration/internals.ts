import type { ConnectPinned, ResolveHost } from "./client-documents-options.ts";

/**
 * What a provider takes beyond its public options: the names that a subclass has for them, and what tests put in the place
 * of timers, name servers and sockets. The constructors take it by a parameter that the published types do not have.
 */
export interface ProviderInternals {
  /** The class that messages name as the owner of the options. Default: `McpOAuthProvider`. */
  readonly owner?: string;
  /** The name that messages give an option. Default: the option's own. */
  readonly nameOf?: (option: "baseUrl" | "issuerUrl" | "path" | "scopes") => string;
  /** Waits, in milliseconds. Default: a timer. */
  readonly delay?: (milliseconds: number) => Promise<void>;
  /**
   * Does something so many milliseconds later, unless it is told to stop: that is what it answers with. Default: a timer that
   * keeps no process alive.
   */
  readonly later?: (milliseconds: number, run: () => void) => () => void;
  /** The time that has gone by, in milliseconds, which no clock that is set changes. Default: `performance.now`. */
  readonly elapsed?: () => number;
  /** Does something in the next turn of the event loop. Default: `setImmediate`. */
  readonly nextTurn?: (run: () => void) => void;
  /** Looks host names up. Default: the system's name servers. */
  readonly resolve?: ResolveHost;
  /** Opens the connection to addresses that were checked. Default: TLS. */
  readonly connect?: ConnectPinned;
}
