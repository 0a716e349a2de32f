import { StorageTimeoutError, StorageUnauthorizedError, StorageUnavailableError } from "../../errors.ts";
import { codesOf, describeFailure } from "../../provider/reporting/failure-description.ts";
import { isNetworkCode } from "../../storage/network-code.ts";
import { type StoreAddress, shownAddress } from "./store-address.ts";

/**
 * A failure of a store with the address of the store, as a program tells it that ends: it does not go on trying. Any other
 * failure stays what it is.
 */
export function placed(failure: unknown, address: StoreAddress): unknown {
  const place = shownAddress(address);
  if (failure instanceof StorageUnavailableError) {
    const known = codesOf(describeFailure(failure)).filter((code) => code !== failure.code);
    const { effect } = failure;
    const details = known.length === 0 ? "" : ` (${known.join(", ")})`;
    const outcome = effect === "none" ? "" : " The last change may have been made.";
    // What is special of a store, such as a full disk, its own message says.
    const isUnreached = known.some(isNetworkCode);
    const message = isUnreached
      ? `${place} cannot be reached${details}. See that it runs, and that this machine reaches it: host, port, firewall.${outcome}`
      : `${place} does not work${details}: ${failure.message}${outcome}`;
    return new StorageUnavailableError(message, { effect, cause: failure });
  }
  if (failure instanceof StorageTimeoutError || failure instanceof StorageUnauthorizedError) {
    const Failure = failure instanceof StorageTimeoutError ? StorageTimeoutError : StorageUnauthorizedError;
    return new Failure(`${place}: ${failure.message}`, { effect: failure.effect, cause: failure });
  }
  return failure;
}
