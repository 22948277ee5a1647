//! Places of the frame that a view fills: its options beside the tabs, and the line at the bottom. Who: the three views.
//! **Invariant:** the frame owns the places, the view owns what stands in them.
import { createContext, useContext } from 'react';
import { createPortal } from 'react-dom';

export interface Slots {
  options: HTMLElement | null;
  summary: HTMLElement | null;
}

export const SlotsContext = createContext<Slots>({ options: null, summary: null });

export const Slot = ({ name, children }: { name: keyof Slots; children: React.ReactNode }) => {
  const target = useContext(SlotsContext)[name];
  return target && createPortal(children, target);
};
