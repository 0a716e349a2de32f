import { success } from "../http/envelope.ts";
import { endpoint } from "./endpoint.ts";
import { normaliseFolder, splitFolder } from "./folder-path.ts";
import { refuseName } from "./names.ts";
import { represent } from "./representation.ts";
import { createFolderRequest } from "./requests.ts";
import { ownSettings } from "./rotation-settings.ts";

/** `v2/folder/create`: a folder, and those above it that are not there yet. */
export const createFolder = endpoint(createFolderRequest, (request, context) => {
  const { folder, name, metadata, tags } = request;
  const { store, now } = context;
  const wanted = { type: "folder" as const, ...splitFolder(normaliseFolder(`${folder}/${name}`)) };
  const refusal = refuseName(wanted, context);
  if (refusal !== undefined) return refusal;
  const item = store.insert({ ...wanted, metadata, tags, rotation: ownSettings(request), createdAt: now }, now);
  return success("Folder created", represent(item, context));
});
