/**
 * What a check has found: of a store, of an identity provider, or of a configuration. It holds no secret and no record.
 *
 * @example
 * ```ts
 * for (const { status, what, why, remedy } of findings) console.log(status, what, why ?? "", remedy ?? "");
 * ```
 */
export interface Finding {
  /** The name of the check, such as `store` or `issuer`: stable, and what to test. */
  readonly check: string;
  /** `error` for what cannot work, `warning` for what will fail some day or somebody. */
  readonly status: "ok" | "warning" | "error";
  /** What was found, in a sentence. */
  readonly what: string;
  /** Why it matters, where it is not `ok`. */
  readonly why?: string;
  /** What to do, where it is not `ok`. */
  readonly remedy?: string;
}

/** A repository that can say more of its store than whether it answers. */
export interface Diagnosable {
  /**
   * Looks at the store's own settings, and at its clock.
   *
   * @throws {StorageError} when the store does not answer.
   */
  diagnose(): Promise<Finding[]>;
}

/** Whether a repository can say more of its store. */
export function isDiagnosable(repository: object): repository is Diagnosable {
  return "diagnose" in repository && typeof repository.diagnose === "function";
}
