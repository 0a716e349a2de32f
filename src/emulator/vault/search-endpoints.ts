import { invalid, type PangeaReply, success, validationError } from "../http/envelope.ts";
import { type EndpointContext, endpoint, isHidden, showsSecrets } from "./endpoint.ts";
import { findVersion, type VaultItem } from "./item.ts";
import { represent } from "./representation.ts";
import { getBulkRequest, listRequest, type SearchRequest } from "./requests.ts";
import { findItems, pageOf } from "./search.ts";

/** `v2/list`: the items that satisfy a filter, without their secrets. Folders are among them. */
export const listItems = endpoint(listRequest, (request, context) =>
  search(request, context, (item) => represent(item, context)),
);

/** `v2/get_bulk`: the items that satisfy a filter with their secrets, one version each. */
export const getItems = endpoint(getBulkRequest, (request, context) => {
  const wanted = new Map(Object.entries(request.version ?? {}));
  const chosenVersion = (item: VaultItem) => {
    const number = wanted.get(item.id);
    return number === undefined || item.type === "folder" ? undefined : findVersion(item, number);
  };
  const missing = [...wanted.keys()].filter((id) => {
    const item = context.store.find(id);
    return item !== undefined && chosenVersion(item) === undefined;
  });
  if (missing.length > 0) {
    const problem = { code: "DoesNotExist", detail: "The item has no such version." };
    return validationError(missing.map((id) => ({ ...problem, source: `/version/${id}` })));
  }
  return search(request, context, (item) => {
    const version = chosenVersion(item);
    const secrets = showsSecrets(item, context);
    return represent(item, context, { versions: version && [version], secrets });
  });
});

function search(request: SearchRequest, context: EndpointContext, show: (item: VaultItem) => object): PangeaReply {
  const { store, now, behaviours } = context;
  if (request.filter?.fields.includes("name__in") === true && behaviours.has("name-in-unsupported")) {
    return invalid("UnexpectedProperty", "/filter/name__in", "There is no such filter.");
  }
  const then = behaviours.staleness > 0 ? store.history.asOf(now - behaviours.staleness) : undefined;
  const found = findItems(store, request.filter, then).filter((item) => !isHidden(item, context));
  const page = pageOf(found, request);
  if (page === undefined) return invalid("BadFormat", "/last", "Must be the last of an earlier reply.");
  const { items, last } = page;
  return success(`Found ${items.length} items`, { items: items.map(show), last });
}
