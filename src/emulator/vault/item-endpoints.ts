import { invalid, itemNotFound, type PangeaReply, success } from "../http/envelope.ts";
import { endpoint, isHidden, showsSecrets } from "./endpoint.ts";
import { normaliseFolder } from "./folder-path.ts";
import { findVersion, pathOf, type SecretItem, type SecretVersion, type VaultItem, versions } from "./item.ts";
import { refuseName } from "./names.ts";
import { represent } from "./representation.ts";
import { deleteRequest, getRequest, updateRequest } from "./requests.ts";
import { ownSettings } from "./rotation-settings.ts";

/** `v2/get`: one item by its id, with the versions asked for. */
export const getItem = endpoint(getRequest, (request, context) => {
  const item = context.store.find(request.id);
  if (item === undefined || isHidden(item, context)) return itemNotFound;
  const selected = item.type === "folder" ? [] : selectVersions(item, request.version);
  if (selected === undefined) return invalid("DoesNotExist", "/version", "The item has no such version.");
  const secrets = showsSecrets(item, context);
  return success("Item retrieved", represent(item, context, { versions: selected, secrets }));
});

/** `v2/update`: name, folder, metadata, tags, `enabled` and `disabled_at`; of a folder, how its items are rotated. */
export const updateItem = endpoint(updateRequest, (request, context) => {
  const { store, now } = context;
  const item = store.find(request.id);
  if (item === undefined) return itemNotFound;
  if (request.type !== undefined && request.type !== item.type) {
    return invalid("BadState", "/type", "The item is of another type.");
  }
  const common = {
    folder: request.folder === undefined ? item.folder : normaliseFolder(request.folder),
    metadata: request.metadata ?? item.metadata,
    tags: request.tags ?? item.tags,
  };
  const updated: VaultItem =
    item.type === "folder"
      ? { ...item, ...common, name: request.name ?? item.name, rotation: ownSettings(request, item.rotation) }
      : {
          ...item,
          ...common,
          name: request.name ?? item.name,
          enabled: request.enabled ?? item.enabled,
          disabledAt: request.disabled_at ?? item.disabledAt,
        };
  const isMoved = updated.name !== item.name || updated.folder !== item.folder;
  const refusal = refuseFolder(item, updated) ?? (isMoved ? refuseName(updated, context, item.id) : undefined);
  if (refusal !== undefined) return refusal;
  store.replace(updated, now);
  return success("Item updated", represent(updated, context));
});

/** `v2/delete`: an item; a folder that is not empty only with `recursive`. */
export const deleteItem = endpoint(deleteRequest, ({ id, recursive }, { store, now, behaviours }) => {
  const item = store.find(id);
  if (item === undefined) return behaviours.has("idempotent-delete") ? success("Item deleted", { id }) : itemNotFound;
  if (item.type === "folder" && recursive !== true && store.inFolder(pathOf(item)).next().done !== true) {
    return invalid("BadState", "/recursive", "The folder is not empty: set recursive to delete what is in it.");
  }
  store.remove(item, now);
  return success("Item deleted", { id });
});

/** Refuses a change of a folder that would leave it without a place of its own. */
function refuseFolder(before: VaultItem, after: VaultItem): PangeaReply | undefined {
  if (before.type !== "folder" || after.type !== "folder") return undefined;
  if (after.name.includes("/") || after.name === "") {
    return invalid("DoesNotMatchPattern", "/name", "The name of a folder is one segment of a path.");
  }
  if (after.folder.startsWith(pathOf(before))) return invalid("BadState", "/folder", "A folder cannot hold itself.");
  return undefined;
}

/** `N`: that version; `-N`: the Nth from the newest; `-N:`: the N newest; `all`. */
function selectVersions(item: SecretItem, wanted: string | number | undefined): readonly SecretVersion[] | undefined {
  if (wanted === undefined) return [item.current];
  if (wanted === "all") return [...versions(item)];
  if (typeof wanted === "string" && wanted.endsWith(":")) {
    const count = -Number(wanted.slice(0, -1));
    return [...versions(item)].slice(0, count);
  }
  const number = Number(wanted);
  const version = findVersion(item, number < 0 ? item.current.version + 1 + number : number);
  return version === undefined ? undefined : [version];
}
