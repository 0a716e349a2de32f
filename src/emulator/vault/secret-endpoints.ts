import { invalid, itemNotFound, success } from "../http/envelope.ts";
import { endpoint } from "./endpoint.ts";
import { normaliseFolder, rootFolder } from "./folder-path.ts";
import { findVersion, replaceVersion, type SecretItem, type SecretVersion, versionAt, withState } from "./item.ts";
import { refuseName } from "./names.ts";
import { represent } from "./representation.ts";
import { rotateRequest, stateChangeRequest, storeRequest } from "./requests.ts";
import { rotationInForce } from "./rotation-settings.ts";

/** `v2/secret/store`: a new secret, version 1. */
export const storeSecret = endpoint(storeRequest, (request, context) => {
  const { store, now } = context;
  const { name, metadata, tags, secret, folder = rootFolder } = request;
  const wanted = { type: "secret" as const, folder: normaliseFolder(folder), name };
  const refusal = refuseName(wanted, context);
  if (refusal !== undefined) return refusal;
  const item = store.insert(
    {
      ...wanted,
      metadata,
      tags,
      disabledAt: request.disabled_at,
      enabled: true,
      createdAt: now,
      current: { version: 1, createdAt: now, state: "active", secret },
    },
    now,
  );
  return success("Secret stored", represent(item, context));
});

/** `v2/secret/rotate`: a new version; the one before takes the state asked for. */
export const rotateSecret = endpoint(rotateRequest, (request, { store, now }) => {
  const item = store.find(request.id);
  if (item === undefined) return itemNotFound;
  if (item.type !== "secret") return invalid("BadState", "/id", "A folder cannot be rotated.");
  const policy = rotationInForce(item, store).settings.rotation_state === "destroyed" ? "destroyed" : "deactivated";
  const state = request.rotation_state ?? policy;
  const superseded = versionAt(item.current, now);
  const kept =
    superseded.state === "destroyed"
      ? superseded
      : withState(superseded, state, state === "destroyed" ? now : undefined);
  const current: SecretVersion = {
    version: item.current.version + 1,
    createdAt: now,
    state: "active",
    secret: request.secret,
    previous: { ...kept, rotatedAt: now },
  };
  const rotated: SecretItem = { ...item, lastRotated: now, current };
  store.replace(rotated, now);
  return success("Secret rotated", represent(rotated, { store, now }));
});

/** `v2/state/change`: another state for one version. Destroyed is for good. */
export const changeState = endpoint(stateChangeRequest, (request, { store, now }) => {
  const { id, state, destroy_period: destroyPeriod } = request;
  const item = store.find(id);
  if (item === undefined) return itemNotFound;
  if (item.type !== "secret") return invalid("BadState", "/id", "A folder has no state.");
  const found = findVersion(item, request.version ?? item.current.version);
  if (found === undefined) return invalid("DoesNotExist", "/version", "The item has no such version.");
  const version = versionAt(found, now);
  if (version.state === "destroyed") return invalid("BadState", "/state", "The version is destroyed.");
  if (destroyPeriod !== undefined && state !== "compromised") {
    return invalid("IsDependentOn", "/destroy_period", "Applies to the state compromised only.");
  }
  const destroysAfter = state === "destroyed" ? 0 : destroyPeriod;
  const changed = withState(version, state, destroysAfter === undefined ? undefined : now + destroysAfter);
  store.replace(replaceVersion(item, changed), now);
  return success("State changed", represent(item, { store, now }, { versions: [changed] }));
});
