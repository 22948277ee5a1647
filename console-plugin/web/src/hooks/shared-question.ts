//! A question that several ask in one refresh, asked once. Who: `use-facts`, `use-beginning`.
//! **Invariant:** at most one request is in flight: what is asked anew while it is on its way waits for it, and another
//! question ends it.

interface Held<T> {
  key: string;
  tick: number;
  answer: Promise<T>;
  isOver: boolean;
  controller: AbortController;
}

export class SharedQuestion<T> {
  private held?: Held<T>;

  /** The answer to `key` of the refresh `tick`, or of the one before that is still on its way. */
  ask(key: string, tick: number, load: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { held } = this;
    if (held?.key === key && (held.tick === tick || !held.isOver)) {
      return held.answer;
    }
    held?.controller.abort();
    const controller = new AbortController();
    const mine: Held<T> = { key, tick, answer: load(controller.signal), isOver: false, controller };
    const end = () => {
      mine.isOver = true;
    };
    mine.answer.then(end, end);
    this.held = mine;
    return mine.answer;
  }
}
