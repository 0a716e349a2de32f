import { createInMemoryRepositories } from "../../src/index.ts";
import { ClientSite, clientId, documentWith, json } from "../provider/client-documents/client-site.ts";
import { ProviderHarness, providerOptions } from "./provider-harness.ts";
import { claimsOf, SigningKey } from "./signing-client.ts";

/** A client with a document and a key in it, and the provider's instances over one store. */
export class SigningScene implements AsyncDisposable {
  readonly site: ClientSite;
  readonly key: SigningKey;
  readonly #repositories;

  private constructor(site: ClientSite, key: SigningKey) {
    this.site = site;
    this.key = key;
    this.#repositories = createInMemoryRepositories({ clock: site.clock.read });
    const jwks = { keys: [key.jwk] };
    site.handler = json(documentWith({ token_endpoint_auth_method: "private_key_jwt", jwks }), {
      "cache-control": "max-age=3600",
    });
  }

  static async open(): Promise<SigningScene> {
    return new SigningScene(await ClientSite.open(), await SigningKey.generate());
  }

  /** One more instance. */
  instance(): ProviderHarness {
    const options = { ...providerOptions("https://login.example"), clock: this.site.clock.read };
    return new ProviderHarness({ ...options, repositories: this.#repositories }, this.site.network);
  }

  /** The claims of a good assertion, with changes. */
  claims(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return { ...claimsOf(clientId, "http://localhost:8000", this.site.clock), ...changes };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.site[Symbol.asyncDispose]();
  }
}
