//! Looking for nodes by name. Who: `TopologyPage`.
//! **Invariant:** what is found is drawn; matches among what is hidden are only counted.
import { useMemo, useState } from 'react';
import type { GraphNode } from './graph';
import type { Picture } from './use-topology';

export interface Search {
  text: string;
  setText: (text: string) => void;
  found: string[];
  foundSet: ReadonlySet<string>;
  /** Which of the found is shown; 0 if there is none. */
  position: number;
  setPosition: (position: number) => void;
  /** Matches that are not drawn. */
  hidden: number;
}

const matcher = (text: string) => {
  const needle = text.trim().toLowerCase();
  return ({ label, detail, cluster }: GraphNode) =>
    needle !== '' && [label, detail ?? '', cluster].some(each => each.toLowerCase().includes(needle));
};

export const useSearch = (picture: Picture | undefined): Search => {
  const [text, setText] = useState('');
  const [match, setMatch] = useState(0);
  const found = useMemo(() => (picture?.graph.nodes ?? []).filter(matcher(text)).map(node => node.id), [picture, text]);
  const foundSet = useMemo(() => new Set(found), [found]);
  const all = useMemo(() => (picture?.whole.nodes ?? []).filter(matcher(text)).length, [picture, text]);
  return {
    text,
    setText: next => {
      setText(next);
      setMatch(0);
    },
    found,
    foundSet,
    position: found.length ? ((match % found.length) + found.length) % found.length : 0,
    setPosition: setMatch,
    hidden: all - found.length
  };
};
