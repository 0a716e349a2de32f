import { requireExactText, requireMethods, requireThat } from "../../option-checks.ts";
import { missingPackage, optionalPackage } from "../../optional-package.ts";
import type { VaultConnectionOptions } from "./options.ts";
import type { VaultReply, VaultServiceLike } from "./vault-service.ts";

const sdk = "pangea-node-sdk";
/** What needs the SDK, for messages. */
const user = "A Vault token";

/**
 * The Vault client that was given, or the SDK's client for a token.
 *
 * @throws {ConfigurationError} when the token is missing or no service token, the base URL has no `{SERVICE_NAME}`, or the
 * SDK is not installed.
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
  for (const [name, value] of Object.entries({ baseUrlTemplate, domain })) {
    if (value !== undefined) requireExactText(name, value);
  }
  const isTemplate = baseUrlTemplate === undefined || /^https?:\/\/.*\{SERVICE_NAME\}/.test(baseUrlTemplate);
  requireThat(isTemplate, 'baseUrlTemplate must be a URL with "{SERVICE_NAME}" in it.');
  const isDomain = domain === undefined || /^[\w.-]+(?::\d+)?$/.test(domain);
  requireThat(isDomain, "domain must be the domain of a region alone, such as aws.eu.pangea.cloud.");
  const [, service] = /^(console|vault|authn)\./.exec(domain ?? "") ?? [];
  const rest = domain?.slice(`${service}.`.length);
  requireThat(service === undefined, `domain begins with ${service}., which is not of the region: give ${rest}.`);
  const isOne = domain === undefined || baseUrlTemplate === undefined;
  requireThat(isOne, "Give domain or baseUrlTemplate, not both: each says where Pangea's services are.");
  requireSdkBeside(import.meta);
  return new SdkService(async () => {
    const { PangeaConfig, VaultService } = await optionalPackage(sdk, user, () => import("pangea-node-sdk"));
    const config = new PangeaConfig({
      ...(domain !== undefined && { domain }),
      ...(baseUrlTemplate !== undefined && { baseUrlTemplate }),
    });
    return new VaultService(token, config);
  });
}

/** A client of the SDK that is made by its first call: who gives a service of their own need not have the SDK. */
class SdkService implements VaultServiceLike {
  readonly #open: () => Promise<VaultServiceLike>;
  #opened: Promise<VaultServiceLike> | undefined;

  constructor(open: () => Promise<VaultServiceLike>) {
    this.#open = open;
  }

  #service(): Promise<VaultServiceLike> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  async secretStore(...parameters: Parameters<VaultServiceLike["secretStore"]>): Promise<VaultReply> {
    return (await this.#service()).secretStore(...parameters);
  }

  async secretRotate(...parameters: Parameters<VaultServiceLike["secretRotate"]>): Promise<VaultReply> {
    return (await this.#service()).secretRotate(...parameters);
  }

  async getItem(...parameters: Parameters<VaultServiceLike["getItem"]>): Promise<VaultReply> {
    return (await this.#service()).getItem(...parameters);
  }

  async getBulk(...parameters: Parameters<VaultServiceLike["getBulk"]>): Promise<VaultReply> {
    return (await this.#service()).getBulk(...parameters);
  }

  async delete(...parameters: Parameters<VaultServiceLike["delete"]>): Promise<VaultReply> {
    return (await this.#service()).delete(...parameters);
  }

  async update(...parameters: Parameters<NonNullable<VaultServiceLike["update"]>>): Promise<VaultReply> {
    return (await (await this.#service()).update?.(...parameters)) ?? {};
  }
}

/**
 * Looks for the SDK before the first call does. Only a copy of this package that npm installed has its packages beside it;
 * a bundle has them within.
 *
 * @throws {ConfigurationError} when the SDK is not installed.
 */
export function requireSdkBeside({ url, resolve }: Pick<ImportMeta, "url" | "resolve">): void {
  if (!url.includes("/node_modules/pangea-authn-fastmcp/")) return;
  try {
    resolve(sdk);
  } catch (cause) {
    throw missingPackage(sdk, user, cause);
  }
}
