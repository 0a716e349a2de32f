import { PangeaConfig, VaultService } from "pangea-node-sdk";
import { requireExactText, requireMethods, requireThat } from "../../option-checks.ts";
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
  if (typeof tokenOrService === "object" && tokenOrService !== null) {
    const methods = ["secretStore", "secretRotate", "getItem", "getBulk", "delete"];
    requireMethods("The Vault service", tokenOrService, methods, "give a VaultService of pangea-node-sdk, or a token");
    return tokenOrService;
  }
  const token = requireExactText("The Vault token", tokenOrService);
  requireThat(
    /^pts_[^\s]+$/.test(token),
    "The Vault token must be a service token of Pangea, which begins with pts_: the token alone, with nothing before it.",
  );
  const { baseUrlTemplate, domain } = options;
  const isTemplate = baseUrlTemplate === undefined || /^https?:\/\/.*\{SERVICE_NAME\}/.test(baseUrlTemplate);
  requireThat(isTemplate, 'baseUrlTemplate must be a URL with "{SERVICE_NAME}" in it.');
  const isDomain = domain === undefined || /^[\w.-]+(?::\d+)?$/.test(domain);
  requireThat(isDomain, "domain must be the domain of a region alone, such as aws.eu.pangea.cloud.");
  const config = new PangeaConfig({
    ...(domain !== undefined && { domain }),
    ...(baseUrlTemplate !== undefined && { baseUrlTemplate }),
  });
  return new VaultService(token, config);
}
