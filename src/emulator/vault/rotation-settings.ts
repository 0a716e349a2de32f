import { rootFolder, splitFolder } from "./folder-path.ts";
import type { FolderItem, VaultItem } from "./item.ts";
import type { VaultStore } from "./store.ts";

/** The settings of a folder that say how its items are rotated, under their names in requests and replies. */
export const rotationMembers = ["rotation_frequency", "rotation_state", "rotation_grace_period"] as const;

/** Settings of rotation. What is missing comes from the folders above. */
export type RotationSettings = { readonly [Member in (typeof rotationMembers)[number]]?: string | undefined };

/** The settings that hold for an item, and for those that come from a folder above: the path of that folder. */
export interface RotationInForce {
  readonly settings: RotationSettings;
  readonly inherited: RotationSettings;
}

/** What a request asks of the rotation: a setting of its own, or with `inherited` and nothing, that of the folders above. */
export function ownSettings(request: RotationSettings, before: RotationSettings = {}): RotationSettings {
  const own: Record<string, string> = {};
  for (const member of rotationMembers) {
    const setting = request[member] ?? before[member];
    if (setting !== undefined && setting !== "inherited") own[member] = setting;
  }
  return own;
}

/** The settings of rotation that hold for an item. */
export function rotationInForce(item: VaultItem, store: VaultStore): RotationInForce {
  const settings: Record<string, string> = {};
  const inherited: Record<string, string> = {};
  const own = item.type === "folder" ? item.rotation : undefined;
  for (const member of rotationMembers) {
    const setting = own?.[member];
    if (setting !== undefined) settings[member] = setting;
  }
  for (let path = item.folder; path !== rootFolder; path = splitFolder(path).folder) {
    const above = folderAt(path, store)?.rotation ?? {};
    for (const member of rotationMembers) {
      const setting = above[member];
      if (setting === undefined || settings[member] !== undefined) continue;
      settings[member] = setting;
      inherited[member] = path;
    }
  }
  return { settings, inherited };
}

function folderAt(path: string, store: VaultStore): FolderItem | undefined {
  const { folder, name } = splitFolder(path);
  for (const item of store.named(folder, name)) if (item.type === "folder") return item;
  return undefined;
}
