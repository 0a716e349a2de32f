import { createRequire } from "node:module";
import { missingPackage } from "../../optional-package.ts";

/** The module that AuthN's OAuth server stands on. */
export type OidcProviderModule = typeof import("oidc-provider");

/**
 * Loads `oidc-provider`, an optional peer: whoever emulates Vault alone does not need it. Its remark on Node versions
 * without long-term support is kept off the console; `require` makes that one synchronous step, in which nothing else can
 * be kept off by mistake.
 *
 * @throws {ConfigurationError} when it is not installed.
 */
export function loadOidcProvider(
  load: () => OidcProviderModule = () => createRequire(import.meta.url)("oidc-provider"),
): OidcProviderModule {
  try {
    return withoutRuntimeRemark(load);
  } catch (cause) {
    throw missingPackage("oidc-provider", "The AuthN emulator", cause);
  }
}

function withoutRuntimeRemark<T>(load: () => T): T {
  const { warn } = console;
  console.warn = (...parts: unknown[]) => {
    if (!String(parts[0]).includes("oidc-provider WARNING: Unsupported runtime")) warn(...parts);
  };
  try {
    return load();
  } finally {
    console.warn = warn;
  }
}
