import { invalid, itemNotFound, success } from "../http/envelope.ts";
import { endpoint } from "./endpoint.ts";
import { normaliseFolder, ROOT_FOLDER } from "./folder-path.ts";
import { findVersion, replaceVersion, type SecretItem, type SecretVersion, versionAt, withState } from "./item.ts";
import { refuseName } from "./names.ts";
import { currentVersion, represent } from "./representation.ts";
import { rotateRequest, stateChangeRequest, storeRequest } from "./requests.ts";

/** `v2/secret/store`: a new secret, version 1. */
export const storeSecret = endpoint(storeRequest, (request, context) => {
  const { store, now } = context;
  const wanted = {
    type: "secret" as const,
    folder: normaliseFolder(request.folder ?? ROOT_FOLDER),
    ...(request.name === undefined ? {} : { name: request.name }),
  };
  const refusal = refuseName(wanted, context);
  if (refusal !== undefined) return refusal;
  const item = store.insert(
    {
      ...wanted,
      ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
      ...(request.tags === undefined ? {} : { tags: request.tags }),
      ...(request.disabled_at === undefined ? {} : { disabledAt: request.disabled_at }),
      enabled: true,
      createdAt: now,
      current: { version: 1, createdAt: now, state: "active", secret: request.secret },
    },
    now,
  );
  return success("Secret stored", represent(item, { now, versions: currentVersion, secrets: false }));
});

/** `v2/secret/rotate`: a new version; the one before takes the state asked for. */
export const rotateSecret = endpoint(rotateRequest, (request, { store, now }) => {
  const item = store.find(request.id);
  if (item === undefined) return itemNotFound();
  if (item.type !== "secret") return invalid("BadState", "/id", "A folder cannot be rotated.");
  const state = request.rotation_state ?? "deactivated";
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
  return success("Secret rotated", represent(rotated, { now, versions: currentVersion, secrets: false }));
});

/** `v2/state/change`: another state for one version. Destroyed is for good. */
export const changeState = endpoint(stateChangeRequest, (request, { store, now }) => {
  const item = store.find(request.id);
  if (item === undefined) return itemNotFound();
  if (item.type !== "secret") return invalid("BadState", "/id", "A folder has no state.");
  const found = findVersion(item, request.version ?? item.current.version);
  if (found === undefined) return invalid("DoesNotExist", "/version", "The item has no such version.");
  const version = versionAt(found, now);
  if (version.state === "destroyed") return invalid("BadState", "/state", "The version is destroyed.");
  if (request.destroy_period !== undefined && request.state !== "compromised") {
    return invalid("IsDependentOn", "/destroy_period", "Applies to the state compromised only.");
  }
  const destroyedAt =
    request.state === "destroyed"
      ? now
      : request.destroy_period === undefined
        ? undefined
        : now + request.destroy_period;
  const changed = withState(version, request.state, destroyedAt);
  store.replace(replaceVersion(item, changed), now);
  return success("State changed", represent(item, { now, versions: () => [changed], secrets: false }));
});
