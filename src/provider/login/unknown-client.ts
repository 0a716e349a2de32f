import { OAuthError } from "../../errors.ts";

/**
 * A browser came with a `client_id` that nobody has here: the registration has ended, or the store was emptied. Most
 * applications go on sending the id that they keep, so the person has to be told what to do there.
 */
export class UnknownClientError extends OAuthError {
  /** The id, as the browser brought it. */
  readonly clientId: string;

  constructor(clientId: string) {
    super("invalid_client", "This server does not know the client_id; the client has to register.");
    this.clientId = clientId;
  }
}
