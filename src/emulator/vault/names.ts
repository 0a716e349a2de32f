import { invalid, type PangeaReply } from "../http/envelope.ts";
import type { EndpointContext } from "./endpoint.ts";
import type { NameInFolder } from "./store.ts";

/**
 * Refuses a name that cannot be used in a folder: one that is taken there, or one with a slash while a fault refuses
 * those. `except` is the id of the item that is being renamed.
 */
export function refuseName(
  wanted: NameInFolder,
  { store, behaviours }: EndpointContext,
  except?: string,
): PangeaReply | undefined {
  if (wanted.type !== "folder" && wanted.name?.includes("/") === true && behaviours.has("refuse-slash-in-name")) {
    return invalid("DoesNotMatchPattern", "/name", "The name must not contain a slash.");
  }
  // Pangea's code for this is not documented; its list of codes has none for what is there already.
  if (!behaviours.has("duplicate-names") && store.isNameTaken(wanted, except)) {
    return invalid("BadState", "/name", "An item of this name is in the folder already.");
  }
  return undefined;
}
