//! What names in the overview do: a click opens the side panel, a right click the menu of the same actions.
//! Who: the overview's panels. **Invariant:** what cannot be filtered on does nothing.
import { createContext, useContext } from 'react';
import type { NameActions, Point } from '../../components/charts/NameButton';
import { useActions, type Action } from '../../hooks/use-actions';
import { usePage } from '../../hooks/use-page';
import type { Series } from '../../model/series';
import { valueFilters } from '../../model/peer-filters';
import { pairSubject, type Subject } from './subject';

export interface Names {
  open: (subject: Subject) => void;
  openMenu: (subject: Subject, at: Point) => void;
}

export const NamesContext = createContext<Names>({ open: () => {}, openMenu: () => {} });

export const useSubjectActions = () => {
  const actions = useActions();
  return (subject: Subject): Action[] => {
    const copy = actions.copy(subject.name);
    switch (subject.kind) {
      case 'pair':
        return [...actions.ofPair(subject.source, subject.target), copy];
      case 'peer':
        return [...actions.ofPeer(subject.peer), copy];
      case 'value':
        return [...actions.ofValue(subject.field, subject.value), copy];
    }
  };
};

export const useNames = () => {
  const page = usePage();
  const { open, openMenu } = useContext(NamesContext);
  const of = (subject: Subject | undefined): NameActions =>
    subject ? { onPick: () => open(subject), onMenu: at => openMenu(subject, at) } : {};
  return {
    ofSubject: of,
    /** `by` is the scope it was asked for: peers of another one than that of the page cannot be filtered on. */
    ofSeries: (series: Series, by: string) => of(by === page.state.scope ? pairSubject(series) : undefined),
    /** `what` says what kind of thing the name is: the title of its panel. */
    ofValue: (field: string, value: string, name: string, what: string) =>
      valueFilters(page, field, value).length
        ? of({ kind: 'value', id: `${field}=${value}`, name, what, field, value })
        : {}
  };
};
