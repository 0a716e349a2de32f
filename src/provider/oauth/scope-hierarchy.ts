import { requireKind, requireThat } from "../../option-checks.ts";
import { requireScopesAmong } from "./scopes.ts";

/**
 * Which scopes have others within them. A broad scope counts wherever a narrow one is needed: the MCP specification asks
 * for this in its section on step-up authorization. What a broad scope implies may imply more.
 */
export class ScopeHierarchy {
  /** For each scope that implies any: what it implies, directly or not. */
  readonly #implied: ReadonlyMap<string, readonly string[]>;

  private constructor(implied: ReadonlyMap<string, readonly string[]>) {
    this.#implied = implied;
  }

  /**
   * Checks an option that says which scopes imply which.
   *
   * @param known - All scopes of the server.
   * @throws {ConfigurationError} when the option is not an object of lists, names a scope that the server does not know, or
   * a scope implies itself.
   *
   * @example
   * ```ts
   * const hierarchy = ScopeHierarchy.of(["user", "admin"], "scopeImplies", { admin: ["user"] });
   * hierarchy.withImplied(["admin"]); // ["admin", "user"]
   * ```
   */
  static of(known: readonly string[], name: string, given: unknown): ScopeHierarchy {
    requireKind(name, given, "object");
    requireThat(!Array.isArray(given), `${name} must be an object, such as { admin: ["user"] }.`);
    const direct = new Map<string, readonly string[]>();
    for (const [scope, implied] of Object.entries(given ?? {})) {
      requireScopesAmong(known, name, [scope]);
      direct.set(scope, requireScopesAmong(known, `${name}.${scope}`, implied));
    }
    const implied = new Map<string, readonly string[]>();
    for (const scope of direct.keys()) {
      const reached = reachedFrom(scope, direct);
      requireThat(!reached.includes(scope), `${name} goes round in a circle: "${scope}" implies itself.`);
      implied.set(scope, reached);
    }
    return new ScopeHierarchy(implied);
  }

  /** The scopes and all that they imply, each once. */
  withImplied(scopes: readonly string[]): string[] {
    return [...new Set(scopes.flatMap((scope) => [scope, ...(this.#implied.get(scope) ?? [])]))];
  }

  /** The scopes of `wanted` that `held` does not have and does not imply. */
  lacking(wanted: readonly string[], held: readonly string[]): string[] {
    if (wanted.every((scope) => held.includes(scope))) return [];
    const counted = this.withImplied(held);
    return wanted.filter((scope) => !counted.includes(scope));
  }

  /** Each list that has one scope more than these, such that the scope implies one of these. */
  broadened(scopes: readonly string[]): string[][] {
    return [...this.#implied].flatMap(([broad, implied]) =>
      implied.some((scope) => scopes.includes(scope)) ? [[...scopes, broad]] : [],
    );
  }
}

/** What a scope implies, directly or not: the scope itself is among it where it goes round in a circle. */
function reachedFrom(scope: string, direct: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const reached = new Set(direct.get(scope));
  // A set is walked through to what was added meanwhile.
  for (const next of reached) for (const further of direct.get(next) ?? []) reached.add(further);
  return [...reached];
}
