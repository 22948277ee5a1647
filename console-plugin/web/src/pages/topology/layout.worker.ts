//! Runs the layout outside of the page's thread. Who: `use-layout`.
//! **Invariant:** one answer for one question, with its number.
import { layout, type LayoutInput } from './layout';

addEventListener('message', (event: MessageEvent<{ id: number; input: LayoutInput }>) => {
  postMessage({ id: event.data.id, output: layout(event.data.input) });
});
