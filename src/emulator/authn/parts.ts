import type { EmulatedClients } from "./emulated-clients.ts";
import type { OidcStorage } from "./oidc-storage.ts";
import type { AuthnEmulatorOptions } from "./options.ts";
import type { UserDirectory } from "./user-directory.ts";

/** What AuthN's endpoints work with: the options with their defaults, and what the emulated account holds. */
export interface AuthnParts extends Required<Omit<AuthnEmulatorOptions, "users" | "clients" | "autoLogin">> {
  readonly users: UserDirectory;
  readonly clients: EmulatedClients;
  readonly storage: OidcStorage;
}
