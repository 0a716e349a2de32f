import { requireThat } from "../../../option-checks.ts";
import { settingOf } from "../redis-like.ts";
import { configurationOf, type GlideLike } from "./glide-like.ts";

/**
 * Refuses a client of Valkey GLIDE whose settings break what the repository promises. Where a client does not show its
 * settings, they are taken to be right.
 *
 * @throws {ConfigurationError} With the setting to change, and why.
 */
export function requireSafeGlide(client: GlideLike): void {
  const settings = configurationOf(client);
  const readFrom = settingOf(settings, "readFrom");
  requireThat(
    (readFrom === undefined || readFrom === "primary") && settingOf(settings, "readOnly") !== true,
    "The Valkey GLIDE client reads from replicas, where a deleted record lives on for a while; leave out readFrom and readOnly.",
  );
  requireThat(
    settingOf(settings, "clientSideCache") === undefined,
    "The Valkey GLIDE client keeps copies that nobody tells of a change; leave out clientSideCache and put a " +
      "CachedRepository in front.",
  );
  requireThat(
    settingOf(settingOf(settings, "compression"), "enabled") !== true,
    "The Valkey GLIDE client stores compressed records, which a take cannot compare and other clients cannot read; leave " +
      "out compression.",
  );
}
