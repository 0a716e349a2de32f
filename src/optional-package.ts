import { ConfigurationError } from "./errors.ts";

/**
 * Loads an optional peer of this package.
 *
 * @param name - The package.
 * @param user - What needs it, for the message.
 * @throws {ConfigurationError} when it is not installed; the message has the line that installs it.
 */
export async function optionalPackage<Module>(
  name: string,
  user: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    throw missingPackage(name, user, cause);
  }
}

/**
 * The same without a promise, for what `require()` loads, which must not await.
 *
 * @throws {ConfigurationError} when it is not installed; the message has the line that installs it.
 */
export function requiredPackage<Module>(name: string, user: string, load: () => Module): Module {
  try {
    return load();
  } catch (cause) {
    throw missingPackage(name, user, cause);
  }
}

/** What to throw where a package could not be loaded: how to install it, or the failure as it is where it is there. */
export function missingPackage(name: string, user: string, failure: unknown): unknown {
  const isMissing =
    failure instanceof Error &&
    "code" in failure &&
    ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes(String(failure.code)) &&
    failure.message.includes(name);
  if (!isMissing) return failure;
  const message = `${user} needs the package ${name}, which is not installed: npm install ${name}`;
  return new ConfigurationError(message, { cause: failure });
}
