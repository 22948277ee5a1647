//! A map of what was used last. Who: colours of names, places of nodes.
//! **Invariant:** never holds more than it was made for: what was not used for the longest time goes.

export class Newest<T> {
  private readonly held = new Map<string, T>();

  constructor(private readonly max: number) {}

  /** Looking at it is using it. */
  get(key: string): T | undefined {
    const value = this.held.get(key);
    if (value !== undefined) {
      this.held.delete(key);
      this.held.set(key, value);
    }
    return value;
  }

  /** Returns what had to go for it. */
  set(key: string, value: T): T | undefined {
    this.held.delete(key);
    this.held.set(key, value);
    if (this.held.size <= this.max) {
      return undefined;
    }
    const [oldest, gone] = this.held.entries().next().value!;
    this.held.delete(oldest);
    return gone;
  }

  /** Those of `keys` that are held. */
  among(keys: string[]): Record<string, T> {
    return Object.fromEntries(
      keys.flatMap(key => {
        const value = this.get(key);
        return value === undefined ? [] : [[key, value]];
      })
    );
  }
}
