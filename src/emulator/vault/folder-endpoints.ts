import { success } from "../http/envelope.ts";
import { endpoint } from "./endpoint.ts";
import { normaliseFolder, splitFolder } from "./folder-path.ts";
import { refuseName } from "./names.ts";
import { currentVersion, represent } from "./representation.ts";
import { createFolderRequest } from "./requests.ts";

/** `v2/folder/create`: a folder, and those above it that are not there yet. */
export const createFolder = endpoint(createFolderRequest, (request, context) => {
  const { store, now } = context;
  const { parent, name } = splitFolder(normaliseFolder(`${request.folder}/${request.name}`));
  const wanted = { type: "folder" as const, folder: parent, name };
  const refusal = refuseName(wanted, context);
  if (refusal !== undefined) return refusal;
  const item = store.insert(
    {
      ...wanted,
      ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
      ...(request.tags === undefined ? {} : { tags: request.tags }),
      createdAt: now,
    },
    now,
  );
  return success("Folder created", represent(item, { now, versions: currentVersion, secrets: false }));
});
