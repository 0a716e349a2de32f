import { PangeaConfig, VaultService } from "pangea-node-sdk";
import { ConfigurationError } from "../../errors.ts";
import { requireMethods, requireObject } from "../../option-checks.ts";
import type { VaultConnectionOptions } from "./options.ts";
import type { VaultServiceLike } from "./vault-service.ts";

/**
 * The Vault client that was given, or the SDK's client for a token.
 *
 * @throws {ConfigurationError} when the token is missing, or the base URL has no `{SERVICE_NAME}`.
 */
export function toVaultService(
  tokenOrService: string | VaultServiceLike,
  options: VaultConnectionOptions,
): VaultServiceLike {
  requireObject("options", options);
  if (typeof tokenOrService === "object" && tokenOrService !== null) {
    requireMethods("The Vault service", tokenOrService, [
      "secretStore",
      "secretRotate",
      "getItem",
      "getBulk",
      "delete",
    ]);
    return tokenOrService;
  }
  const token = tokenOrService;
  if (typeof token !== "string" || token.trim() === "") {
    throw new ConfigurationError("The Vault token is missing: give the pts_… token of a Pangea project.");
  }
  const { baseUrlTemplate, domain } = options;
  if (baseUrlTemplate !== undefined && !/^https?:\/\/.*\{SERVICE_NAME\}/.test(baseUrlTemplate)) {
    throw new ConfigurationError('baseUrlTemplate must be a URL with "{SERVICE_NAME}" in it.');
  }
  const config = new PangeaConfig({
    ...(domain !== undefined && { domain }),
    ...(baseUrlTemplate !== undefined && { baseUrlTemplate }),
  });
  return new VaultService(token, config);
}
