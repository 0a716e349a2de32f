/** The types that the declarations of every mount name. Each mount exports them, so that nobody imports two entries for one. */
export type { AuthInfo } from "../provider/tokens/access-token-verifier.ts";
export type {
  AuthorizationServer,
  BearerAuthenticator,
  CallerOptions,
  GuardOptions,
  MountOptions,
  RequireBearerOptions,
} from "./mounted-provider.ts";
