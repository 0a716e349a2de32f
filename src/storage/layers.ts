/** What each repository has right behind it. */
const behind = new WeakMap<object, object>();

/** Notes that a repository passes its calls on to another one. */
export function noteLayer(front: object, back: object): void {
  behind.set(front, back);
}

/** A repository, and every repository of this package behind it, from the front to the back. */
export function* layersOf(repository: object): Generator<object, void, undefined> {
  for (let layer: object | undefined = repository; layer !== undefined; layer = behind.get(layer)) yield layer;
}
